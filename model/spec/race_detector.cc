#include "model/spec/race_detector.h"

#include <algorithm>

namespace iommufd_check::spec {

using sim::Primitive;

void RaceDetector::Clear() {
  for (Clock& clock : clocks_) clock.fill(0);
  for (size_t task = 0; task < clocks_.size(); ++task) clocks_[task][task] = 1;
  locks_.clear();
  counters_.clear();
  history_.clear();
}

void RaceDetector::Join(Clock& into, const Clock& from) {
  for (size_t i = 0; i < into.size(); ++i) into[i] = std::max(into[i], from[i]);
}

void RaceDetector::Forget(sim::ObjectRef object) {
  const auto kind = static_cast<uint8_t>(object.kind);
  const auto first = history_.lower_bound(Location{kind, object.number, 0});
  const auto last = history_.upper_bound(Location{kind, object.number, UINT8_MAX});
  history_.erase(first, last);
}

std::optional<RaceDetector::Race> RaceDetector::OnAccess(const sim::Event& event, bool write) {
  History& history = history_[Location{static_cast<uint8_t>(event.object.kind),
                                       event.object.number, event.detail}];
  const uint8_t now = event.task;
  std::optional<Race> race;
  if (history.last_write != 0 && history.last_writer != now &&
      !Ordered(history.last_writer, history.last_write, now)) {
    race = Race{history.last_writer, true};
  }
  if (write) {
    for (uint8_t other = 1; other < sim::kMaxTasks && !race.has_value(); ++other) {
      if (other != now && history.reads[other] != 0 && !Ordered(other, history.reads[other], now)) {
        race = Race{other, false};
      }
    }
    history.last_writer = now;
    history.last_write = clocks_[now][now];
  } else {
    history.reads[now] = clocks_[now][now];
  }
  return race;
}

std::optional<RaceDetector::Race> RaceDetector::OnEvent(const sim::Event& event) {
  if (event.task == 0) return std::nullopt;  // ordered before and after all tasks
  Clock& mine = clocks_[event.task];
  const bool shared = event.mode == 1;
  switch (event.primitive) {
    case Primitive::kLock: {
      const LockClocks& lock = locks_[event.spare];
      Join(mine, lock.writers);
      if (!shared) Join(mine, lock.readers);
      return std::nullopt;
    }
    case Primitive::kUnlock: {
      LockClocks& lock = locks_[event.spare];
      Join(shared ? lock.readers : lock.writers, mine);
      ++mine[event.task];
      return std::nullopt;
    }
    case Primitive::kRefInc:
    case Primitive::kRefDec: {
      Clock& counter = counters_[{static_cast<uint8_t>(event.object.kind), event.object.number}];
      Join(mine, counter);
      counter = mine;
      ++mine[event.task];
      return std::nullopt;
    }
    case Primitive::kRead:
    case Primitive::kWrite:
      if (event.mode == 1) return std::nullopt;
      return OnAccess(event, event.primitive == Primitive::kWrite);
    case Primitive::kNote:
      if (event.detail == static_cast<uint8_t>(sim::Note::kObjectFreed)) Forget(event.object);
      return std::nullopt;
    default:
      return std::nullopt;
  }
}

}  // namespace iommufd_check::spec
