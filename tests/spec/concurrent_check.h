// Runs random concurrent programs under `reference` and random schedules: no answer and no state that
// they leave is without an order. A false alarm there is a mistake of the specification.
#pragma once

#include <cstdint>

namespace iommufd_check::spec {

// `programs` of them. Reports at most a dozen failures, and gives up rarely.
void CheckConcurrentPrograms(uint64_t programs, uint64_t seed);

}  // namespace iommufd_check::spec
