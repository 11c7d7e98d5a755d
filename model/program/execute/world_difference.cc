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
#define TABLE(kind, name, life, Type, table) Table(before_.table, after_.table);
#include "model/sim/objects.def"
    CompareEndpoints();
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

  // Objects of a table: which came, which went, and what those that stayed have otherwise.
  template <class T>
  void Table(const sim::Slots<T>& before, const sim::Slots<T>& after) {
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
        Compare(name, *was, *is);
      }
    }
  }

  // "hwpt3", "nothing".
  template <class T>
  static std::string Named(const World& world, sim::Handle<T> handle) {
    std::string name = handle.null() ? "nothing" : Numbered(T::kKind, handle.index);
    liveupdate::TableOf<T>(world).ForEach([&](sim::Handle<T> h, const T& object) {
      if (h.index == handle.index) name = Numbered(T::kKind, NumberOf(h.index, object));
    });
    return name;
  }

  void References(const std::string& name, const iommufd::Object& was, const iommufd::Object& is) {
    Line("users of " + name, was.users.value, is.users.value);
    Line("short references of " + name, was.wait_cnt.value, is.wait_cnt.value);
  }

  void References(const std::string& name, const mm::File& was, const mm::File& is) {
    Line("file references of " + name, was.count.value, is.count.value);
    Flag("descriptor of " + name, was.fd_open.Peek(), is.fd_open.Peek());
  }

#define TABLE(kind, name, life, Type, table) \
  void Compare(const std::string& name_of, const Type& was, const Type& is);
#include "model/sim/objects.def"
  void CompareEndpoints();
  void CompareLiveUpdate();
  void CompareMemory();

  const World& before_;
  const World& after_;
  std::vector<std::string> lines_;
};

void Differ::Compare(const std::string& name, const iommufd::Context& was,
                     const iommufd::Context& is) {
  References(name, was.file, is.file);
}

void Differ::Compare(const std::string& name, const iommufd::Ioas& was, const iommufd::Ioas& is) {
  const auto count = [](const auto& list) { return list.Peek().size(); };
  References(name, was.object, is.object);
  Line(name + " immutable", was.iopt.immutable.Peek(), is.iopt.immutable.Peek());
  Line("areas of " + name, count(was.iopt.areas), count(is.iopt.areas));
  Line("domains of " + name, count(was.iopt.domains), count(is.iopt.domains));
  Line("reserved ranges of " + name, count(was.iopt.reserved), count(is.iopt.reserved));
  Line("iova alignment of " + name, was.iopt.iova_alignment.Peek(), is.iopt.iova_alignment.Peek());
  Line("hwpts of " + name, count(was.hwpt_list), count(is.hwpt_list));
}

void Differ::Compare(const std::string& name, const iommufd::Area& was, const iommufd::Area& is) {
  Line("pages of " + name, Named(before_, was.pages.Peek()), Named(after_, is.pages.Peek()));
  Line("storage domain of " + name, Named(before_, was.storage.Peek().domain),
       Named(after_, is.storage.Peek().domain));
}

void Differ::Compare(const std::string& name, const iommufd::Pages& was, const iommufd::Pages& is) {
  Line("references of " + name, was.kref.value, is.kref.value);
  Line("pinned by " + name, was.npinned.Peek(), is.npinned.Peek());
  Hex("seals seen by " + name, was.seals.Peek(), is.seals.Peek());
}

void Differ::Compare(const std::string& name, const iommufd::Hwpt& was, const iommufd::Hwpt& is) {
  References(name, was.object, is.object);
  Flag(name + " marked", was.IsMarked(), is.IsMarked());
  Flag(name + " enforce_cache_coherency", was.bits.Peek().enforce_cache_coherency,
       is.bits.Peek().enforce_cache_coherency);
  Line("token of " + name, was.token.Peek(), is.token.Peek());
  Flag(name + " preserved", was.preserved.Peek(), is.preserved.Peek());
}

void Differ::Compare(const std::string& name, const iommu::Domain& was, const iommu::Domain& is) {
  Hex("preserved_state of " + name, was.preserved_state.Peek(), is.preserved_state.Peek());
}

void Differ::Compare(const std::string& name, const iommufd::Device& was,
                     const iommufd::Device& is) {
  References(name, was.object, is.object);
  Flag(name + " bound", was.bound.Peek(), is.bound.Peek());
  Line(name + " attached to", Named(before_, was.attached.Peek()),
       Named(after_, is.attached.Peek()));
}

void Differ::Compare(const std::string& name, const mm::Memfd& was, const mm::Memfd& is) {
  References(name, was.file, is.file);
  Hex("size of " + name, was.state.Peek().size, is.state.Peek().size);
  Hex("seals of " + name, was.state.Peek().seals, is.state.Peek().seals);
  Flag(name + " frozen", was.state.Peek().frozen, is.state.Peek().frozen);
  Line("pages of " + name, was.state.Peek().pages.size(), is.state.Peek().pages.size());
}

void Differ::Compare(const std::string& name, const liveupdate::Session& was,
                     const liveupdate::Session& is) {
  Line("files of " + name, was.files.Peek().size(), is.files.Peek().size());
  References(name, was.file, is.file);
}

void Differ::Compare(const std::string& name, const iommufd::Igroup& was,
                     const iommufd::Igroup& is) {
  Line("references of " + name, was.ref.value, is.ref.value);
}

void Differ::CompareEndpoints() {
  const size_t endpoints = std::min(before_.iommu.endpoints.size(), after_.iommu.endpoints.size());
  for (size_t i = 0; i < endpoints; ++i) {
    const iommu::Endpoint& was = before_.iommu.endpoints[i];
    const iommu::Endpoint& is = after_.iommu.endpoints[i];
    const std::string name = absl::StrCat("endpoint", i);
    Flag(name + " owned by user space", was.dma_owner_claimed.Peek(), is.dma_owner_claimed.Peek());
    Line(name + " translates with", Named(before_, was.domain.Peek()),
         Named(after_, is.domain.Peek()));
  }
}

void Differ::CompareLiveUpdate() {
  const liveupdate::State& was = before_.kernel.luo;
  const liveupdate::State& is = after_.kernel.luo;
  Line("files preserved in any session", was.preserved_ids.Peek().size(),
       is.preserved_ids.Peek().size());
  Line("holders of the flb", was.flb.Peek().count, is.flb.Peek().count);
  Hex("header of the flb", was.flb.Peek().data, is.flb.Peek().data);
  Line("registrations with kho", was.kho.preserved.Peek().size(), is.kho.preserved.Peek().size());
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
  const FrameCounts was(before_.machine.phys);
  const FrameCounts is(after_.machine.phys);
  for (size_t i = 0; i < was.owned.size(); ++i) {
    const auto owner = static_cast<mm::FrameOwner>(i);
    if (owner == mm::FrameOwner::kFree) continue;  // of no meaning without the others
    Line(absl::StrCat("frames of ", std::string(mm::Name(owner))), was.owned[i], is.owned[i]);
  }
  Line("pins of frames", was.pins, is.pins);
  Line("locked pages", before_.machine.locked_pages.Peek(), after_.machine.locked_pages.Peek());
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
