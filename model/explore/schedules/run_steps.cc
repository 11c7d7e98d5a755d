#include "model/explore/schedules/run_steps.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <type_traits>

#include "model/sim/check.h"

namespace iommufd_check::explore {

using sim::Event;
using sim::Primitive;

namespace {

// Of a kWait: for a lock, not to be woken.
bool IsLock(const Event& event) {
  return sim::LockClassOf(event) != sim::LockClass::kCount;
}

// The run ended among the tasks, not before or after them.
bool EndedAmongTasks(const Subject& subject) {
  return subject.end() != sim::RunEnd::kCompleted && !subject.events().empty() &&
         subject.events().back().task != 0;
}

// How many elements at their beginning are equal. Mostly it is nearly all of them.
template <class T>
size_t CommonBeginning(const std::vector<T>& a, const std::vector<T>& b) {
  static_assert(std::has_unique_object_representations_v<T>, "compared as bytes");
  constexpr size_t kBlock = 8;
  const size_t end = std::min(a.size(), b.size());
  size_t i = 0;
  while (i + kBlock <= end && std::memcmp(&a[i], &b[i], kBlock * sizeof(T)) == 0) i += kBlock;
  while (i < end && std::memcmp(&a[i], &b[i], sizeof(T)) == 0) ++i;
  return i;
}

// Makes `copy` equal to `original`. REQUIRES: their first `common` elements are equal.
template <class T>
void CopyRest(const std::vector<T>& original, size_t common, std::vector<T>* copy) {
  copy->resize(original.size());
  std::copy(original.begin() + static_cast<ptrdiff_t>(common), original.end(),
            copy->begin() + static_cast<ptrdiff_t>(common));
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

// Forgets what does not begin the new run too. Returns how far that has been read already.
RunSteps::Mark RunSteps::KeepCommonBeginning(const Subject& subject) {
  const size_t events = CommonBeginning(events_, subject.events());
  const size_t points = CommonBeginning(points_, subject.points());
  CopyRest(subject.events(), events, &events_);
  CopyRest(subject.points(), points, &points_);
  // Where a stretch ends depends on the event behind it, so that one must be the same too.
  size_t kept = std::min(points, marks_.size());
  while (kept > 1 && marks_[kept - 1].events >= events) --kept;
  marks_.resize(kept);
  const Mark mark = marks_.empty() ? Mark{} : marks_.back();
  if (mark.steps < steps_.size()) pool_.resize(steps_[mark.steps].first_access);
  steps_.resize(mark.steps);
  attempts_.resize(mark.attempts);
  accesses_of_step_.Rewind(mark.steps);
  return mark;
}

void RunSteps::Read(const Subject& subject) {
  Mark mark = KeepCommonBeginning(subject);
  cut_short_ = EndedAmongTasks(subject);
  const std::vector<sim::SchedulePoint>& points = subject.points();
  const std::vector<Event>& events = subject.events();
  if (!points.empty()) {
    if (marks_.empty()) marks_.push_back(mark);
    // Point i ends the stretch that point i-1 began. The first begins before any question.
    for (size_t i = marks_.size(); i < points.size(); ++i) {
      mark.events = TakeStretch(events, mark.events,
                                {points[i].current, points[i].steps, points[i - 1].runnable});
      mark.steps = steps_.size();
      mark.attempts = attempts_.size();
      marks_.push_back(mark);
    }
    TakeStretch(events, mark.events, {LastTask(subject), UINT32_MAX, points.back().runnable});
  }
  FindWaiting(subject);
}

size_t RunSteps::TakeStretch(const std::vector<Event>& events, size_t next,
                             const Stretch& stretch) {
  while (next < events.size() && events[next].task == 0) ++next;
  size_t end = next;
  bool waits = false;
  while (end < events.size() && events[end].task == stretch.task &&
         events[end].step <= stretch.step) {
    const Event& event = events[end++];
    if (event.primitive != Primitive::kWait) continue;
    AddAttempt(event);
    if (!IsLock(event)) break;  // going to sleep is a step like any other
    waits = true;
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
  Step& step = steps_.emplace_back();
  step.task = stretch.task;
  step.runnable = stretch.runnable;
  step.serial = steps_read_++;
  step.first_access = static_cast<uint32_t>(pool_.size());
  accesses_of_step_.Begin(&pool_);
  for (size_t i = next; i < end; ++i) {
    const Event& event = events[i];
    accesses_of_step_.Add(event);
    if (event.primitive == Primitive::kLock) {
      step.acquires = accesses_of_step_.lock();
      step.exclusive = event.mode == 0;
    } else if (event.primitive == Primitive::kUnlock) {
      step.releases = accesses_of_step_.lock();
    }
  }
  accesses_of_step_.End();
  step.accesses = static_cast<uint32_t>(pool_.size()) - step.first_access;
  return end;
}

void RunSteps::AddAttempt(const Event& event) {
  const uint32_t location = IsLock(event) ? table_.NumberOf(LockKey(event)) : kNoLocation;
  // Going to sleep is itself a step, which is entered behind this.
  const size_t steps = steps_.size() + (IsLock(event) ? 0 : 1);
  attempts_.push_back({{event.task, location, event.mode == 0}, steps});
}

// A task that takes a step after its attempt waits no more.
void RunSteps::FindWaiting(const Subject& subject) {
  waiting_.clear();
  if (subject.end() == sim::RunEnd::kCompleted) return;
  for (const Attempt& attempt : attempts_) {
    const bool goes_on =
        std::any_of(steps_.begin() + static_cast<ptrdiff_t>(attempt.steps), steps_.end(),
                    [&](const Step& step) { return step.task == attempt.waiting.task; });
    if (!goes_on) waiting_.push_back(attempt.waiting);
  }
}

}  // namespace iommufd_check::explore
