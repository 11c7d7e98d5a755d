// Data races between tasks (I20): a write and another access of one field, by different tasks, that
// no lock orders in this run.
//
// Happens-before by vector clocks: releasing a lock publishes the releaser's clock, acquiring it
// takes the clock over; readers of a rw_semaphore order only against writers. Reference counts
// order as the kernel's acquire-release atomics do. Accesses marked atomic are not checked. Tasks
// start ordered after main. No false positives; the explorers supply the schedules.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <tuple>

#include "model/sim/event.h"

namespace iommufd_check::spec {

class RaceDetector {
 public:
  RaceDetector() { Clear(); }

  void Clear();

  struct Race {
    uint8_t other_task = 0;
    bool other_wrote = false;
  };
  // Feeds one event; a race that it completes.
  std::optional<Race> OnEvent(const sim::Event& event);

 private:
  using Clock = std::array<uint32_t, sim::kMaxTasks>;
  using Location = std::tuple<uint8_t, uint16_t, uint8_t>;  // kind, number, field
  struct History {
    uint8_t last_writer = 0;
    uint32_t last_write = 0;  // 0: never written by a task
    Clock reads{};            // clock of each task's last read, 0: none
  };
  struct LockClocks {
    Clock writers{};
    Clock readers{};
  };

  static void Join(Clock& into, const Clock& from);
  bool Ordered(uint8_t earlier, uint32_t when, uint8_t now) const {
    return clocks_[now][earlier] >= when;
  }
  std::optional<Race> OnAccess(const sim::Event& event, bool write);
  void Forget(sim::ObjectRef object);

  std::array<Clock, sim::kMaxTasks> clocks_{};
  std::map<uint16_t, LockClocks> locks_;
  std::map<std::pair<uint8_t, uint16_t>, Clock> counters_;
  std::map<Location, History> history_;
};

}  // namespace iommufd_check::spec
