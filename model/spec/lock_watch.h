// Follows locks through the events of a run: where each order of two classes was first taken, and
// who waits for what. So that a lock cycle can be shown with every nesting of it, as lockdep does,
// and a deadlock with every task in it.
//
//   watch.OnEvent(event, function);
//   watch.ChainOf(event, function);    // at a kLockCycle splat
//   watch.waiting();                   // at a kDeadlock splat
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
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
  void OnEvent(const sim::Event& event, sim::Fn function);

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
  using Edge = std::pair<sim::LockClass, sim::LockClass>;

  void NoteOrder(const sim::Event& event, sim::Fn function);

  static_assert(sim::Count<sim::LockClass>() <= 64, "a bit for each");

  std::map<Edge, LockNesting> first_;
  std::array<uint64_t, sim::Count<sim::LockClass>()> known_{};  // by outer class: bits of first_
  std::array<std::vector<Held>, sim::kMaxTasks> held_;
  std::array<Wait, sim::kMaxTasks> waits_;
  std::array<bool, sim::kMaxTasks> sleeping_{};
};

// "task A waits for ioas->mutex of ioas 1", "main waits for a change of ioas 1".
std::string TextOf(const LockWatch::Wait& wait);

}  // namespace iommufd_check::spec
