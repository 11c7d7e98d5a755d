// From the events of a step to the locations that the step accesses: the dependency relation of
// partial-order reduction. It is derived from accesses alone, whatever operation makes them:
//
//   - an access to a field, or to an element of one, reads or writes it; who reads a whole table
//     reads what every write of an element changes;
//   - a lock is written, or read when it is taken shared;
//   - counting up and down commutes while nobody can tell the order: where no task drops a
//     reference that it did not take, and none looks at the count (places.h says where they do);
//   - freeing an object is a write to its lifetime, every other event about it a read;
//   - sleeping on a wait queue and waking it write the queue;
//   - what invariants compare across tasks (immutability, registration, frozen marks, begin and end
//     of system calls) is state of the monitor, and its notes are accesses to it.
//
// Names are not state: which frame, slot or lock number an allocation gets depends on the order of
// allocations, and executions that differ only in it count as one. So what a number names after a
// free is another location than before. The one behaviour that could see names, a batch of pages
// split where frames are not contiguous, is covered by `exact_frames`.
//
//   StepAccesses accesses(&table, {});
//   accesses.Begin(&pool);
//   for (const sim::Event& event : step) accesses.Add(event);
//   accesses.End();   // what the step accesses stands at the end of `pool`
#pragma once

#include <cstdint>
#include <vector>

#include "model/explore/schedules/access.h"
#include "model/sim/event.h"
#include "model/sim/places.h"

namespace iommufd_check::explore {

// The rules above, so that a test can leave one out and see that it is missed.
enum class Rule : uint8_t {
  kLocks,
  kFields,
  kCounts,
  kLifetimes,
  kWaitQueues,
  kCalls,
  kPreservation,
  kRegistration,
  kImmutability,
  kMarks,
  kCount
};

struct DependencyOptions {
  // Treat every allocation and free of a frame as an access to one allocator.
  bool exact_frames = false;
  // Where tasks meet: of a kind of object whose counts are not in it, the order of counting shows
  // nowhere.
  sim::PlaceSet places;
  // Where counts show, every decrement is a write: more traces than needed, and as many for every
  // way of exploring.
  bool strict_counts = false;
  // Only for the test that leaves rules out: bit r, rule r.
  uint32_t omitted = 0;
};

class StepAccesses {
 public:
  StepAccesses(LocationTable* table, const DependencyOptions& options)
      : table_(*table), options_(options) {}

  // Goes back to where the run had taken `steps` steps; with 0 a new run begins.
  void Rewind(size_t steps);
  // `pool` must outlive the step.
  void Begin(std::vector<Access>* pool) {
    accesses_ = pool;
    first_access_ = pool->size();
    freed_before_.push_back(freed_.size());
  }
  void Add(const sim::Event& event);
  void End() { Normalise(accesses_, first_access_); }
  // The location of the lock that the event added last takes or gives back.
  uint32_t lock() const { return lock_; }

 private:
  void Touch(Rule rule, uint64_t key, AccessMode mode) {
    if ((options_.omitted >> static_cast<int>(rule)) & 1u) [[unlikely]]
      return;
    accesses_->emplace_back(table_.NumberOf(key), mode);
  }
  void AddLock(const sim::Event& event);
  void AddField(const sim::Event& event);
  void AddCount(const sim::Event& event);
  void AddNote(const sim::Event& event);
  void AddLifetime(const sim::Event& event);

  uint64_t KeyOf(sim::ObjectRef object, uint8_t what, uint16_t element = 0) const;

  LocationTable& table_;
  DependencyOptions options_;
  std::vector<sim::ObjectRef> freed_;  // by the steps so far, in order
  std::vector<size_t> freed_before_;   // by step: how many of them
  std::vector<Access>* accesses_ = nullptr;
  size_t first_access_ = 0;  // of the step
  uint32_t lock_ = 0;        // of the last lock event
};

// The location of the lock that a kLock, kUnlock or kWait event is about.
uint64_t LockKey(const sim::Event& event);

}  // namespace iommufd_check::explore
