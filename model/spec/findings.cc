#include "model/spec/findings.h"

#include <algorithm>
#include <utility>

namespace iommufd_check::spec {

void Findings::Violate(Invariant invariant, sim::ObjectRef object, std::string detail) {
  const bool known = std::any_of(violations_.begin(), violations_.end(), [&](const Violation& v) {
    return v.invariant == invariant && v.operation == position_.operation;
  });
  if (known) return;
  violations_.push_back(Violation{invariant, position_.operation, position_.task, position_.step,
                                  position_.event, object, std::move(detail)});
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
