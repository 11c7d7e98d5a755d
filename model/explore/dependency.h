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
// allocations, and executions that differ only in it count as one. The one behaviour that could see
// it, a batch of pages split where frames are not contiguous, is covered by `exact_frames`.
//
//   StepAccesses accesses(&table, {});
//   accesses.Begin(&pool);
//   for (const sim::Event& event : step) accesses.Add(event);
//   accesses.End();   // what the step accesses stands at the end of `pool`
#pragma once

#include <cstdint>
#include <vector>

#include "model/explore/access.h"
#include "model/sim/event.h"
#include "model/sim/places.h"

namespace iommufd_check::explore {

struct DependencyOptions {
  // Treat every allocation and free of a frame as an access to one allocator.
  bool exact_frames = false;
  // Where tasks meet: of a kind of object whose counts are not in it, the order of counting shows
  // nowhere.
  sim::PlaceSet places;
  // Only for the test that the cross-check notices: locks are not accesses, or fields are not.
  bool omit_locks = false;
  bool omit_fields = false;
};

class StepAccesses {
 public:
  StepAccesses(LocationTable* table, const DependencyOptions& options)
      : table_(*table), options_(options) {}

  // `pool` must outlive the step.
  void Begin(std::vector<Access>* pool) {
    accesses_ = pool;
    first_access_ = pool->size();
  }
  void Add(const sim::Event& event);
  void End() { Normalise(accesses_, first_access_); }
  // The location of the lock that the event added last takes or gives back.
  uint32_t lock() const { return lock_; }

 private:
  void Touch(uint64_t key, AccessMode mode) { accesses_->emplace_back(table_.NumberOf(key), mode); }
  void AddLock(const sim::Event& event);
  void AddField(const sim::Event& event);
  void AddCount(const sim::Event& event);
  void AddNote(const sim::Event& event);
  void AddLifetime(const sim::Event& event);

  LocationTable& table_;
  DependencyOptions options_;
  std::vector<Access>* accesses_ = nullptr;
  size_t first_access_ = 0;  // of the step
  uint32_t lock_ = 0;        // of the last lock event
};

// The location of the lock with this index in the lock table.
uint64_t LockKey(uint16_t lock);

}  // namespace iommufd_check::explore
