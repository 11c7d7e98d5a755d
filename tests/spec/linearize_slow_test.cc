// The long run of linearize_random_test.cc.
#include <gtest/gtest.h>

#include "tests/spec/concurrent_check.h"

namespace iommufd_check::spec {
namespace {

TEST(LinearizeRandomSlow, ReferenceHolds) { CheckConcurrentPrograms(400'000, 2); }

}  // namespace
}  // namespace iommufd_check::spec
