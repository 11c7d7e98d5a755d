// Where the machine's state differs from the oracle's, in one line.
#include <algorithm>
#include <cstdio>
#include <initializer_list>
#include <map>
#include <string_view>
#include <utility>

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

template <class Place>
std::string Saw(const Place& where, std::string_view what, const std::string& observed,
                const std::string& expected) {
  return where.Text() + std::string(what) + " " + observed + ", expected " + expected;
}

template <class Place>
std::string SawNumber(const Place& where, std::string_view what, uint64_t observed,
                      uint64_t expected) {
  if (observed == expected) return "";
  return Saw(where, what, std::to_string(observed), std::to_string(expected));
}

template <class Place>
std::string SawObject(const Place& where, std::string_view what, uint32_t observed,
                      uint32_t expected) {
  if (observed == expected) return "";
  return Saw(where, what, uapi::NumberText(observed), uapi::NumberText(expected));
}

template <class Place>
std::string SawHex(const Place& where, std::string_view what, uint64_t observed,
                   uint64_t expected) {
  return observed == expected ? "" : Saw(where, what, Hex(observed), Hex(expected));
}

template <class Place>
std::string SawFlag(const Place& where, std::string_view what, bool observed, bool expected) {
  if (observed == expected) return "";
  return Saw(where, what, observed ? "yes" : "no", expected ? "yes" : "no");
}

std::string First(std::initializer_list<std::string> differences) {
  for (const std::string& difference : differences) {
    if (!difference.empty()) return difference;
  }
  return "";
}

// Calls same(where, object, view) for each key that both have; a key of one side is a difference.
template <class Objects, class View, class Key, class Same>
std::string Match(std::string_view kind, const Objects& objects, const std::vector<View>& views,
                  Key View::* key, Same same) {
  for (const View& view : views) {
    if (objects.contains(view.*key)) continue;
    return std::string(kind) + uapi::NumberText(view.*key) + " unexpected";
  }
  for (const auto& [number, object] : objects) {
    const auto view = std::find_if(views.begin(), views.end(),
                                   [&, n = number](const View& v) { return v.*key == n; });
    if (view == views.end()) return std::string(kind) + uapi::NumberText(number) + " missing";
    std::string difference = same(Where{kind, number}, object, *view);
    if (!difference.empty()) return difference;
  }
  return "";
}

std::string BackingDifference(const WhereArea& where, const Area& area, const AreaView& view) {
  return First({
      SawFlag(where, "of a file", view.is_file, area.is_file),
      SawNumber(where, "memfd", view.is_file ? view.memfd : 0, area.is_file ? area.memfd : 0),
      SawHex(where, "source page", view.source_page, area.first_page()),
      SawHex(where, "page offset", view.page_offset, area.start % mm::kPageSize),
      SawNumber(where, "pages", view.pages, area.pages),
  });
}

std::string AreaDifference(const Where& ioas, const Area& area, const AreaView& view) {
  IOMMUFD_CHECK(area.first == view.first, "areas are matched by their first byte");
  const WhereArea where{ioas, area.first, area.last};
  return First({
      SawHex(where, "ends at", view.last, area.last),
      SawNumber(where, "permissions", view.permissions, area.permissions),
      SawFlag(where, "finished", view.finished, area.finished),
      // A half-built area shows no pages.
      area.finished ? BackingDifference(where, area, view) : "",
  });
}

std::string AreasDifference(const Where& where, const Ioas& ioas, const IoasView& view) {
  auto expected = ioas.areas.begin();
  for (const AreaView& area : view.areas) {
    if (expected == ioas.areas.end() || area.first < expected->first) {
      return WhereArea{where, area.first, area.last}.Text() + "unexpected";
    }
    if (area.first > expected->first) break;
    std::string difference = AreaDifference(where, expected->second, area);
    if (!difference.empty()) return difference;
    ++expected;
  }
  if (expected == ioas.areas.end()) return "";
  return WhereArea{where, expected->first, expected->second.last}.Text() + "missing";
}

std::string IoasDifference(const State& state, const Where& where, const Ioas& ioas,
                           const IoasView& view) {
  return First({
      AreasDifference(where, ioas, view),
      SawNumber(where, "alignment", view.alignment, state.AlignmentOf(view.id)),
      SawNumber(where, "domains", view.domains.size(), state.HwptsOn(view.id)),
  });
}

std::string HwptDifference(const Where& where, const Hwpt& hwpt, const HwptView& view) {
  return First({
      SawObject(where, "ioas", view.ioas, hwpt.ioas),
      SawFlag(where, "marked", view.marked, hwpt.mark.has_value()),
      hwpt.mark.has_value() ? SawHex(where, "token", view.token, *hwpt.mark) : "",
  });
}

std::string DeviceDifference(const Where& where, const Device& device, const DeviceView& view) {
  return First({
      SawNumber(where, "endpoint", view.endpoint, device.endpoint),
      SawObject(where, "attached to", view.attached, device.attached),
  });
}

// All pages of a preserved file are there, and never one beyond its end.
std::string PageCacheDifference(const State& state, const Where& where, const MemfdView& view) {
  const uint64_t end = (view.size + mm::kPageSize - 1) / mm::kPageSize;
  uint64_t next = 0;
  for (const auto& [page, pfn] : view.pages) {
    if (page >= end) return where.Text() + "page " + std::to_string(page) + " beyond its end";
    if (page == next) ++next;
  }
  if (next == end || !state.IsPreserved({mm::FileRef::Kind::kMemfd, view.number})) return "";
  return where.Text() + "preserved, but page " + std::to_string(next) + " is a hole";
}

std::string MemfdDifference(const State& state, const Where& where, const Memfd& memfd,
                            const MemfdView& view) {
  return First({
      SawHex(where, "size", view.size, memfd.size),
      SawHex(where, "seals", view.seals, memfd.seals),
      SawFlag(where, "frozen", view.frozen, memfd.frozen),
      PageCacheDifference(state, where, view),
  });
}

std::string SessionDifference(const Where& where, const Session& session, const SessionView& view) {
  if (view.name != session.name) return Saw(where, "name", view.name, session.name);
  for (size_t i = 0; i < session.files.size(); ++i) {
    const File& file = session.files[i];
    const WhereFile name{where, &file.file, file.token};
    if (i >= view.files.size()) return name.Text() + "missing";
    const FileView& seen = view.files[i];
    if (seen.token != file.token || !(seen.file == file.file)) {
      return name.Text() + "is not file " + std::to_string(i) + " of the session";
    }
    if (file.file.kind != mm::FileRef::Kind::kMemfd) continue;
    std::string difference =
        First({SawHex(name, "serialized size", seen.serialized_size, file.size),
               SawHex(name, "serialized seals", seen.serialized_seals, file.seals)});
    if (!difference.empty()) return difference;
  }
  if (view.files.size() == session.files.size()) return "";
  const FileView& extra = view.files[session.files.size()];
  return WhereFile{where, &extra.file, extra.token}.Text() + "unexpected";
}

std::string IommufdsDifference(const State& state, const Snapshot& observed) {
  for (uint16_t i = 0; i < state.iommufds.size(); ++i) {
    const IommufdView* view = observed.FindIommufd(i);
    const Where where{"iommufd ", i};
    const std::string difference = First({
        SawFlag(where, "context", view != nullptr, state.iommufds[i].context),
        SawFlag(where, "open", view != nullptr && view->fds > 0, state.iommufds[i].fd_open),
    });
    if (!difference.empty()) return difference;
  }
  return "";
}

std::string ObjectsDifference(const State& state, const Snapshot& observed) {
  const auto ioas_same = [&](const Where& where, const Ioas& ioas, const IoasView& view) {
    return IoasDifference(state, where, ioas, view);
  };
  return First({
      IommufdsDifference(state, observed),
      Match("ioas ", state.ioas, observed.ioas, &IoasView::id, ioas_same),
      Match("hwpt ", state.hwpts, observed.hwpts, &HwptView::id, HwptDifference),
      Match("device ", state.devices, observed.devices, &DeviceView::id, DeviceDifference),
  });
}

// Areas are slices of one pages object on both sides or on none. REQUIRES: both have the same
// areas.
std::string SharingDifference(const State& state, const Snapshot& observed) {
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
      return where.Text() + (joins ? "has pages of its own" : "shares pages") + ", not as expected";
    }
  }
  return "";
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
  const auto memfd_same = [&](const Where& where, const Memfd& memfd, const MemfdView& view) {
    return MemfdDifference(state, where, memfd, view);
  };
  std::string difference = First({
      ObjectsDifference(state, observed),
      Match("memfd ", state.memfds, observed.memfds, &MemfdView::number, memfd_same),
      Match("session ", state.sessions, observed.sessions, &SessionView::number, SessionDifference),
  });
  if (difference.empty()) difference = SharingDifference(state, observed);
  return difference.empty() && leaves ? LeavesDifference(state, observed) : difference;
}

}  // namespace iommufd_check::spec::oracle
