#include "model/program/execute/world_difference.h"

#include <algorithm>
#include <array>
#include <map>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "model/sim/reflect.h"

namespace iommufd_check::program {
namespace {

using liveupdate::World;
using sim::ObjectKind;

std::string Numbered(ObjectKind kind, uint32_t number) {
  return uapi::ShortText(std::string(sim::Name(kind)), number);
}

// Objects with ids as in object_id.h; the number of all others is their slot.
template <class T>
uint32_t NumberOf(uint16_t slot, const T& object) {
  if constexpr (requires { object.object.id; }) {
    return object.object.number();
  } else {
    return slot;
  }
}

class Differ {
 public:
  Differ(const World& before, const World& after) : before_(before), after_(after) {}

  std::vector<std::string> Lines() {
    CompareIommufd();
    CompareDomains();
    CompareLiveUpdate();
    CompareMemory();
    return std::move(lines_);
  }

 private:
  template <class Value>
  void Line(const std::string& what, const Value& before, const Value& after) {
    if (before != after) lines_.push_back(absl::StrCat(what, ": ", before, " -> ", after));
  }
  void Hex(const std::string& what, uint64_t before, uint64_t after) {
    Line(what, absl::StrFormat("%#x", before), absl::StrFormat("%#x", after));
  }
  void Flag(const std::string& what, bool before, bool after) {
    Line(what, int{before}, int{after});
  }

  // Objects of a table: which came, which went, and `compare` of those that stayed.
  template <class T, class Compare>
  void Table(const sim::Slots<T>& before, const sim::Slots<T>& after, const Compare& compare) {
    std::map<uint16_t, std::array<const T*, 2>> objects;
    before.ForEach([&](sim::Handle<T> h, const T& object) { objects[h.index][0] = &object; });
    after.ForEach([&](sim::Handle<T> h, const T& object) { objects[h.index][1] = &object; });
    for (const auto& [slot, states] : objects) {
      const T* was = states[0];
      const T* is = states[1];
      const std::string name = Numbered(T::kKind, NumberOf(slot, is != nullptr ? *is : *was));
      if (was == nullptr) {
        lines_.push_back(name + " is new");
      } else if (is == nullptr) {
        lines_.push_back(name + " is gone");
      } else {
        compare(name, *was, *is);
      }
    }
  }

  // "hwpt3", "nothing".
  template <class T>
  static std::string Named(const sim::Slots<T>& table, sim::Handle<T> handle) {
    std::string name = handle.null() ? "nothing" : Numbered(T::kKind, handle.index);
    table.ForEach([&](sim::Handle<T> h, const T& object) {
      if (h.index == handle.index) name = Numbered(T::kKind, NumberOf(h.index, object));
    });
    return name;
  }

  void References(const std::string& name, const iommufd::Object& was, const iommufd::Object& is) {
    Line("users of " + name, was.users.value, is.users.value);
    Line("short references of " + name, was.wait_cnt.value, is.wait_cnt.value);
  }

  void CompareIommufd();
  void CompareIoas();
  void CompareDomains();
  void CompareLiveUpdate();
  void CompareMemory();

  const World& before_;
  const World& after_;
  std::vector<std::string> lines_;
};

void Differ::CompareIoas() {
  using iommufd::Ioas;
  const auto count = [](const auto& list) { return list.Peek().size(); };
  Table<Ioas>(before_.kernel.iommufd.ioas, after_.kernel.iommufd.ioas,
              [&](const std::string& name, const Ioas& was, const Ioas& is) {
                References(name, was.object, is.object);
                Line(name + " immutable", was.iopt.immutable.Peek(), is.iopt.immutable.Peek());
                Line("areas of " + name, count(was.iopt.areas), count(is.iopt.areas));
                Line("domains of " + name, count(was.iopt.domains), count(is.iopt.domains));
                Line("reserved ranges of " + name, count(was.iopt.reserved),
                     count(is.iopt.reserved));
                Line("iova alignment of " + name, was.iopt.iova_alignment.Peek(),
                     is.iopt.iova_alignment.Peek());
                Line("hwpts of " + name, count(was.hwpt_list), count(is.hwpt_list));
              });
}

void Differ::CompareIommufd() {
  using iommufd::Area;
  using iommufd::Context;
  using iommufd::Device;
  using iommufd::Hwpt;
  using iommufd::Igroup;
  using iommufd::Pages;
  const iommufd::State& was_all = before_.kernel.iommufd;
  const iommufd::State& is_all = after_.kernel.iommufd;
  Table<Context>(was_all.contexts, is_all.contexts,
                 [&](const std::string& name, const Context& was, const Context& is) {
                   Line("file references of " + name, was.file.value, is.file.value);
                   Flag("descriptor of " + name, was.fd_open.Peek(), is.fd_open.Peek());
                 });
  CompareIoas();
  Table<Hwpt>(was_all.hwpts, is_all.hwpts,
              [&](const std::string& name, const Hwpt& was, const Hwpt& is) {
                References(name, was.object, is.object);
                Flag(name + " marked", was.IsMarked(), is.IsMarked());
                Flag(name + " enforce_cache_coherency", was.bits.Peek().enforce_cache_coherency,
                     is.bits.Peek().enforce_cache_coherency);
                Line("token of " + name, was.token.Peek(), is.token.Peek());
                Flag(name + " preserved", was.preserved.Peek(), is.preserved.Peek());
              });
  Table<Device>(was_all.devices, is_all.devices,
                [&](const std::string& name, const Device& was, const Device& is) {
                  References(name, was.object, is.object);
                  Flag(name + " bound", was.bound.Peek(), is.bound.Peek());
                  Line(name + " attached to", Named(was_all.hwpts, was.attached.Peek()),
                       Named(is_all.hwpts, is.attached.Peek()));
                });
  Table<Igroup>(was_all.igroups, is_all.igroups,
                [&](const std::string& name, const Igroup& was, const Igroup& is) {
                  Line("references of " + name, was.ref.value, is.ref.value);
                });
  Table<Area>(
      was_all.areas, is_all.areas, [&](const std::string& name, const Area& was, const Area& is) {
        Line("pages of " + name, Named(was_all.pages, was.pages.Peek()),
             Named(is_all.pages, is.pages.Peek()));
        Line("storage domain of " + name, Named(before_.iommu.domains, was.storage.Peek().domain),
             Named(after_.iommu.domains, is.storage.Peek().domain));
      });
  Table<Pages>(was_all.pages, is_all.pages,
               [&](const std::string& name, const Pages& was, const Pages& is) {
                 Line("references of " + name, was.kref.value, is.kref.value);
                 Line("pinned by " + name, was.npinned.Peek(), is.npinned.Peek());
                 Hex("seals seen by " + name, was.seals.Peek(), is.seals.Peek());
               });
}

void Differ::CompareDomains() {
  using iommu::Domain;
  Table<Domain>(before_.iommu.domains, after_.iommu.domains,
                [&](const std::string& name, const Domain& was, const Domain& is) {
                  Hex("preserved_state of " + name, was.preserved_state.Peek(),
                      is.preserved_state.Peek());
                });
  const size_t endpoints = std::min(before_.iommu.endpoints.size(), after_.iommu.endpoints.size());
  for (size_t i = 0; i < endpoints; ++i) {
    const iommu::Endpoint& was = before_.iommu.endpoints[i];
    const iommu::Endpoint& is = after_.iommu.endpoints[i];
    const std::string name = absl::StrCat("endpoint", i);
    Flag(name + " owned by user space", was.dma_owner_claimed.Peek(), is.dma_owner_claimed.Peek());
    Line(name + " translates with", Named(before_.iommu.domains, was.domain.Peek()),
         Named(after_.iommu.domains, is.domain.Peek()));
  }
}

void Differ::CompareLiveUpdate() {
  using liveupdate::Session;
  const liveupdate::State& was_all = before_.kernel.luo;
  const liveupdate::State& is_all = after_.kernel.luo;
  Table<Session>(was_all.sessions, is_all.sessions,
                 [&](const std::string& name, const Session& was, const Session& is) {
                   Line("files of " + name, was.files.Peek().size(), is.files.Peek().size());
                   Line("file references of " + name, was.file.value, is.file.value);
                   Flag("descriptor of " + name, was.fd_open.Peek(), is.fd_open.Peek());
                 });
  Line("files preserved in any session", was_all.preserved_ids.Peek().size(),
       is_all.preserved_ids.Peek().size());
  Line("holders of the flb", was_all.flb.Peek().count, is_all.flb.Peek().count);
  Hex("header of the flb", was_all.flb.Peek().data, is_all.flb.Peek().data);
  Line("registrations with kho", was_all.kho.preserved.Peek().size(),
       is_all.kho.preserved.Peek().size());
}

struct FrameCounts {
  std::array<uint64_t, static_cast<size_t>(mm::FrameOwner::kCount)> owned{};
  uint64_t pins = 0;

  explicit FrameCounts(const mm::PhysMemory& memory) {
    for (mm::Pfn pfn = mm::kFirstPfn; memory.Exists(pfn); ++pfn) {
      ++owned[static_cast<size_t>(memory.at(pfn).owner)];
      pins += memory.at(pfn).pins;
    }
  }
};

void Differ::CompareMemory() {
  using mm::Memfd;
  const FrameCounts was(before_.machine.phys);
  const FrameCounts is(after_.machine.phys);
  for (size_t i = 0; i < was.owned.size(); ++i) {
    const auto owner = static_cast<mm::FrameOwner>(i);
    if (owner == mm::FrameOwner::kFree) continue;  // of no meaning without the others
    Line(absl::StrCat("frames of ", std::string(mm::Name(owner))), was.owned[i], is.owned[i]);
  }
  Line("pins of frames", was.pins, is.pins);
  Line("locked pages", before_.machine.locked_pages.Peek(), after_.machine.locked_pages.Peek());
  Table<Memfd>(before_.machine.memfds, after_.machine.memfds,
               [&](const std::string& name, const Memfd& old, const Memfd& now) {
                 Line("file references of " + name, old.file.value, now.file.value);
                 Hex("size of " + name, old.state.Peek().size, now.state.Peek().size);
                 Hex("seals of " + name, old.state.Peek().seals, now.state.Peek().seals);
                 Flag(name + " frozen", old.state.Peek().frozen, now.state.Peek().frozen);
                 Line("pages of " + name, old.state.Peek().pages.size(),
                      now.state.Peek().pages.size());
               });
}

}  // namespace

std::vector<std::string> WorldDifference(const World& before, const World& after, size_t limit) {
  std::vector<std::string> lines = Differ(before, after).Lines();
  if (lines.empty()) {
    for (std::string& line : sim::DiffOf(before, after, limit + 1)) {
      if (!line.starts_with("kernel.locks.")) lines.push_back(std::move(line));
    }
  }
  if (lines.size() <= limit) return lines;
  const size_t more = lines.size() - limit;
  lines.resize(limit);
  lines.push_back(absl::StrCat("... ", more, " more"));
  return lines;
}

}  // namespace iommufd_check::program
