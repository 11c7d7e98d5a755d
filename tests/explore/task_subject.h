// Small programs of bare tasks as a subject of the interleaving explorer: shared variables, mutexes
// and read-write semaphores of the simulation, nothing of iommufd.
//
//   TaskSubject subject(1, 0, {writer, writer});   // one variable, no lock
//   Interleavings(&subject, {}).Explore(...);   // 2 traces
#pragma once

#include <array>
#include <functional>
#include <utility>
#include <vector>

#include "model/explore/schedules/choice_schedule.h"
#include "model/explore/schedules/subject.h"
#include "model/sim/shared.h"
#include "model/sim/switch_schedule.h"
#include "model/spec/race_detector.h"

namespace iommufd_check::explore {

// What a task's code works on.
class TaskState {
 public:
  TaskState(sim::LockTable* locks, int variables, int mutexes) : values_(variables) {
    for (int i = 0; i < mutexes; ++i) {
      mutexes_.push_back(locks->Create(sim::LockClass::kIoasMutex,
                                       {sim::ObjectKind::kBuffer, static_cast<uint16_t>(i)}));
      rwsems_.push_back(locks->Create(sim::LockClass::kIovaRwsem,
                                      {sim::ObjectKind::kBuffer, static_cast<uint16_t>(i)}));
    }
  }
  int64_t Read(sim::Task& t, int variable) {
    return sim::Read(t, values_[static_cast<size_t>(variable)], Ref(variable));
  }
  void Write(sim::Task& t, int variable, int64_t value) {
    sim::Write(t, values_[static_cast<size_t>(variable)], Ref(variable), value);
  }
  sim::LockId mutex(int i) const { return mutexes_[static_cast<size_t>(i)]; }
  sim::LockId rwsem(int i) const { return rwsems_[static_cast<size_t>(i)]; }
  // A task's own, not shared.
  int64_t& local(const sim::Task& t) { return locals_[t.id()]; }

  // Everything at the end, locals included.
  std::vector<int64_t> values() const {
    std::vector<int64_t> values(locals_.begin(), locals_.end());
    for (const auto& value : values_) values.push_back(value.Peek());
    return values;
  }

 private:
  static sim::ObjectRef Ref(int variable) {
    return {sim::ObjectKind::kBuffer, static_cast<uint16_t>(variable)};
  }
  std::vector<sim::Shared<int64_t, sim::Field::kPins>> values_;
  std::vector<sim::LockId> mutexes_, rwsems_;
  std::array<int64_t, sim::kMaxTasks> locals_{};
};

using TaskCode = std::function<void(sim::Task& t, TaskState& state)>;

class TaskSubject : public Subject {
 public:
  TaskSubject(int variables, int mutexes, std::vector<TaskCode> tasks)
      : tasks_(std::move(tasks)), booted_(&booted_locks_, variables, mutexes), state_(booted_) {
    for (const TaskCode& code : tasks_) {
      bodies_.push_back([this, &code](sim::Task& t) {
        if (asks_at_places_) t.Step();  // as every system call begins
        code(t, state_);
      });
    }
  }
  TaskSubject(const TaskSubject&) = delete;
  TaskSubject& operator=(const TaskSubject&) = delete;

  void Run(std::span<const sim::TaskId> choices) override {
    locks_ = booted_locks_;
    state_ = booted_;
    ChoiceSchedule choose(choices);
    schedule_.Reset({}, nullptr, &choose);
    Listener listener(&races_);
    sim::RunConfig config;
    config.locks = &locks_;
    config.listener = &listener;
    config.places = asks_at_places_ ? &places_ : nullptr;
    runtime_.Reset(config);
    runtime_.RunConcurrent(bodies_, schedule_);
  }
  void UsePlaces(const sim::PlaceSet& places) override { places_ = places; }
  // Switches at the places that the exploration uses; else every access asks.
  void AsksAtPlaces() { asks_at_places_ = true; }
  const sim::PlaceSet& meetings() const override { return races_.meetings(); }
  const std::vector<sim::Event>& events() const override { return runtime_.log().events(); }
  const std::vector<sim::SchedulePoint>& points() const override { return schedule_.points(); }
  sim::RunEnd end() const override { return runtime_.end(); }
  uint64_t digest() const override { return runtime_.log().digest(); }

  // The variables where the last run ended.
  std::vector<int64_t> values() const { return state_.values(); }

 private:
  struct Listener : sim::EventListener {
    explicit Listener(spec::RaceDetector* detector) : races(*detector) { races.Clear(); }
    void OnEvent(const sim::Event& event) override { races.OnEvent(event); }
    spec::RaceDetector& races;
  };

  std::vector<TaskCode> tasks_;
  std::vector<std::function<void(sim::Task&)>> bodies_;
  // Every run begins as a copy of these: a copy reuses memory.
  sim::LockTable booted_locks_;
  TaskState booted_;
  sim::LockTable locks_;
  TaskState state_;
  sim::Runtime runtime_;
  sim::SwitchSchedule schedule_;
  spec::RaceDetector races_;
  sim::PlaceSet places_;
  bool asks_at_places_ = false;
};

}  // namespace iommufd_check::explore
