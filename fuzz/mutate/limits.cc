#include "fuzz/mutate/limits.h"

#include <algorithm>

#include "model/mm/machine.h"

namespace iommufd_check::cli {
namespace {

// A truncate to more than the machine can hold is refused, and so costs nothing.
bool GrowsTooMuch(const program::Operation& operation, uint32_t pages) {
  const auto arguments = program::SpecOf(operation.code).arguments;
  for (size_t i = 0; i < arguments.size(); ++i) {
    if (arguments[i].kind != program::ArgumentKind::kSize) continue;
    const uint64_t size = operation.arguments[i].value;
    if (size > pages * mm::kPageSize && size <= mm::Machine::kMaxMemfdBytes) return true;
  }
  return false;
}

}  // namespace

bool Fits(const program::Program& program, const Limits& limits) {
  return program.operations.size() <= limits.operations &&
         program.boot.memfd_pages <= limits.pages && program.boot.buffer_pages <= limits.pages &&
         program::TaskCount(program) <= limits.tasks && program.faults.size() <= limits.faults &&
         program.switches.size() <= limits.switches &&
         std::none_of(program.operations.begin(), program.operations.end(),
                      [&](const program::Operation& operation) {
                        return GrowsTooMuch(operation, limits.pages);
                      });
}

}  // namespace iommufd_check::cli
