// Acts: what a task does at a step, by name and without numbers. Switches are anchored to them.
//
// An act is what swim lanes print less the numbers of its objects, so that a program that names one
// does not change its meaning when objects are numbered otherwise. How an access turns out (a count
// that may be read only, or taken) is known when it happens, so all accesses of a field are one
// act; so are a call that fails and one that does not.
//
//   Act{Primitive::kLock, Detail(LockClass::kIoasMutex)}       lock ioas.mutex
//   Act{Primitive::kCall, Detail(FaultSite::kKcalloc)}         kcalloc
//   Act{Primitive::kRead, Detail(Field::kIoptImmutable), ObjectKind::kIoas}
//   Act{Primitive::kLock, kAnyDetail}                          whatever lock
#pragma once

#include <cstdint>
#include <type_traits>

#include "model/sim/event.h"

namespace iommufd_check::sim {

inline constexpr uint8_t kAnyDetail = 254;

struct Act {
  // kOpBegin, kOpEnd, kLock, kUnlock, kWait, kRead for any access, kCall for any call that can
  // fail.
  Primitive primitive = Primitive::kOpBegin;
  // LockClass, Field or FaultSite; of a kWait on a queue kNoLockClass; kAnyDetail: each of them.
  uint8_t detail = 0;
  ObjectKind kind = ObjectKind::kNone;  // of an access: whose field

  friend bool operator==(const Act&, const Act&) = default;
};
static_assert(std::has_unique_object_representations_v<Act>, "acts are compared as bytes");

template <class Enum>
constexpr uint8_t Detail(Enum value) {
  return static_cast<uint8_t>(value);
}

// `act` is of those that `pattern` names.
constexpr bool Names(const Act& pattern, const Act& act) {
  if (pattern.primitive != act.primitive) return false;
  return pattern.detail == kAnyDetail || pattern == act;
}

// The event is what a step of that act leaves, each time at least once. Of a kWait none is: a task
// that was woken too early waits again without a new event.
bool Leaves(const Act& pattern, const Event& event);

}  // namespace iommufd_check::sim
