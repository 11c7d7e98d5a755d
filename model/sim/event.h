// One thing that a task did, and the log of all of them with its rolling digest.
//
// An execution is its event log: engines compare digests, invariants listen to events, reports draw
// swim lanes from them. An event holds only small numbers and enumerators: no address, no time.
#pragma once

#include <cstdint>
#include <type_traits>
#include <vector>

#include "model/sim/vocabulary.h"

namespace iommufd_check::sim {

// 0 is the context that runs main, finally and exit; concurrent tasks are 1..kMaxTasks-1.
using TaskId = uint8_t;
inline constexpr int kMaxTasks = 8;

// How an access is made, as KCSAN and the memory model see it (Documentation/dev-tools/kcsan.rst).
inline constexpr uint8_t kAccessMarked =
    1;  // READ_ONCE, WRITE_ONCE, atomics, or ordered by the callee
inline constexpr uint8_t kAccessWord = 2;    // a plain write of up to a word, taken to be atomic
inline constexpr uint8_t kAccessSame = 4;    // a write of the value that is there already
inline constexpr uint8_t kAccessOrders = 8;  // a read of a count that orders what follows (acquire)

// Element of a field that stands for all of them: a whole table is walked, a word of it is written.
inline constexpr uint16_t kWholeField = UINT16_MAX;

// Detail of a kWait that is on a wait queue. No class will ever have this number.
inline constexpr uint8_t kNoLockClass = UINT8_MAX;

struct Event {
  uint32_t step = 0;       // steps that `task` had taken before this event; see task.h
  uint16_t operation = 0;  // index in Program::operations
  TaskId task = 0;
  Primitive primitive = Primitive::kOpBegin;
  ObjectRef object;
  uint8_t detail = 0;  // Field, LockClass, FaultSite, Splat, Note or Fn, by primitive
  uint8_t mode = 0;    // kLock, kUnlock, kWait: LockMode; kRead, kWrite: kAccess* bits;
                       // kSplat: Condition
  uint16_t spare = 0;  // kLock, kUnlock, kWait: index of the lock; kRead, kWrite: element of the
                       // field; kSplat: Fn
  // Result, pfn, count, see the Note's writer; kLock, kUnlock, kWait: generation of the lock;
  // kEnter: depth, from 1.
  int64_t value = 0;

  friend bool operator==(const Event&, const Event&) = default;
};
static_assert(sizeof(Event) == 24 && std::has_unique_object_representations_v<Event>,
              "events are hashed as bytes: no padding");

// The event is an access of a field of its object: `detail` is the Field.
constexpr bool IsAccess(const Event& event) {
  return event.primitive == Primitive::kRead || event.primitive == Primitive::kWrite ||
         event.primitive == Primitive::kRefInc || event.primitive == Primitive::kRefDec;
}
// Of a kLock, kUnlock or kWait: the class of the lock; kCount: the wait is on a wait queue.
constexpr LockClass LockClassOf(const Event& event) {
  return event.detail == kNoLockClass ? LockClass::kCount : static_cast<LockClass>(event.detail);
}
// The event frees its object, whose number may name another one afterwards.
constexpr bool Frees(const Event& event) {
  if (event.primitive != Primitive::kNote) return false;
  const auto note = static_cast<Note>(event.detail);
  return note == Note::kObjectFreed || note == Note::kDomainFreed || note == Note::kFrameFree;
}

// The events of a run and their rolling digest, defined after every event: XXH3 chained over blocks
// of kBlock events, the last block being whatever is there. Nothing is hashed before somebody asks,
// and no block twice: a copy has what its original had hashed.
class EventLog {
 public:
  static constexpr size_t kBlock = 64;

  void Clear() {
    events_.clear();
    chain_ = 0;
    hashed_ = 0;
  }
  // By value and with room made beforehand, so that the event is built where it stays: this is the
  // hottest path.
  void Append(Event event) {
    if (events_.size() == events_.capacity()) [[unlikely]]
      MakeRoom();
    if (events_.size() == events_.capacity()) __builtin_unreachable();
    events_.push_back(event);
  }

  const std::vector<Event>& events() const { return events_; }
  uint64_t digest() const;

 private:
  void MakeRoom();

  std::vector<Event> events_;
  mutable uint64_t chain_ = 0;  // over the whole blocks
  mutable size_t hashed_ = 0;   // that these first events are
};

// Receives each event as it happens (invariants of every transition); of a task that runs alone
// those that IsHeardAlone.
class EventListener {
 public:
  virtual ~EventListener() = default;
  virtual void OnEvent(const Event& event) = 0;
};

// Accesses and function entries of a task beside which no other one runs conflict with nothing and
// order nothing. They are more than half of its events, and are only logged.
constexpr bool IsHeardAlone(Primitive primitive) {
  switch (primitive) {
    case Primitive::kRead:
    case Primitive::kWrite:
    case Primitive::kRefInc:
    case Primitive::kRefDec:
    case Primitive::kEnter:
      return false;
    default:
      return true;
  }
}

}  // namespace iommufd_check::sim
