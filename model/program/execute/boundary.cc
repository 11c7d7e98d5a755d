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
      if (value.file.kind == mm::FileRef::Kind::kMemfd) Add(mm::MemfdAt(value.file.index));
      if (value.file.kind == mm::FileRef::Kind::kIommufd) {
        Add(iommufd::IommufdAt(value.file.index));
      }
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
    switch (entry.type) {
#define OBJECT(kind, name, Type, slots, type, value, stem) \
  case iommufd::ObjectType::type:                          \
    return Add(IsLive(iommufd::Type##Handle{entry.slot, entry.generation}));
#include "model/sim/objects.def"
      case iommufd::ObjectType::kNone:
        return Add(false);
    }
  }

  template <class T>
  bool IsLive(Handle<T> h) const {
    return liveupdate::TableOf<T>(world_).Find(h) != nullptr;
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
