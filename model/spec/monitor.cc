#include "model/spec/monitor.h"

#include "model/sim/check.h"
#include "model/spec/splat_text.h"

namespace iommufd_check::spec {

using sim::Note;
using sim::Primitive;

Monitor& Monitor::operator=(const Monitor& other) {
  if (this == &other) return *this;
  for (size_t i = 0; i < checks_.size(); ++i) checks_[i]->TakeOver(*other.checks_[i]);
  evidence_ = other.evidence_;
  races_ = other.races_;
  sequence_ = other.sequence_;
  return *this;
}

void Monitor::Clear() {
  for (const auto& check : checks_) check->Forget();
  evidence_.account = {};
  evidence_.locks.Clear();
  evidence_.race.reset();
  evidence_.freed_by.reset();
  evidence_.exiting = false;
  races_.Clear();
  sequence_ = 0;
}

void Monitor::Recall(const Account& account) {
  IOMMUFD_CHECK(sequence_ == 0, "what is recalled came before all events");
  evidence_.account = account;
}

// What few events ask for before they are heard.
void Monitor::Prepare(const sim::Event& event) {
  if (event.primitive == Primitive::kOpBegin) return ForgetCall(event.task);
  if (event.primitive == Primitive::kSplat) {
    evidence_.splat = SplatText(event, evidence_.freed_by);
    evidence_.freed_by.reset();
  } else if (static_cast<Note>(event.detail) == Note::kFrameFreedBy) {
    evidence_.freed_by = mm::UnpackFreedBy(event.value);
  }
}

void Monitor::OnEvent(const sim::Event& event) {
  ++sequence_;
  if (event.primitive == Primitive::kUnlock) return OnUnlock(event);
  if (event.task != 0) {
    evidence_.race = races_.OnEvent(event);
  } else if (!sim::IsHeardAlone(event.primitive)) {
    return;
  }
  evidence_.locks.OnEvent(event, findings_->function());
  const bool note = event.primitive == Primitive::kNote;
  if (note || event.primitive == Primitive::kOpBegin || event.primitive == Primitive::kSplat) {
    Prepare(event);
  }
  const Listeners::Ears<sim::Event>& ears = listeners_.of(event);
  if (!ears.empty()) {
    findings_->SetEvent(event, sequence_, evidence_.exiting);
    Tell(ears, event);
  }
  if (note) evidence_.account.Follow(event);
  if (event.primitive == Primitive::kOpEnd) evidence_.account.preserving[event.task].reset();
}

void Monitor::TellRest(const Snapshot& now, PartSet changed) {
  for (const auto& ear : listeners_.of_moment<Snapshot>()) {
    const auto number = static_cast<size_t>(ear.invariant);
    AtRest& last = at_rest_[number];
    if (last.held && (ear.looks_at & changed) == 0) {
      findings_->Arm(ear.invariant, last.armed);
      continue;
    }
    const uint64_t raised = findings_->raised();
    const uint64_t armed = findings_->armed()[number];
    ear.hear(checks_[number].get(), now, evidence_, Ruling(findings_, ear.invariant));
    last = {.held = findings_->raised() == raised, .armed = findings_->armed()[number] - armed};
  }
}

void Monitor::ForgetCall(sim::TaskId task) {
  evidence_.account.preserving[task].reset();
  for (const Invariant invariant : listeners_.per_call()) {
    checks_[static_cast<size_t>(invariant)]->ForgetCall(task);
  }
}

}  // namespace iommufd_check::spec
