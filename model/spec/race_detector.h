// Accesses of different tasks to one field that no synchronisation orders in this run.
//
// Happens-before by vector clocks: releasing a lock publishes the releaser's clock, acquiring it
// takes the clock over; readers of a rw_semaphore order only against writers. Reference counts
// order as refcount_t does (Documentation/core-api/refcount-vs-atomic.rst): an increment orders
// nothing, a decrement releases, and the one that reaches zero acquires; so does a read of a count
// that the reader acts on. Tasks start ordered after main.
//
// Two answers. A *meeting* is any unordered pair of which one writes (or frees the object): another
// order of the two is another behaviour, so its field is a place to switch at (sim/places.h). A
// *race* is a meeting that KCSAN reports in the kernel's default configuration: not when both are
// marked, a plain write of up to a word counts as marked, and a write that changes nothing is let
// pass. No false positives; the explorers supply the schedules.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "model/sim/event.h"
#include "model/sim/lookup_map.h"
#include "model/sim/places.h"

namespace iommufd_check::spec {

class RaceDetector {
 public:
  RaceDetector() { Clear(); }

  void Clear();

  struct Race {
    uint8_t other_task = 0;
    uint16_t other_operation = 0;
    bool other_wrote = false;
    bool other_marked = false;
  };
  // Feeds one event; a race that it completes.
  std::optional<Race> OnEvent(const sim::Event& event);

  // The fields at which tasks met without order so far.
  const sim::PlaceSet& meetings() const { return meetings_; }

 private:
  using Clock = std::array<uint32_t, sim::kMaxTasks>;
  // The last access of one kind by one task: when, 0: none, and in which operation.
  struct Last {
    uint32_t when = 0;
    uint16_t operation = 0;
    bool same = false;    // a write that changed nothing
    bool marked = false;  // as its author wrote it
  };
  enum : size_t { kReads, kAtomicReads, kWrites, kAtomicWrites, kKinds };
  struct History {
    std::array<std::array<Last, sim::kMaxTasks>, kKinds> last{};
    uint8_t tasks = 0;  // bit t: task t has accessed it
  };
  struct FieldHistory {
    uint8_t field = 0;
    uint32_t next = kNone;  // of the same object
    History history;
  };
  static constexpr uint32_t kNone = UINT32_MAX;
  struct LockClocks {
    int64_t generation = 0;  // of the lock in this slot
    Clock writers{};
    Clock readers{};
  };
  struct Counter {
    Clock released{};
    std::array<int8_t, sim::kMaxTasks> balance{};  // taken minus given back, by task
    uint8_t counted = 0;                           // bit t: task t counts it
    uint8_t tested = 0;                            // bit t: task t reads its value
  };

  // For immediate use: it moves when another one begins.
  History& HistoryOf(sim::ObjectRef object, uint8_t field, uint16_t element);
  static void Join(Clock& into, const Clock& from);
  bool Ordered(uint8_t earlier, uint32_t when, uint8_t now) const {
    return clocks_[now][earlier] >= when;
  }
  std::optional<Race> OnAccess(const sim::Event& event, bool write);
  std::optional<Race> Meet(const History& history, const sim::Event& event, bool write,
                           bool* meets) const;
  void Enter(History& history, const sim::Event& event, bool write) const;
  void OnCount(const sim::Event& event);
  void OnTest(const sim::Event& event);
  void OnFreed(const sim::Event& event);

  std::array<Clock, sim::kMaxTasks> clocks_{};
  std::vector<LockClocks> locks_;  // by index
  sim::LookupMap<Counter> counters_;
  // Of each object, or element of one: where the chain of its fields begins in histories_.
  sim::LookupMap<uint32_t> first_;
  std::vector<FieldHistory> histories_;
  sim::PlaceSet meetings_;
  // Whose number is that of another object as well. Who meets at one of them is not known, so it is
  // no race.
  std::vector<sim::ObjectRef> ambiguous_;
};

}  // namespace iommufd_check::spec
