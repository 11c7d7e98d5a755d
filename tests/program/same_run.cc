#include "tests/program/same_run.h"

#include <gtest/gtest.h>

namespace iommufd_check::program {

// EXPECT_EQ of these would print kilobytes.
void ExpectSameRun(const Executor& got, const Executor& wanted, const std::string& where) {
  const Execution& a = got.last();
  const Execution& b = wanted.last();
  EXPECT_EQ(a.digest, b.digest) << where;
  EXPECT_EQ(a.end, b.end) << where;
  EXPECT_EQ(a.steps, b.steps) << where;
  EXPECT_EQ(a.armed, b.armed) << where;
  EXPECT_EQ(a.task_steps, b.task_steps) << where;
  EXPECT_EQ(a.not_judged, b.not_judged) << where;
  EXPECT_TRUE(a.results == b.results) << where;
  EXPECT_TRUE(a.sites == b.sites) << where;
  EXPECT_TRUE(a.meetings == b.meetings) << where;
  ASSERT_EQ(a.violations.size(), b.violations.size()) << where;
  for (size_t i = 0; i < a.violations.size(); ++i) {
    EXPECT_EQ(a.violations[i].detail, b.violations[i].detail) << where;
    EXPECT_TRUE(a.violations[i] == b.violations[i]) << where << ": " << a.violations[i].detail;
  }
  EXPECT_TRUE(got.world() == wanted.world()) << where;
  EXPECT_TRUE(got.lock_order() == wanted.lock_order()) << where;
  EXPECT_EQ(got.events().size(), wanted.events().size()) << where;
}

}  // namespace iommufd_check::program
