// What the monitor makes of splats: which invariant each breaks, and the sentence.
#include "model/sim/errno.h"
#include "model/spec/monitor.h"

namespace iommufd_check::spec {

using sim::ObjectKind;
using sim::Splat;

namespace {

// "iopt_abort_area: WARN_ON(immutable)"; what speaks of locks names no function.
std::string TextOfSplat(const sim::Event& event) {
  const auto splat = static_cast<Splat>(event.detail);
  const auto function = static_cast<sim::Fn>(event.spare);
  const auto condition = static_cast<sim::Condition>(event.mode);
  std::string text(sim::Name(splat));
  if (condition != sim::Condition::kNone) {
    text += "_ON(" + std::string(sim::Name(condition)) + ")";
  }
  const bool about_locks = splat < Splat::kFreeLockedLock;
  if (function == sim::Fn::kNone || about_locks) return text;
  return std::string(sim::Name(function)) + ": " + text;
}

}  // namespace

// Seen by whoever fell asleep last, but of the first task in it: one finding, whatever the order.
void Monitor::OnDeadlock(const sim::Event& event) {
  const std::vector<LockWatch::Wait> waiting = locks_.Waiting();
  std::string text(sim::Name(Splat::kDeadlock));
  if (waiting.empty()) {
    return findings_->Violate(Invariant::kI19, event.object, text + ": " + Named(event.object));
  }
  for (const LockWatch::Wait& wait : waiting) {
    text += (&wait == waiting.data() ? ": " : ", ") + TextOf(wait);
  }
  Findings::Position first = findings_->position();
  first.operation = exiting_ ? kExitOperation : waiting.front().operation;
  first.task = waiting.front().task;
  first.step = waiting.front().step;
  first.function = waiting.front().function;
  findings_->SetPosition(first);
  findings_->Violate(Invariant::kI19, waiting.front().object, std::move(text));
}

// What the kernel would print; of a page, also who freed it.
std::string Monitor::SplatText(const sim::Event& event) {
  const auto splat = static_cast<Splat>(event.detail);
  std::string text = TextOfSplat(event);
  if (event.object.kind != ObjectKind::kNone) text += ": " + Named(event.object);
  const bool of_page = splat == Splat::kBadFrame || splat == Splat::kForeignFrame ||
                       splat == Splat::kBadPageState ||
                       (splat == Splat::kUseAfterFree && event.value != 0);
  if (of_page) text += ", page " + Hex(static_cast<uint64_t>(event.value));
  if (of_page && freed_by_.has_value()) {
    const std::string task =
        freed_by_->task == 0 ? "main" : std::string(1, 'A' + freed_by_->task - 1);
    text += ", which was a " + std::string(mm::Name(freed_by_->owner)) + " page until operation " +
            std::to_string(freed_by_->operation) + ", of " + task + ", freed it";
  }
  freed_by_.reset();
  return text;
}

void Monitor::OnSplat(const sim::Event& event) {
  const auto splat = static_cast<Splat>(event.detail);
  std::string text = SplatText(event);
  switch (splat) {
    case Splat::kSleepInAtomic:
    case Splat::kRecursiveLock:
    case Splat::kUnlockNotOwner:
    case Splat::kLockHeldAtReturn:
    case Splat::kLockNotHeld:
      return findings_->Violate(Invariant::kI19, event.object, std::move(text));
    case Splat::kDeadlock:
      return OnDeadlock(event);
    case Splat::kLockCycle: {
      const auto outer = static_cast<sim::LockClass>(event.value >> 8);
      const auto inner = static_cast<sim::LockClass>(event.value & 0xff);
      return findings_->Violate(Invariant::kI19, event.object,
                                text + ": " + std::string(sim::Name(inner)) + " inside " +
                                    std::string(sim::Name(outer)) + " and the other way round",
                                locks_.ChainOf(event, findings_->position().function));
    }
    case Splat::kUseAfterFree:
    case Splat::kForeignFrame:
    case Splat::kBadPageState:
    case Splat::kFreeLockedLock:
      findings_->Violate(Invariant::kI08, event.object, text);
      return findings_->Violate(Invariant::kI37, event.object, std::move(text));
    case Splat::kNullAreaPages:
      findings_->Arm(Invariant::kI04);
      findings_->Violate(Invariant::kI04, event.object,
                         "the page check reads area->pages of an area that is not filled yet");
      return findings_->Violate(Invariant::kI37, event.object, std::move(text));
    case Splat::kBadPointer:
      findings_->Violate(Invariant::kI21, event.object,
                         "ERR_PTR(-" + std::string(sim::ErrnoName(static_cast<int>(event.value))) +
                             ") passes a test for NULL and is dereferenced");
      return findings_->Violate(Invariant::kI37, event.object, std::move(text));
    default:
      return findings_->Violate(Invariant::kI37, event.object, std::move(text));
  }
}

}  // namespace iommufd_check::spec
