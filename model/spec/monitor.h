// Lets the checks of all invariants hear what happens: each event as it comes, and the moments at
// which whoever runs the program looks at it as a whole.
//
//   Monitor monitor(&findings);
//   monitor.Clear();
//   monitor.OnEvent(event);                 // of every event
//   monitor.Tell(Returned{...});            // of every moment (evidence.h)
#pragma once

#include <array>

#include "model/sim/event.h"
#include "model/spec/check.h"

namespace iommufd_check::spec {

class Monitor : public sim::EventListener {
 public:
  explicit Monitor(Findings* findings) : findings_(findings) {}
  // A copy knows what the other one knows, and reports to its own findings when it has some.
  Monitor(const Monitor& other) : findings_(other.findings_) { *this = other; }
  Monitor& operator=(const Monitor& other);

  void Clear();
  // From here on events belong to the process's exit.
  void BeginExit() { evidence_.exiting = true; }
  void OnEvent(const sim::Event& event) override;
  // The same of a release of a lock, which no check listens to.
  void OnUnlock(const sim::Event& event) {
    evidence_.locks.OnUnlock(event);
    if (event.task != 0) races_.OnEvent(event);
  }
  template <class Moment>
  void Tell(const Moment& moment) {
    Tell(listeners_.of_moment<Moment>(), moment);
  }
  // A quiescent point, of which these parts alone may have changed since the last one. A check that
  // looks at none of them, and that held, has its antecedents once more and is not asked.
  // REQUIRES: all parts, the first time after Clear or a copy.
  void TellRest(const Snapshot& now, PartSet changed);

  // The next event is number `events` + 1 of the run: those that it did not hear count too.
  void SetEventsBefore(uint32_t events) { sequence_ = events; }
  const sim::PlaceSet& meetings() const { return races_.meetings(); }

  const Account& account() const { return evidence_.account; }
  // Goes on from what another run remembered. REQUIRES: no event since Clear.
  void Recall(const Account& account);

 private:
  template <class Subject>
  void Tell(const Listeners::Ears<Subject>& ears, const Subject& subject) {
    for (const auto& ear : ears) {
      ear.hear(checks_[static_cast<size_t>(ear.invariant)].get(), subject, evidence_,
               Ruling(findings_, ear.invariant));
    }
  }
  void Prepare(const sim::Event& event);
  void TellEars(const sim::Event& event);
  void ForgetCall(sim::TaskId task);

  Findings* findings_;
  const Listeners& listeners_ = Listeners::All();
  Checks checks_ = NewChecks();
  Evidence evidence_;
  RaceDetector races_;
  uint32_t sequence_ = 0;  // events seen
  // What each check said at the last quiescent point at which it was asked.
  struct AtRest {
    bool held = false;
    uint64_t armed = 0;
  };
  std::array<AtRest, kInvariants> at_rest_{};
};

}  // namespace iommufd_check::spec
