// Follows locks through the events of a run: where each order of two classes was first taken, and
// who waits for what. So that a lock cycle can be shown with every nesting of it, as lockdep does,
// and a deadlock with every task in it.
//
//   watch.OnEvent(event, function);
//   watch.ChainOf(event, function);    // at a kLockCycle splat
//   watch.Waiting();                   // at a kDeadlock splat
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <iterator>
#include <string>
#include <vector>

#include "model/sim/event.h"
#include "model/spec/invariants.h"

namespace iommufd_check::spec {

class LockWatch {
 public:
  // A lock, or another change, that a task sleeps for.
  struct Wait {
    uint16_t operation = 0;
    uint8_t task = 0;
    uint32_t step = 0;
    sim::Fn function = sim::Fn::kNone;
    sim::LockClass lock_class = sim::LockClass::kCount;  // kCount: no lock
    sim::ObjectRef object;
  };

  void Clear();
  void OnEvent(const sim::Event& event, sim::Fn function) {
    switch (event.primitive) {
      case sim::Primitive::kWait:
      case sim::Primitive::kLock:
      case sim::Primitive::kOpBegin:
        return Follow(event, function);
      case sim::Primitive::kUnlock:
        return OnUnlock(event);
      case sim::Primitive::kSplat:
        return;
      default:
        Wakes(event.task);
    }
  }

  void OnUnlock(const sim::Event& event) {
    std::vector<Held>& held = held_[event.task];
    if (!held.empty() && held.back().lock == event.spare) return held.pop_back();
    const auto last = std::find_if(held.rbegin(), held.rend(),
                                   [&](const Held& lock) { return lock.lock == event.spare; });
    if (last != held.rend()) held.erase(std::next(last).base());
  }

  // Of the call that the task is in: how many locks it holds, and whether it has taken one.
  size_t HeldBy(sim::TaskId task) const { return held_[task].size(); }
  bool HasLocked(sim::TaskId task) const { return (has_locked_ >> task & 1u) != 0; }

  // The nesting that `event`, a kLockCycle splat, is about, and after it those of a shortest way
  // back from its inner class to its outer one; without them when no event showed them.
  std::vector<LockNesting> ChainOf(const sim::Event& event, sim::Fn function) const;

  // The tasks that sleep, by number. Empty when a task waits for itself alone.
  std::vector<Wait> Waiting() const;

 private:
  struct Held {
    uint16_t lock = 0;
    sim::LockClass lock_class = sim::LockClass::kCount;
  };

  static constexpr uint8_t Bit(sim::TaskId task) { return static_cast<uint8_t>(1u << task); }

  void Follow(const sim::Event& event, sim::Fn function);
  void NoteOrder(const sim::Event& event, sim::Fn function);
  bool Sleeps(sim::TaskId task) const { return (sleeping_ & Bit(task)) != 0; }
  void Wakes(sim::TaskId task) { sleeping_ &= static_cast<uint8_t>(~Bit(task)); }

  static constexpr size_t kClasses = sim::Count<sim::LockClass>();
  static_assert(kClasses <= 64, "a bit for each");

  // By outer and inner class: where the inner one was first taken inside the outer one. Those of
  // the bits of known_ alone mean something.
  std::array<std::array<LockNesting, kClasses>, kClasses> first_;
  std::array<uint64_t, kClasses> known_{};  // by outer class
  std::array<std::vector<Held>, sim::kMaxTasks> held_;
  std::array<Wait, sim::kMaxTasks> waits_;
  // Bit t: task t.
  uint8_t sleeping_ = 0;
  uint8_t has_locked_ = 0;
};

// "task A waits for ioas->mutex of ioas 1", "main waits for a change of ioas 1".
std::string TextOf(const LockWatch::Wait& wait);

}  // namespace iommufd_check::spec
