#include <algorithm>
#include <utility>

#include "absl/container/inlined_vector.h"
#include "model/sim/errno.h"
#include "model/spec/invariants/refs.h"

namespace iommufd_check::spec {
namespace {

struct Gates {
  // IOASes whose test the call has passed: it has become immutable since, and still is.
  absl::InlinedVector<std::pair<uint16_t, bool>, 4> overtaken;
  bool saw_unfilled = false;  // while it preserves

  // Null: the call has not passed its test.
  bool* Of(uint16_t ioas) {
    const auto gate = std::find_if(overtaken.begin(), overtaken.end(),
                                   [&](const auto& entry) { return entry.first == ioas; });
    return gate == overtaken.end() ? nullptr : &gate->second;
  }
};

class InFlightExclusion final : public PerCall<Gates> {
 public:
  void Listen(Listeners* to) const override {
    to->On<&InFlightExclusion::OnPassed>(sim::Note::kGatePassed);
    to->On<&InFlightExclusion::OnImmutable>(sim::Note::kImmutableSet);
    to->On<&InFlightExclusion::OnMayChange>(sim::Note::kImmutableClear);
    to->On<&InFlightExclusion::OnMayChange>(sim::Note::kObjectFreed);
    to->On<&InFlightExclusion::OnTableWrite>(sim::Note::kTableWrite);
    to->On<&InFlightExclusion::OnUnfilled>(sim::Note::kUnfilledAreaSeen);
    to->On<&InFlightExclusion::OnWait>(sim::Primitive::kWait);
    to->On<&InFlightExclusion::OnEnd>(sim::Primitive::kOpEnd);
    to->On<&InFlightExclusion::OnDereference>(sim::Splat::kNullAreaPages);
  }

 private:
  void OnPassed(const sim::Event& event, const Evidence&, Ruling) {
    Gates& call = CallOf(event);
    if (bool* const overtaken = call.Of(event.object.number)) {
      *overtaken = false;
    } else {
      call.overtaken.emplace_back(event.object.number, false);
    }
  }
  void OnImmutable(const sim::Event& event, const Evidence&, Ruling) {
    Overtake(event.object.number, true);
  }
  void OnMayChange(const sim::Event& event, const Evidence&, Ruling) {
    if (event.object.kind == sim::ObjectKind::kIoas) Overtake(event.object.number, false);
  }
  void Overtake(uint16_t ioas, bool overtaken) {
    for (Gates& call : calls()) {
      if (bool* const gate = call.Of(ioas)) *gate = overtaken;
    }
  }

  void OnTableWrite(const sim::Event& event, const Evidence& seen, Ruling rule) {
    const uint16_t ioas = seen.account.IoasOf(event.object.number);
    const bool* const overtaken = CallOf(event).Of(ioas);
    if (overtaken == nullptr) return;
    rule.Require(!*overtaken, event.object, [&] {
      return "ioas " + Id(ioas) + " became immutable between the test and this change of its table";
    });
  }

  void OnUnfilled(const sim::Event& event, const Evidence& seen, Ruling) {
    if (seen.account.preserving[event.task].has_value()) CallOf(event).saw_unfilled = true;
  }
  // Whoever sleeps on a wait queue, and not for a lock, looks again afterwards.
  void OnWait(const sim::Event& event, const Evidence&, Ruling) {
    const bool on_queue = sim::LockClassOf(event) == sim::LockClass::kCount;
    if (on_queue) CallOf(event).saw_unfilled = false;
  }
  void OnEnd(const sim::Event& event, const Evidence&, Ruling rule) {
    if (!CallOf(event).saw_unfilled) return;
    rule.Require(event.value == -sim::kEBUSY, event.object, [&] {
      return "the page check saw an unfilled area and the call answered " +
             std::string(sim::ErrnoName(static_cast<int>(event.value)));
    });
  }
  void OnDereference(const sim::Event& event, const Evidence&, Ruling rule) {
    rule.Arm();
    rule.Violate(event.object,
                 "the page check reads area->pages of an area that is not filled yet");
  }
};

}  // namespace

std::unique_ptr<Check> NewI04() { return std::make_unique<InFlightExclusion>(); }

}  // namespace iommufd_check::spec
