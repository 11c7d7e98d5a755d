// The invariants of every transition: I01-I08, I10, I12, I18-I21, I37, checked from the event
// stream alone.
//
// The monitor keeps its own account of who is registered, immutable, preserved and marked. It never
// reads the machine: when its account and the machine's differ, that is a finding.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "model/mm/types.h"
#include "model/sim/event.h"
#include "model/sim/lookup_map.h"
#include "model/spec/findings.h"
#include "model/spec/lock_watch.h"
#include "model/spec/race_detector.h"

namespace iommufd_check::spec {

class Monitor : public sim::EventListener {
 public:
  // What it remembers between two operations: all that earlier events have to say about later ones.
  // IOASes and HWPTs are named as in object_id.h.
  struct Memory {
    std::map<uint64_t, sim::ObjectRef> registered;  // pfn -> on whose behalf
    std::map<uint16_t, uint32_t> immutable_since;   // IOAS -> sequence number
    std::map<uint16_t, uint16_t> domain_ioas;       // domain number -> IOAS
    std::set<uint16_t> preserved_domains;
    std::map<uint16_t, uint64_t> marks;  // HWPT -> token
    std::set<uint16_t> marks_frozen;     // iommufds
  };

  explicit Monitor(Findings* findings) : findings_(findings) {}

  void Clear();
  // From here on events belong to the process's exit.
  void BeginExit() { exiting_ = true; }
  void OnEvent(const sim::Event& event) override;

  uint32_t events_seen() const { return sequence_; }
  const sim::PlaceSet& meetings() const { return races_.meetings(); }

  const Memory& memory() const { return memory_; }
  // Goes on from what another run remembered. REQUIRES: no event since Clear.
  void Recall(const Memory& memory);

 private:
  struct TaskState {
    std::map<uint16_t, uint32_t> gates;  // IOAS -> sequence number of its last passed test
    std::optional<uint16_t> preserving;  // iommufd, between the begin and the end of LUO's call
    bool saw_unfilled = false;           // meanwhile
    std::string mark_changed;  // meanwhile, by another task, since it looked at a mark last
    bool fault_injected = false;
    int locks_held = 0;
    bool locked = false;    // took a lock, so it went beyond the checks of its arguments
    int64_t capacity = -1;  // bytes of records that a preserve in progress allocated, -1: none yet
  };

  // What an access or a lock could have broken, which is what "held (n)" counts.
  void ArmByAccess(const sim::Event& event);
  void ArmByLock(const sim::Event& event);
  // Whoever sleeps on a wait queue, and not for a lock, looks again afterwards.
  void NoteWait(const sim::Event& event) {
    const bool on_queue = sim::LockClassOf(event) == sim::LockClass::kCount;
    task(event).saw_unfilled = task(event).saw_unfilled && !on_queue;
  }
  void OnNote(const sim::Event& event);
  void OnTransition(sim::Note note, const sim::Event& event);
  void OnRegistration(sim::Note note, const sim::Event& event);
  void OnPreservation(sim::Note note, const sim::Event& event);
  void OnSplat(const sim::Event& event);
  void OnDeadlock(const sim::Event& event);
  std::string SplatText(const sim::Event& event);
  void OnOperationEnd(const sim::Event& event);
  void OnTableWrite(const sim::Event& event);
  void OnImmutable(const sim::Event& event, bool set);
  void OnFree(const sim::Event& event);
  void OnMark(const sim::Event& event, bool gone);
  void NoteMarkChange(const sim::Event& event, std::string text);
  void EndPreserve(const sim::Event& event);
  void EndUnpreserve(const sim::Event& event);

  bool IsImmutable(uint16_t ioas) const { return memory_.immutable_since.count(ioas) != 0; }
  bool IsPreserved(uint16_t domain) const {
    return memory_.preserved_domains.count(domain) != 0 || HasRegistered(domain);
  }
  bool HasRegistered(uint16_t domain) const;
  uint16_t IoasOf(uint16_t domain) const;
  TaskState& task(const sim::Event& event) { return tasks_[event.task]; }

  Findings* findings_;
  RaceDetector races_;
  LockWatch locks_;
  bool exiting_ = false;
  uint32_t sequence_ = 0;
  std::array<TaskState, sim::kMaxTasks> tasks_;
  // Which tasks have read, and which have written, a field of an object (by kind, number, field).
  struct Accessors {
    uint8_t readers = 0;
    uint8_t writers = 0;
  };
  sim::LookupMap<Accessors> accessors_;
  Memory memory_;
  std::optional<mm::FreedBy> freed_by_;  // of the page whose use the next splat reports
};

}  // namespace iommufd_check::spec
