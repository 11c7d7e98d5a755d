#include "model/sim/switch_schedule.h"

#include <algorithm>

namespace iommufd_check::sim {
namespace {

bool IsAt(const SchedulePoint& point, uint16_t operation, Side side, const Act& pattern) {
  return point.operation == operation && point.side == side && Names(pattern, point.act);
}

// How often the acts of `point` came before, in its operation.
uint32_t Earlier(std::span<const Event> events, const SchedulePoint& point) {
  uint32_t count = 0;
  for (size_t i = point.events; i > 0; --i) {
    const Event& event = events[i - 1];
    if (event.task != point.current || event.operation != point.operation) continue;
    count += Leaves(point.act, event) ? 1 : 0;
    if (event.primitive == Primitive::kOpBegin) break;
  }
  return count;
}

}  // namespace

Switch SwitchAt(std::span<const SchedulePoint> points, size_t i, std::span<const Event> events,
                TaskId to) {
  const SchedulePoint& point = points[i];
  IOMMUFD_CHECK(point.events <= events.size(), "the points are of this log");
  Switch change{point.operation, point.side, point.act, 1, to};
  uint32_t nth = 1;
  if (point.act.primitive == Primitive::kWait) {
    for (size_t k = 0; k < i; ++k) {
      const bool same = points[k].current == point.current;
      nth += same && IsAt(points[k], change.operation, change.side, change.act) ? 1 : 0;
    }
  } else if (point.side == Side::kBefore) {
    nth += Earlier(events, point);
  }
  IOMMUFD_CHECK(nth <= UINT16_MAX, "an operation does one thing less often than that");
  change.nth = static_cast<uint16_t>(nth);
  return change;
}

void SwitchSchedule::Reset(std::span<const Switch> switches, const EventLog* log,
                           Scheduler* otherwise) {
  IOMMUFD_CHECK(switches.empty() || log != nullptr, "switches are about what happens");
  switches_ = switches;
  log_ = log;
  otherwise_ = otherwise;
  states_.assign(switches.size(), {});
  left_ = switches.size();
  events_read_ = log == nullptr ? 0 : log->events().size();
  points_.clear();
}

void SwitchSchedule::ReadEvents() {
  const std::vector<Event>& events = log_->events();
  for (; events_read_ < events.size(); ++events_read_) {
    const Event& event = events[events_read_];
    for (size_t i = 0; i < switches_.size(); ++i) {
      if (switches_[i].operation != event.operation || !Leaves(switches_[i].act, event)) continue;
      ++states_[i].seen;
      states_[i].by = event.task;
    }
  }
}

// Waits are counted where the scheduler is asked, everything else by events.
bool SwitchSchedule::IsHere(const Switch& change, State* state, const SchedulePoint& point) const {
  const bool here = IsAt(point, change.operation, change.side, change.act);
  if (change.act.primitive == Primitive::kWait) return here && ++state->seen == change.nth;
  if (change.side == Side::kBefore) return here && state->seen + 1 == change.nth;
  return state->seen >= change.nth && state->by == point.current;
}

// The first of those that are anchored here. The others are passed by as well.
SwitchSchedule::State* SwitchSchedule::TakeHere(const SchedulePoint& point) {
  ReadEvents();
  State* first = nullptr;
  for (size_t i = 0; i < switches_.size(); ++i) {
    State& state = states_[i];
    if (state.passed || !IsHere(switches_[i], &state, point)) continue;
    state.passed = true;
    --left_;
    if (first == nullptr) first = &state;
  }
  return first;
}

TaskId SwitchSchedule::Next(const SchedulePoint& point) {
  points_.push_back(point);
  if (left_ > 0) [[unlikely]] {
    if (State* here = TakeHere(point); here != nullptr) {
      const TaskId to = switches_[static_cast<size_t>(here - states_.data())].to;
      here->applied = to < kMaxTasks && ((point.runnable >> to) & 1u) != 0;
      if (here->applied) return to;
    }
  }
  return otherwise_ != nullptr ? otherwise_->Next(point) : point.by_default();
}

std::vector<uint16_t> SwitchSchedule::Unmet() const {
  std::vector<uint16_t> unmet;
  for (size_t i = 0; i < states_.size(); ++i) {
    if (!states_[i].applied) unmet.push_back(static_cast<uint16_t>(i));
  }
  return unmet;
}

}  // namespace iommufd_check::sim
