#include "model/spec/invariants/refs.h"
#include "model/spec/splat_text.h"

namespace iommufd_check::spec {
namespace {

struct Reached {
  bool locked = false;  // took a lock, so it went beyond the checks of its arguments
};

class NoUserTriggerableWarn final : public PerCall<Reached> {
 public:
  // Lockdep's splats are I19's.
  void Listen(Listeners* to) const override {
    to->On<&NoUserTriggerableWarn::OnLock>(sim::Primitive::kLock);
    to->On<&NoUserTriggerableWarn::OnEnd>(sim::Primitive::kOpEnd);
    for (int i = 0; i < sim::Count<sim::Splat>(); ++i) {
      const auto splat = static_cast<sim::Splat>(i);
      if (!AboutLocks(splat)) to->On<&NoUserTriggerableWarn::OnSplat>(splat);
    }
  }

 private:
  void OnLock(const sim::Event& event, const Evidence&, Ruling) { CallOf(event).locked = true; }
  void OnEnd(const sim::Event& event, const Evidence&, Ruling rule) {
    if (CallOf(event).locked) rule.Arm();
  }
  void OnSplat(const sim::Event& event, const Evidence& seen, Ruling rule) {
    rule.Violate(event.object, seen.splat);
  }
};

}  // namespace

std::unique_ptr<Check> NewI37() { return std::make_unique<NoUserTriggerableWarn>(); }

}  // namespace iommufd_check::spec
