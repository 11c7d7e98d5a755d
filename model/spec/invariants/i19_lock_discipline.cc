#include "model/spec/invariants/refs.h"
#include "model/spec/splat_text.h"

namespace iommufd_check::spec {
namespace {

class LockDiscipline final : public Check {
 public:
  void Listen(Listeners* to) const override {
    to->On<&LockDiscipline::OnLock>(sim::Primitive::kLock);
    for (int i = 0; i < sim::Count<sim::Splat>(); ++i) {
      const auto splat = static_cast<sim::Splat>(i);
      if (splat == sim::Splat::kDeadlock) {
        to->On<&LockDiscipline::OnDeadlock>(splat);
      } else if (splat == sim::Splat::kLockCycle) {
        to->On<&LockDiscipline::OnCycle>(splat);
      } else if (AboutLocks(splat)) {
        to->On<&LockDiscipline::OnOther>(splat);
      }
    }
  }

 private:
  // A lock that is taken alone cannot be taken in the wrong order, and not under a spinlock.
  void OnLock(const sim::Event& event, const Evidence& seen, Ruling rule) {
    if (seen.locks.HeldBy(event.task) > 1) rule.Arm();
  }

  void OnOther(const sim::Event& event, const Evidence& seen, Ruling rule) {
    rule.Violate(event.object, seen.splat);
  }

  void OnCycle(const sim::Event& event, const Evidence& seen, Ruling rule) {
    const auto outer = static_cast<sim::LockClass>(event.value >> 8);
    const auto inner = static_cast<sim::LockClass>(event.value & 0xff);
    rule.Violate(event.object,
                 seen.splat + ": " + std::string(sim::Name(inner)) + " inside " +
                     std::string(sim::Name(outer)) + " and the other way round",
                 seen.locks.ChainOf(event, rule.position().function));
  }

  // Seen by whoever fell asleep last, but of the first task in it: one finding, whatever the order.
  void OnDeadlock(const sim::Event& event, const Evidence& seen, Ruling rule) {
    const std::vector<LockWatch::Wait> waiting = seen.locks.Waiting();
    std::string text(sim::Name(sim::Splat::kDeadlock));
    if (waiting.empty()) return rule.Violate(event.object, text + ": " + Named(event.object));
    for (const LockWatch::Wait& wait : waiting) {
      text += (&wait == waiting.data() ? ": " : ", ") + TextOf(wait);
    }
    Findings::Position first = rule.position();
    first.operation = seen.exiting ? kExitOperation : waiting.front().operation;
    first.task = waiting.front().task;
    first.step = waiting.front().step;
    first.function = waiting.front().function;
    rule.MoveTo(first);
    rule.Violate(waiting.front().object, std::move(text));
  }
};

}  // namespace

std::unique_ptr<Check> NewI19() { return std::make_unique<LockDiscipline>(); }

}  // namespace iommufd_check::spec
