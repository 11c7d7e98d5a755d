// From the events of a step to the locations that the step accesses: the dependency relation of
// partial-order reduction.
//
// Recorded by the primitives themselves: Shared<> fields, locks, reference counts. The rest is
// derived here, each rule from an event that always stands in the same step:
//   - what invariants compare across tasks (immutability, registration, frozen marks, begin and end
//     of system calls) is state of the monitor, and its notes are accesses to it;
//   - freeing an object is a write to its lifetime, every other event about it a read;
//   - a page table is written by every table note and read where a domain's tables are collected;
//   - loads and stores of records read memory that freeing a frame takes away;
//   - plain fields: fd_open and bound of the descriptors, claims of endpoints, `users` as tested by
//     destroy, a counter that wait_event may wait for.
// Names are not state: which frame, slot or lock number an allocation gets depends on the order of
// allocations, and executions that differ only in it count as one. The one behaviour that could see
// it, a batch of pages split where frames are not contiguous, is covered by `exact_frames`.
//
//   StepAccesses accesses(&table, {});
//   accesses.Begin(task, &pool);
//   for (const sim::Event& event : step) accesses.Add(event);
//   accesses.End();   // what the step accesses stands at the end of `pool`
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "model/explore/access.h"
#include "model/program/program.h"
#include "model/sim/event.h"

namespace iommufd_check::explore {

struct DependencyOptions {
  // Treat every allocation and free of a frame as an access to one allocator.
  bool exact_frames = false;
  // Whether tasks may drop the reference that keeps an object, a session, the iommufd in being.
  // When they may not, its counter never comes near zero and counting up and down commutes.
  bool objects_can_go = true;
  bool sessions_can_go = true;
  bool iommufd_can_go = true;
  // Only for the test that the cross-check notices: locks are not accesses, or fields are not.
  bool omit_locks = false;
  bool omit_fields = false;
};

class StepAccesses {
 public:
  StepAccesses(LocationTable* table, const DependencyOptions& options)
      : table_(*table), options_(options) {}

  // Goes back to where the run had taken `steps` steps; with 0 a new run begins.
  void Rewind(size_t steps);
  // `pool` must outlive the step.
  void Begin(sim::TaskId task, std::vector<Access>* pool);
  void Add(const sim::Event& event);
  void End() { Normalise(accesses_, first_access_); }
  // The location of the lock that the event added last takes or gives back.
  uint32_t lock() const { return lock_; }

 private:
  // Things that are not a field of an object. Values stand above those of sim::Field.
  enum class Place : uint8_t;
  struct TaskState {
    int64_t code = -1;     // of the operation it is in
    uint32_t step = 0;     // steps since the operation began
    uint64_t awaited = 0;  // key of a counter that its next step may wait for, 0: none
  };

  void Touch(uint64_t key, AccessMode mode) { accesses_->emplace_back(table_.NumberOf(key), mode); }
  void AddBegin(const sim::Event& event, TaskState& state);
  void AddLock(const sim::Event& event, const TaskState& state);
  void AddField(const sim::Event& event, const TaskState& state);
  void AddCount(const sim::Event& event, TaskState& state);
  void AddNote(const sim::Event& event);
  void AddLifetime(const sim::Event& event);
  bool CanGo(sim::ObjectKind kind) const;
  bool TestsUsers(int64_t code) const;

  LocationTable& table_;
  DependencyOptions options_;
  std::array<TaskState, sim::kMaxTasks> tasks_{};
  // What a step has changed, so that it can be taken back.
  struct Change {
    sim::TaskId task = 0;
    TaskState before;
  };
  std::vector<Change> changes_;  // by step
  sim::TaskId task_ = 0;
  std::vector<Access>* accesses_ = nullptr;
  size_t first_access_ = 0;  // of the step
  uint32_t lock_ = 0;        // of the last lock event
};

// What the concurrent operations of `program` can do.
DependencyOptions DependencyOf(const program::Program& program);

// The location of the lock with this index in the lock table.
uint64_t LockKey(uint16_t lock);

}  // namespace iommufd_check::explore
