#include "model/spec/invariants/refs.h"
#include "model/spec/splat_text.h"

namespace iommufd_check::spec {
namespace {

class NoUserTriggerableWarn final : public Check {
 public:
  // Lockdep's splats are I19's.
  void Listen(Listeners* to) const override {
    to->On<&NoUserTriggerableWarn::OnEnd>(sim::Primitive::kOpEnd);
    for (int i = 0; i < sim::Count<sim::Splat>(); ++i) {
      const auto splat = static_cast<sim::Splat>(i);
      if (!AboutLocks(splat)) to->On<&NoUserTriggerableWarn::OnSplat>(splat);
    }
  }

 private:
  // Armed when the call took a lock, so that it went beyond the checks of its arguments.
  void OnEnd(const sim::Event& event, const Evidence& seen, Ruling rule) {
    if (seen.locks.HasLocked(event.task)) rule.Arm();
  }
  void OnSplat(const sim::Event& event, const Evidence& seen, Ruling rule) {
    rule.Violate(event.object, seen.splat);
  }
};

}  // namespace

std::unique_ptr<Check> NewI37() { return std::make_unique<NoUserTriggerableWarn>(); }

}  // namespace iommufd_check::spec
