#include "model/spec/findings.h"

#include <algorithm>
#include <utility>

#include "model/uapi/object_id.h"

namespace iommufd_check::spec {

Findings::Position Findings::PositionOf(const At& at) {
  const sim::Event& event = at.event;
  Position position{.operation = at.exiting ? kExitOperation : event.operation,
                    .task = event.task,
                    .step = event.step,
                    .event = at.number,
                    .function = at.function};
  if (event.primitive == sim::Primitive::kSplat) {
    position.function = static_cast<sim::Fn>(event.spare);
    position.splat = static_cast<sim::Splat>(event.detail);
    position.condition = static_cast<sim::Condition>(event.mode);
  }
  return position;
}

void Findings::Violate(Invariant invariant, sim::ObjectRef object, std::string detail,
                       std::vector<LockNesting> chain) {
  ++raised_;
  const Position at = position();
  const bool known = std::any_of(violations_.begin(), violations_.end(), [&](const Violation& v) {
    return v.invariant == invariant && v.operation == at.operation && v.task == at.task &&
           v.object.kind == object.kind && v.function == at.function && v.splat == at.splat &&
           v.condition == at.condition;
  });
  if (known) return;
  violations_.push_back({.invariant = invariant,
                         .operation = at.operation,
                         .task = at.task,
                         .step = at.step,
                         .event = at.event,
                         .object = object,
                         .detail = std::move(detail),
                         .function = at.function,
                         .splat = at.splat,
                         .condition = at.condition,
                         .chain = std::move(chain)});
}

std::string Named(sim::ObjectRef object) {
  return std::string(sim::Name(object.kind)) + " " + uapi::NumberText(object.number);
}

std::string Hex(uint64_t value) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string digits;
  do {
    digits.insert(digits.begin(), kDigits[value & 15]);
    value >>= 4;
  } while (value != 0);
  return "0x" + digits;
}

}  // namespace iommufd_check::spec
