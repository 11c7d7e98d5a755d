#include "model/sim/act.h"

namespace iommufd_check::sim {
namespace {

// A count that must not move is reported in place of its access.
bool IsAccessOrItsReport(const Act& pattern, const Event& event) {
  const bool any = pattern.detail == kAnyDetail;
  if (IsAccess(event)) {
    return any || (event.detail == pattern.detail && event.object.kind == pattern.kind);
  }
  if (event.primitive != Primitive::kSplat) return false;
  const auto splat = static_cast<Splat>(event.detail);
  const bool of_count = splat == Splat::kRefcountSaturated || splat == Splat::kRefcountUnderflow;
  return of_count && (any || event.object.kind == pattern.kind);
}

}  // namespace

bool Leaves(const Act& pattern, const Event& event) {
  const auto is = [&](int detail) {
    return pattern.detail == kAnyDetail || pattern.detail == detail;
  };
  switch (pattern.primitive) {
    case Primitive::kOpBegin:
    case Primitive::kOpEnd:
      return event.primitive == pattern.primitive;
    case Primitive::kLock:
      return event.primitive == Primitive::kLock && is(event.detail);
    case Primitive::kUnlock:
      if (event.primitive == Primitive::kUnlock) return is(event.detail);
      return event.primitive == Primitive::kSplat &&
             event.detail == Detail(Splat::kUnlockNotOwner) && is(static_cast<int>(event.value));
    case Primitive::kCall:
      return (event.primitive == Primitive::kCall || event.primitive == Primitive::kFail) &&
             is(event.detail);
    case Primitive::kRead:
      return IsAccessOrItsReport(pattern, event);
    default:
      return false;
  }
}

}  // namespace iommufd_check::sim
