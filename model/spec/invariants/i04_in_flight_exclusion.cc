#include <map>

#include "model/sim/errno.h"
#include "model/spec/invariants/refs.h"

namespace iommufd_check::spec {
namespace {

struct Gates {
  // By IOAS whose test the call has passed: it has become immutable since, and still is.
  std::map<uint16_t, bool> overtaken;
  bool saw_unfilled = false;  // while it preserves
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
    CallOf(event).overtaken[event.object.number] = false;
  }
  void OnImmutable(const sim::Event& event, const Evidence&, Ruling) {
    Overtake(event.object.number, true);
  }
  void OnMayChange(const sim::Event& event, const Evidence&, Ruling) {
    if (event.object.kind == sim::ObjectKind::kIoas) Overtake(event.object.number, false);
  }
  void Overtake(uint16_t ioas, bool overtaken) {
    for (Gates& call : calls()) {
      const auto gate = call.overtaken.find(ioas);
      if (gate != call.overtaken.end()) gate->second = overtaken;
    }
  }

  void OnTableWrite(const sim::Event& event, const Evidence& seen, Ruling rule) {
    const uint16_t ioas = seen.account.IoasOf(event.object.number);
    const auto gate = CallOf(event).overtaken.find(ioas);
    if (gate == CallOf(event).overtaken.end()) return;
    rule.Require(!gate->second, event.object, [&] {
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
