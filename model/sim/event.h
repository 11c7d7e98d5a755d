// One thing that a task did, and the log of all of them with its rolling digest.
//
// An execution is its event log: engines compare digests, invariants listen to events, reports draw
// swim lanes from them. An event holds only small numbers and enumerators: no address, no time.
#pragma once

#include <cstdint>
#include <vector>

#include "model/sim/vocabulary.h"

namespace iommufd_check::sim {

// 0 is the context that runs main, finally and exit; concurrent tasks are 1..kMaxTasks-1.
using TaskId = uint8_t;
inline constexpr int kMaxTasks = 8;

struct Event {
  uint32_t step = 0;        // steps that `task` had taken before this event; see task.h
  uint16_t operation = 0;   // index in Program::operations
  TaskId task = 0;
  Primitive primitive = Primitive::kOpBegin;
  ObjectRef object;
  uint8_t detail = 0;       // Field, LockClass, FaultSite, Splat or Note, by primitive
  uint8_t mode = 0;         // kLock, kUnlock, kWait: LockMode; kRead, kWrite: 1 when atomic
  uint16_t spare = 0;       // kLock, kUnlock, kWait: index of the lock
  int64_t value = 0;        // result, pfn, count; see the Note's writer

  friend bool operator==(const Event&, const Event&) = default;
};
static_assert(sizeof(Event) == 24, "events are hashed as bytes: no padding");

// 64-bit XXH3 chain over events: digest(n) = XXH3(event n, seed digest(n-1)).
class EventLog {
 public:
  void Clear() {
    events_.clear();
    digest_ = 0;
  }
  void Append(const Event& event);

  const std::vector<Event>& events() const { return events_; }
  uint64_t digest() const { return digest_; }

 private:
  std::vector<Event> events_;
  uint64_t digest_ = 0;
};

// Receives each event as it happens (invariants of every transition).
class EventListener {
 public:
  virtual ~EventListener() = default;
  virtual void OnEvent(const Event& event) = 0;
};

}  // namespace iommufd_check::sim
