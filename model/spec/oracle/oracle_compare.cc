// Where the machine's state differs from the oracle's, in one line.
#include <algorithm>
#include <cstdio>
#include <map>
#include <string_view>
#include <utility>

#include "absl/container/inlined_vector.h"
#include "model/sim/check.h"
#include "model/spec/oracle/oracle_leaves.h"
#include "model/spec/oracle/oracle_rules.h"

namespace iommufd_check::spec::oracle {
namespace {

// Where a difference is. It becomes text only when there is one.
struct Where {
  std::string_view kind;  // "ioas "
  uint32_t number = 0;
  std::string Text() const { return std::string(kind) + uapi::NumberText(number) + ": "; }
};

std::string Interval(Iova first, Iova last) { return "[" + Hex(first) + "," + Hex(last) + "]"; }

struct WhereArea {
  Where ioas;
  Iova first = 0;
  Iova last = 0;
  std::string Text() const { return ioas.Text() + "area " + Interval(first, last) + " "; }
};

struct WhereFile {
  Where session;
  const mm::FileRef* file;
  uint64_t token = 0;
  std::string Text() const {
    const bool iommufd = file->kind == mm::FileRef::Kind::kIommufd;
    const std::string kind = iommufd ? "iommufd " : "memfd ";
    return session.Text() + kind + std::to_string(file->index) + " with token " + Hex(token) + " ";
  }
};

// What is found different, and where. Each question is true when the answer is yes, and then it is
// the last one: `a || b` asks in order. Nothing is written before.
class Contrast {
 public:
  template <class Place>
  bool Number(const Place& where, std::string_view what, uint64_t observed, uint64_t expected) {
    return observed != expected &&
           Saw(where, what, std::to_string(observed), std::to_string(expected));
  }
  template <class Place>
  bool Object(const Place& where, std::string_view what, uint32_t observed, uint32_t expected) {
    return observed != expected &&
           Saw(where, what, uapi::NumberText(observed), uapi::NumberText(expected));
  }
  template <class Place>
  bool HexNumber(const Place& where, std::string_view what, uint64_t observed, uint64_t expected) {
    return observed != expected && Saw(where, what, Hex(observed), Hex(expected));
  }
  template <class Place>
  bool Flag(const Place& where, std::string_view what, bool observed, bool expected) {
    return observed != expected &&
           Saw(where, what, observed ? "yes" : "no", expected ? "yes" : "no");
  }
  template <class Place>
  bool Saw(const Place& where, std::string_view what, const std::string& observed,
           const std::string& expected) {
    return Say(where.Text() + std::string(what) + " " + observed + ", expected " + expected);
  }
  bool Say(std::string text) {
    IOMMUFD_CHECK(text_.empty() && !text.empty(), "the first difference is the last question");
    text_ = std::move(text);
    return true;
  }

  std::string Take() { return std::move(text_); }

 private:
  std::string text_;
};

// A key that one side alone has, or the first difference of those before that one.
template <class Objects, class View, class Key, class Differs>
bool Unmatched(Contrast& c, std::string_view kind, const Objects& objects,
               const std::vector<View>& views, Key View::* key, Differs differs) {
  for (const View& view : views) {
    if (objects.contains(view.*key)) continue;
    return c.Say(std::string(kind) + uapi::NumberText(view.*key) + " unexpected");
  }
  for (const auto& [number, object] : objects) {
    const auto view = std::find_if(views.begin(), views.end(),
                                   [&, n = number](const View& v) { return v.*key == n; });
    if (view == views.end()) {
      return c.Say(std::string(kind) + uapi::NumberText(number) + " missing");
    }
    if (differs(Where{kind, number}, object, *view)) return true;
  }
  return false;
}

// Asks differs(where, object, view) for each key that both have; a key of one side is a difference.
template <class Objects, class View, class Key, class Differs>
bool Match(Contrast& c, std::string_view kind, const Objects& objects,
           const std::vector<View>& views, Key View::* key, Differs differs) {
  const auto same_key = [&](const auto& object, const View& view) {
    return object.first == view.*key;
  };
  if (!std::equal(objects.begin(), objects.end(), views.begin(), views.end(), same_key)) {
    return Unmatched(c, kind, objects, views, key, differs);
  }
  auto view = views.begin();
  for (const auto& [number, object] : objects) {
    if (differs(Where{kind, number}, object, *view++)) return true;
  }
  return false;
}

bool BackingDiffers(Contrast& c, const WhereArea& where, const Area& area, const AreaView& view) {
  return c.Flag(where, "of a file", view.is_file, area.is_file) ||
         c.Number(where, "memfd", view.is_file ? view.memfd : 0, area.is_file ? area.memfd : 0) ||
         c.HexNumber(where, "source page", view.source_page, area.first_page()) ||
         c.HexNumber(where, "page offset", view.page_offset, area.start % mm::kPageSize) ||
         c.Number(where, "pages", view.pages, area.pages);
}

bool AreaDiffers(Contrast& c, const Where& ioas, const Area& area, const AreaView& view) {
  IOMMUFD_CHECK(area.first == view.first, "areas are matched by their first byte");
  const WhereArea where{ioas, area.first, area.last};
  // A half-built area shows no pages.
  return c.HexNumber(where, "ends at", view.last, area.last) ||
         c.Number(where, "permissions", view.permissions, area.permissions) ||
         c.Flag(where, "finished", view.finished, area.finished) ||
         (area.finished && BackingDiffers(c, where, area, view));
}

bool AreasDiffer(Contrast& c, const Where& where, const Ioas& ioas, const IoasView& view) {
  auto expected = ioas.areas.begin();
  for (const AreaView& area : view.areas) {
    if (expected == ioas.areas.end() || area.first < expected->first) {
      return c.Say(WhereArea{where, area.first, area.last}.Text() + "unexpected");
    }
    if (area.first > expected->first) break;
    if (AreaDiffers(c, where, expected->second, area)) return true;
    ++expected;
  }
  return expected != ioas.areas.end() &&
         c.Say(WhereArea{where, expected->first, expected->second.last}.Text() + "missing");
}

bool IoasDiffers(Contrast& c, const State& state, const Where& where, const Ioas& ioas,
                 const IoasView& view) {
  const uint32_t hwpts = state.HwptsOn(view.id);
  return AreasDiffer(c, where, ioas, view) ||
         c.Number(where, "alignment", view.alignment, State::AlignmentWith(hwpts)) ||
         c.Number(where, "domains", view.domains.size(), hwpts);
}

bool HwptDiffers(Contrast& c, const Where& where, const Hwpt& hwpt, const HwptView& view) {
  return c.Object(where, "ioas", view.ioas, hwpt.ioas) ||
         c.Flag(where, "marked", view.marked, hwpt.mark.has_value()) ||
         (hwpt.mark.has_value() && c.HexNumber(where, "token", view.token, *hwpt.mark));
}

bool DeviceDiffers(Contrast& c, const Where& where, const Device& device, const DeviceView& view) {
  return c.Number(where, "endpoint", view.endpoint, device.endpoint) ||
         c.Object(where, "attached to", view.attached, device.attached);
}

// All pages of a preserved file are there, and never one beyond its end.
bool PageCacheDiffers(Contrast& c, const State& state, const Where& where, const MemfdView& view) {
  const uint64_t end = (view.size + mm::kPageSize - 1) / mm::kPageSize;
  uint64_t next = 0;
  for (const auto& [page, pfn] : view.pages) {
    if (page >= end) {
      return c.Say(where.Text() + "page " + std::to_string(page) + " beyond its end");
    }
    if (page == next) ++next;
  }
  return next != end && state.IsPreserved({mm::FileRef::Kind::kMemfd, view.number}) &&
         c.Say(where.Text() + "preserved, but page " + std::to_string(next) + " is a hole");
}

bool MemfdDiffers(Contrast& c, const State& state, const Where& where, const Memfd& memfd,
                  const MemfdView& view) {
  return c.HexNumber(where, "size", view.size, memfd.size) ||
         c.HexNumber(where, "seals", view.seals, memfd.seals) ||
         c.Flag(where, "frozen", view.frozen, memfd.frozen) ||
         PageCacheDiffers(c, state, where, view);
}

bool FileDiffers(Contrast& c, const WhereFile& where, const File& file, const FileView& view) {
  return file.file.kind == mm::FileRef::Kind::kMemfd &&
         (c.HexNumber(where, "serialized size", view.serialized_size, file.size) ||
          c.HexNumber(where, "serialized seals", view.serialized_seals, file.seals));
}

bool SessionDiffers(Contrast& c, const Where& where, const Session& session,
                    const SessionView& view) {
  if (view.name != session.name) return c.Saw(where, "name", view.name, session.name);
  for (size_t i = 0; i < session.files.size(); ++i) {
    const File& file = session.files[i];
    const WhereFile name{where, &file.file, file.token};
    if (i >= view.files.size()) return c.Say(name.Text() + "missing");
    const FileView& seen = view.files[i];
    if (seen.token != file.token || !(seen.file == file.file)) {
      return c.Say(name.Text() + "is not file " + std::to_string(i) + " of the session");
    }
    if (FileDiffers(c, name, file, seen)) return true;
  }
  if (view.files.size() == session.files.size()) return false;
  const FileView& extra = view.files[session.files.size()];
  return c.Say(WhereFile{where, &extra.file, extra.token}.Text() + "unexpected");
}

bool IommufdsDiffer(Contrast& c, const State& state, const Snapshot& observed) {
  for (uint16_t i = 0; i < state.iommufds.size(); ++i) {
    const IommufdView* view = observed.FindIommufd(i);
    const Where where{"iommufd ", i};
    const bool differs =
        c.Flag(where, "context", view != nullptr, state.iommufds[i].context) ||
        c.Flag(where, "open", view != nullptr && view->fds > 0, state.iommufds[i].fd_open);
    if (differs) return true;
  }
  return false;
}

bool ObjectsDiffer(Contrast& c, const State& state, const Snapshot& observed) {
  return IommufdsDiffer(c, state, observed) ||
         Match(c, "ioas ", state.ioas, observed.ioas, &IoasView::id,
               [&](const Where& where, const Ioas& ioas, const IoasView& view) {
                 return IoasDiffers(c, state, where, ioas, view);
               }) ||
         Match(c, "hwpt ", state.hwpts, observed.hwpts, &HwptView::id,
               [&](const Where& where, const Hwpt& hwpt, const HwptView& view) {
                 return HwptDiffers(c, where, hwpt, view);
               }) ||
         Match(c, "device ", state.devices, observed.devices, &DeviceView::id,
               [&](const Where& where, const Device& device, const DeviceView& view) {
                 return DeviceDiffers(c, where, device, view);
               });
}

bool FilesDiffer(Contrast& c, const State& state, const Snapshot& observed) {
  return Match(c, "memfd ", state.memfds, observed.memfds, &MemfdView::number,
               [&](const Where& where, const Memfd& memfd, const MemfdView& view) {
                 return MemfdDiffers(c, state, where, memfd, view);
               }) ||
         Match(c, "session ", state.sessions, observed.sessions, &SessionView::number,
               [&](const Where& where, const Session& session, const SessionView& view) {
                 return SessionDiffers(c, where, session, view);
               });
}

// No area shares pages, on neither side: the usual case, told without a list of who does.
bool NobodyShares(const State& state, const Snapshot& observed) {
  absl::InlinedVector<uint16_t, 16> backings;
  for (const IoasView& ioas : observed.ioas) {
    for (const AreaView& area : ioas.areas) {
      if (area.backing != kNoBacking) backings.push_back(area.backing);
    }
  }
  std::sort(backings.begin(), backings.end());
  if (std::adjacent_find(backings.begin(), backings.end()) != backings.end()) return false;
  for (const auto& [id, ioas] : state.ioas) {
    for (const auto& [first, area] : ioas.areas) {
      if (area.sharing != 0) return false;
    }
  }
  return true;
}

// Areas are slices of one pages object on both sides or on none. REQUIRES: both have the same
// areas.
bool SharingDiffers(Contrast& c, const State& state, const Snapshot& observed) {
  if (NobodyShares(state, observed)) return false;
  using Group = std::pair<uint32_t, const Area*>;  // by number, or an area that is alone
  std::map<uint16_t, Group> groups;
  std::map<Group, uint16_t> backings;
  for (const IoasView& ioas : observed.ioas) {
    for (const AreaView& view : ioas.areas) {
      if (view.backing == kNoBacking) continue;
      const Area& area = state.ioas.at(ioas.id).areas.at(view.first);
      const Group group{area.sharing, area.sharing == 0 ? &area : nullptr};
      const bool joins = groups.emplace(view.backing, group).first->second == group;
      const bool leads = backings.emplace(group, view.backing).first->second == view.backing;
      if (joins && leads) continue;
      const WhereArea where{{"ioas ", ioas.id}, view.first, view.last};
      return c.Say(where.Text() + (joins ? "has pages of its own" : "shares pages") +
                   ", not as expected");
    }
  }
  return false;
}

}  // namespace

std::string Hex(uint64_t value) {
  char text[20];
  const int length = std::snprintf(text, sizeof text, "0x%llx",
                                   static_cast<unsigned long long>(value));  // NOLINT
  IOMMUFD_CHECK(length > 0, "a number can be printed");
  return text;
}

std::string Difference(const State& state, const Snapshot& observed, bool leaves) {
  Contrast c;
  if (ObjectsDiffer(c, state, observed) || FilesDiffer(c, state, observed) ||
      SharingDiffers(c, state, observed)) {
    return c.Take();
  }
  return leaves ? LeavesDifference(state, observed) : "";
}

}  // namespace iommufd_check::spec::oracle
