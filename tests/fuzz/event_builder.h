// Event logs written by hand, for tests of reports.
//
//   EventBuilder log;
//   log.On(1).Op(0).Begin().Lock(LockClass::kIoasMutex, Ioas(1)).End(-sim::kEBUSY);
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "model/program/program.h"
#include "model/sim/event.h"
#include "model/sim/locks.h"
#include "model/spec/invariants.h"

namespace iommufd_check::cli {

inline sim::ObjectRef Ioas(uint16_t n) { return {sim::ObjectKind::kIoas, n}; }
inline sim::ObjectRef Area(uint16_t n) { return {sim::ObjectKind::kArea, n}; }

class EventBuilder {
 public:
  // The task and operation of what follows.
  EventBuilder& On(sim::TaskId task) {
    task_ = task;
    return *this;
  }
  EventBuilder& Op(uint16_t operation) {
    operation_[task_] = operation;
    return *this;
  }
  // Steps that leave no event.
  EventBuilder& Skip(uint32_t steps) {
    steps_[task_] += steps;
    return *this;
  }
  EventBuilder& Begin() { return Step().Add(sim::Primitive::kOpBegin); }
  EventBuilder& End(int result) { return Add(sim::Primitive::kOpEnd, {}, 0, result); }
  EventBuilder& Lock(sim::LockClass lock, sim::ObjectRef object,
                     sim::LockMode mode = sim::LockMode::kExclusive) {
    return Step().Add(sim::Primitive::kLock, object, Number(lock), 0, Number(mode), Number(lock));
  }
  EventBuilder& Unlock(sim::LockClass lock, sim::ObjectRef object,
                       sim::LockMode mode = sim::LockMode::kExclusive) {
    return Step().Add(sim::Primitive::kUnlock, object, Number(lock), 0, Number(mode), Number(lock));
  }
  EventBuilder& Wait(sim::LockClass lock, sim::ObjectRef object,
                     sim::LockMode mode = sim::LockMode::kExclusive) {
    return Step().Add(sim::Primitive::kWait, object, Number(lock), 0, Number(mode), Number(lock));
  }
  EventBuilder& Read(sim::ObjectRef object, sim::Field field) {
    return Add(sim::Primitive::kRead, object, Number(field));
  }
  EventBuilder& Write(sim::ObjectRef object, sim::Field field) {
    return Add(sim::Primitive::kWrite, object, Number(field));
  }
  EventBuilder& Note(sim::Note note, sim::ObjectRef object, int64_t value = 0) {
    return Add(sim::Primitive::kNote, object, Number(note), value);
  }
  EventBuilder& Splat(sim::Splat splat, sim::ObjectRef object) {
    return Add(sim::Primitive::kSplat, object, Number(splat));
  }
  EventBuilder& Fault(sim::FaultSite site, int64_t nth) {
    return Step().Add(sim::Primitive::kFail, {}, Number(site), nth);
  }
  EventBuilder& Call(sim::FaultSite site, int64_t nth) {
    return Step().Add(sim::Primitive::kCall, {}, Number(site), nth);
  }

  const std::vector<sim::Event>& events() const { return events_; }

  // A violation seen after the last event.
  spec::Violation Violated(spec::Invariant invariant, sim::ObjectRef object = {}) {
    return {.invariant = invariant,
            .operation = operation_[task_],
            .task = task_,
            .step = steps_[task_],
            .event = static_cast<uint32_t>(events_.size()),
            .object = object,
            .detail = "seen by hand"};
  }

 private:
  template <class Enum>
  static int Number(Enum value) {
    return static_cast<int>(value);
  }
  EventBuilder& Step() { return Skip(1); }
  EventBuilder& Add(sim::Primitive primitive, sim::ObjectRef object = {}, int detail = 0,
                    int64_t value = 0, int mode = 0, int spare = 0) {
    sim::Event event;
    event.step = steps_[task_];
    event.operation = operation_[task_];
    event.task = task_;
    event.primitive = primitive;
    event.object = object;
    event.detail = static_cast<uint8_t>(detail);
    event.mode = static_cast<uint8_t>(mode);
    event.spare = static_cast<uint16_t>(spare);
    event.value = value;
    events_.push_back(event);
    return *this;
  }

  std::vector<sim::Event> events_;
  std::map<sim::TaskId, uint32_t> steps_;
  std::map<sim::TaskId, uint16_t> operation_;
  sim::TaskId task_ = 0;
};

// A program of the given operations, one for each task in the list.
inline program::Program ProgramOf(const std::vector<std::pair<uint8_t, program::OpCode>>& list) {
  program::Program program;
  for (const auto& [task, code] : list) program.operations.push_back({.code = code, .task = task});
  return program;
}

}  // namespace iommufd_check::cli
