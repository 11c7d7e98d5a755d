#include "model/sim/check.h"

#include <cstdio>
#include <cstdlib>

namespace iommufd_check {

void CheckFailed(const char* file, int line, const char* condition, const char* message) {
  std::fprintf(stderr, "%s:%d: internal check failed: %s (%s)\n", file, line, condition, message);
  std::abort();
}

}  // namespace iommufd_check
