// Random concurrent programs (concurrent_check.h), as many as a unit test has time for.
#include <gtest/gtest.h>

#include "tests/spec/concurrent_check.h"

namespace iommufd_check::spec {
namespace {

TEST(LinearizeRandom, ReferenceHolds) { CheckConcurrentPrograms(2'000, 1); }

}  // namespace
}  // namespace iommufd_check::spec
