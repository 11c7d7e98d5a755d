#include "model/explore/run_steps.h"

#include <algorithm>
#include <bit>

#include "model/sim/check.h"

namespace iommufd_check::explore {

using sim::Event;
using sim::Primitive;

namespace {

// The run ended among the tasks, not before or after them.
bool EndedAmongTasks(const Subject& subject) {
  return subject.end() != sim::RunEnd::kCompleted && !subject.events().empty() &&
         subject.events().back().task != 0;
}

}  // namespace

// The only task that could run, or the one whose event ends the run. A deadlock that a task's end
// reveals is reported on behalf of another one.
sim::TaskId LastTask(const Subject& subject) {
  const sim::SchedulePoint& last = subject.points().back();
  if (std::popcount(last.runnable) == 1) {
    return static_cast<sim::TaskId>(std::countr_zero(last.runnable));
  }
  IOMMUFD_CHECK(EndedAmongTasks(subject), "the last task of a completed run is alone");
  return subject.events().back().task;
}

void RunSteps::Read(const Subject& subject) {
  steps_.clear();
  pool_.clear();
  waiting_.clear();
  accesses_of_step_.Reset();
  cut_short_ = EndedAmongTasks(subject);
  const std::vector<sim::SchedulePoint>& points = subject.points();
  if (points.empty()) return;
  const std::vector<Event>& events = subject.events();
  size_t next = 0;
  // Point i ends the stretch that point i-1 began. The first begins before any question.
  for (size_t i = 1; i < points.size(); ++i) {
    next = TakeStretch(events, next,
                       {points[i].current, points[i].steps, points[i - 1].runnable});
  }
  TakeStretch(events, next, {LastTask(subject), UINT32_MAX, points.back().runnable});
}

size_t RunSteps::TakeStretch(const std::vector<Event>& events, size_t next,
                             const Stretch& stretch) {
  while (next < events.size() && events[next].task == 0) ++next;
  size_t end = next;
  bool waits = false;
  Step step;
  step.task = stretch.task;
  step.runnable = stretch.runnable;
  while (end < events.size() && events[end].task == stretch.task &&
         (stretch.step == UINT32_MAX || events[end].step == stretch.step)) {
    const Event& event = events[end++];
    if (event.primitive != Primitive::kWait) continue;
    waits = true;
    AddWaiting(event);
    break;
  }
  if (waits) {
    // A deadlock is reported in the same breath.
    while (end < events.size() && events[end].primitive == Primitive::kSplat &&
           events[end].detail == static_cast<uint8_t>(sim::Splat::kDeadlock)) {
      ++end;
    }
    return end;
  }
  if (stretch.step == 0) {
    IOMMUFD_CHECK(end == next, "a task that has taken no step has done nothing");
    return next;
  }
  accesses_of_step_.Begin(stretch.task);
  for (size_t i = next; i < end; ++i) {
    const Event& event = events[i];
    accesses_of_step_.Add(event);
    if (event.primitive == Primitive::kLock) {
      step.acquires = table_.NumberOf(LockKey(event.spare));
      step.exclusive = event.mode == 0;
    } else if (event.primitive == Primitive::kUnlock) {
      step.releases = table_.NumberOf(LockKey(event.spare));
    }
  }
  std::erase_if(waiting_, [&](const Waiting& w) { return w.task == stretch.task; });
  const std::vector<Access>& accesses = accesses_of_step_.End();
  step.first_access = static_cast<uint32_t>(pool_.size());
  step.accesses = static_cast<uint32_t>(accesses.size());
  pool_.insert(pool_.end(), accesses.begin(), accesses.end());
  steps_.push_back(step);
  return end;
}

void RunSteps::AddWaiting(const Event& event) {
  const bool lock = event.detail != static_cast<uint8_t>(sim::LockClass::kCount);
  waiting_.push_back({event.task, lock ? table_.NumberOf(LockKey(event.spare)) : kNoLocation,
                      event.mode == 0});
}

}  // namespace iommufd_check::explore
