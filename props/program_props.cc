// The stateful property: whatever a process does, and whichever calls fail, no invariant breaks.

#include <gtest/gtest.h>

#include "model/liveupdate/designs/registry.h"
#include "model/program/text/text_codec.h"
#include "props/program_commands.h"

namespace iommufd_check::props {
namespace {

// Runs the property with a fixed seed, whatever RC_PARAMS says, and returns its result.
rc::detail::TestResult Check(const char* design, std::vector<spec::Invariant> wanted, int tests) {
  Smallest() = SmallestFailure{};
  Armed().fill(0);
  program::Executor executor;
  rc::detail::TestParams params;
  params.seed = 1;
  params.maxSuccess = tests;
  params.maxSize = 60;
  rc::detail::TestMetadata metadata;
  metadata.id = design;
  return rc::detail::checkTestable(
      [&] {
        const ProgramModel model;
        ProgramUnderTest sut(&executor, liveupdate::FindDesign(design), wanted);
        rc::state::check(model, sut, &GenCommand);
      },
      metadata, params);
}

std::string Describe(const SmallestFailure& failure) {
  if (!failure.found) return "no failure seen";
  return std::string(spec::IdOf(failure.violation.invariant)) + ": " + failure.violation.detail +
         "\n" + program::PrintProgram(failure.program);
}

TEST(ProgramProperty, ReferenceHoldsEveryInvariant) {
  constexpr int kTests = 4000;
  const rc::detail::TestResult result = Check("reference", {}, kTests);
  rc::detail::SuccessResult success;
  ASSERT_TRUE(result.match(success)) << Describe(Smallest());
  EXPECT_EQ(success.numSuccess, kTests);
  for (int i = 0; i < spec::kInvariants; ++i) {
    const auto invariant = static_cast<spec::Invariant>(i);
    const bool of_tasks = invariant == spec::Invariant::kI20;  // a process of one task has no races
    EXPECT_EQ(Armed()[static_cast<size_t>(i)] > 0, !of_tasks) << spec::IdOf(invariant);
  }
  RecordProperty("tests", kTests);
}

// The canary: a property that finds nothing in v1 would find nothing anywhere.
TEST(ProgramProperty, FindsTheRollbackDefectOfV1AndShrinksIt) {
  const rc::detail::TestResult result = Check("v1", {spec::Invariant::kI05}, 20000);
  rc::detail::FailureResult failure;
  ASSERT_TRUE(result.match(failure)) << "no rollback defect found in v1";
  ASSERT_TRUE(Smallest().found);
  EXPECT_EQ(Smallest().violation.invariant, spec::Invariant::kI05);
  EXPECT_LE(Smallest().program.operations.size(), 8u) << Describe(Smallest());
  std::printf("found after %d tests, shrunk to %zu operations\n%s", failure.numSuccess + 1,
              Smallest().program.operations.size(), Describe(Smallest()).c_str());
}

}  // namespace
}  // namespace iommufd_check::props
