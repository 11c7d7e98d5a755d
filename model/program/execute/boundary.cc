#include "model/program/execute/boundary.h"

#include <algorithm>
#include <string>
#include <type_traits>
#include <vector>

namespace iommufd_check::program {
namespace {

using liveupdate::World;
using sim::Handle;

template <class T>
struct IsHandle : std::false_type {};
template <class T>
struct IsHandle<Handle<T>> : std::true_type {};

// Flattens a World into words as sim::WordSink does, but for handles and locks.
class BoundarySink : public sim::WordFlattener<BoundarySink> {
 public:
  explicit BoundarySink(const World& world) : world_(world) {}

  template <class T>
  void AddOther(const T& value) {
    if constexpr (std::is_same_v<T, sim::LockTable>) {
      AddLocks(value);
    } else if constexpr (std::is_same_v<T, iommufd::TableEntry>) {
      AddEntry(value);
    } else if constexpr (std::is_same_v<T, liveupdate::LuoFile>) {
      AddMembers(value);
      Add(value.memfd);
      Add(value.iommufd);
    } else if constexpr (IsHandle<T>::value) {
      AddWord(uint64_t{value.index} << 1 | (IsLive(value) ? 1 : 0));
    } else {
      AddMembers(value);
    }
  }

 private:
  // Which locks there are and who holds them, whatever their slots.
  void AddLocks(const sim::LockTable& locks) {
    std::vector<uint64_t> sorted;
    for (const sim::LockState& lock : locks.slots()) {
      if (lock.lock_class == sim::LockClass::kCount) continue;
      sorted.push_back(uint64_t{static_cast<uint8_t>(lock.lock_class)} << 48 |
                       uint64_t{static_cast<uint8_t>(lock.object.kind)} << 40 |
                       uint64_t{lock.object.number} << 16 |
                       uint64_t{static_cast<uint8_t>(lock.owner)} << 8 | lock.readers);
    }
    std::sort(sorted.begin(), sorted.end());
    Add(sorted);
  }

  void AddEntry(const iommufd::TableEntry& entry) {
    AddMembers(entry);
    const auto live = [&]<class T>(const sim::Slots<T>& slots) {
      return slots.Find(Handle<T>{entry.slot, entry.generation}) != nullptr;
    };
    const iommufd::State& s = world_.kernel.iommufd;
    switch (entry.type) {
      case iommufd::ObjectType::kDevice:
        return Add(live(s.devices));
      case iommufd::ObjectType::kHwptPaging:
        return Add(live(s.hwpts));
      case iommufd::ObjectType::kIoas:
        return Add(live(s.ioas));
      case iommufd::ObjectType::kNone:
        return Add(false);
    }
  }

  bool IsLive(iommufd::ContextHandle h) const { return Found(world_.kernel.iommufd.contexts, h); }
  bool IsLive(iommufd::IoasHandle h) const { return Found(world_.kernel.iommufd.ioas, h); }
  bool IsLive(iommufd::HwptHandle h) const { return Found(world_.kernel.iommufd.hwpts, h); }
  bool IsLive(iommufd::DeviceHandle h) const { return Found(world_.kernel.iommufd.devices, h); }
  bool IsLive(iommufd::IgroupHandle h) const { return Found(world_.kernel.iommufd.igroups, h); }
  bool IsLive(iommufd::AreaHandle h) const { return Found(world_.kernel.iommufd.areas, h); }
  bool IsLive(iommufd::PagesHandle h) const { return Found(world_.kernel.iommufd.pages, h); }
  bool IsLive(iommu::DomainHandle h) const { return Found(world_.iommu.domains, h); }
  bool IsLive(mm::MemfdHandle h) const { return Found(world_.machine.memfds, h); }
  bool IsLive(liveupdate::SessionHandle h) const { return Found(world_.kernel.luo.sessions, h); }

  template <class T>
  static bool Found(const sim::Slots<T>& slots, Handle<T> h) {
    return slots.Find(h) != nullptr;
  }

  const World& world_;
};

}  // namespace

sim::Fingerprint BoundaryOf(const World& world, const spec::Account& account) {
  BoundarySink sink(world);
  sink.Add(world);
  sink.Add(account);
  return sim::HashWords(sink.words());
}

}  // namespace iommufd_check::program
