// Each invariant's check fires on a mutant made for it, at the operation that breaks it, and not
// under what the mutant was made of on the same program; `reference` breaks nothing there. The
// exact set of what else breaks is stated too, so that a check that becomes too eager is noticed.
#include "tests/spec/mutants/mutants.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "model/explore/work/certificate_text.h"
#include "model/explore/work/explore_work.h"
#include "model/program/execute/executor.h"
#include "model/program/text/text_codec.h"
#include "tests/support/steps.h"

namespace iommufd_check::spec {
namespace {

using program::Execution;
using program::Program;

Program Parse(const MutantCase& row) {
  absl::StatusOr<Program> parsed = program::ParseProgram(row.program, row.invariant);
  EXPECT_TRUE(parsed.ok()) << parsed.status().message();
  return parsed.ok() ? *parsed : Program{};
}

std::string LabelOf(const Program& program, uint16_t operation) {
  return operation == kExitOperation ? "exit" : program::OperationLabel(program, operation);
}

// "I05 I12", ascending.
std::string BrokenBy(const Execution& run) {
  std::set<std::string> ids;
  for (const Violation& violation : run.violations) ids.emplace(IdOf(violation.invariant));
  std::string text;
  for (const std::string& id : ids) text += (text.empty() ? "" : " ") + id;
  return text;
}

std::string BrokenAccordingTo(const MutantCase& row) {
  std::set<std::string> ids{row.invariant};
  for (size_t at = 0; at < row.also.size(); at += 4) ids.insert(row.also.substr(at, 3));
  std::string text;
  for (const std::string& id : ids) text += (text.empty() ? "" : " ") + id;
  return text;
}

std::string Everything(const Program& program, const Execution& run) {
  std::string text;
  for (const Violation& v : run.violations) {
    text += std::string(IdOf(v.invariant)) + " at " + LabelOf(program, v.operation) + ": " +
            v.detail + "\n";
  }
  return text;
}

// The program, with the schedule that the explorer finds where it has tasks.
Program Witness(const MutantCase& row, Invariant wanted) {
  const Program program = Parse(row);
  if (program::TaskCount(program) == 0) return program;
  Revision mutant = row.mutant;
  program::Executor executor;
  const explore::Certificate found =
      explore::ExploreProgram(&executor, mutant, "mutant", program, {});
  EXPECT_TRUE(found.exhausted());
  const explore::Finding* finding = found.Find(wanted);
  EXPECT_NE(finding, nullptr) << explore::RenderText(found);
  return finding == nullptr ? program : finding->witness;
}

class MutantTest : public testing::TestWithParam<MutantCase> {};

TEST_P(MutantTest, IsCaught) {
  const MutantCase& row = GetParam();
  const auto wanted = InvariantFromName(row.invariant);
  ASSERT_TRUE(wanted.has_value());
  const Program program = Witness(row, *wanted);
  Revision mutant = row.mutant;
  program::Executor executor;
  const Execution& run = executor.Run(mutant, program);
  EXPECT_EQ(BrokenBy(run), BrokenAccordingTo(row)) << Everything(program, run);
  const Violation* violation = run.Find(*wanted);
  ASSERT_NE(violation, nullptr) << Everything(program, run);
  EXPECT_EQ(LabelOf(program, violation->operation), row.operation);
  EXPECT_EQ(violation->detail, row.detail);
  EXPECT_GT(run.armed[static_cast<size_t>(*wanted)], 0u);
}

// Of `reference`, in every schedule.
void ExpectNothingBroken(Revision design, const Program& program) {
  program::Executor executor;
  const Execution& run = executor.Run(design, program);
  EXPECT_EQ(run.end, sim::RunEnd::kCompleted);
  EXPECT_EQ(Everything(program, run), "");
  if (program::TaskCount(program) == 0) return;
  const explore::Certificate all = explore::ExploreProgram(&executor, design, "base", program, {});
  EXPECT_TRUE(all.exhausted());
  EXPECT_FALSE(all.violated()) << explore::RenderText(all);
}

TEST_P(MutantTest, ItsBaseDoesNotDoIt) {
  const MutantCase& row = GetParam();
  const Program program = Parse(row);
  if (row.base.name() == "reference") return ExpectNothingBroken(row.base, program);
  ASSERT_EQ(program::TaskCount(program), 0u) << "of another base, tried in this order alone";
  Revision base = row.base;
  program::Executor executor;
  const Execution& run = executor.Run(base, program);
  for (const Violation& v : run.violations) {
    EXPECT_FALSE(IdOf(v.invariant) == row.invariant && v.detail == row.detail)
        << Everything(program, run);
  }
}

TEST_P(MutantTest, OtherStepsAreThoseOfItsBase) {
  const MutantCase& row = GetParam();
  const size_t changed = test_support::ChangedSteps(row.base.steps(), row.mutant.steps()).size();
  EXPECT_GE(changed, 1u);
  EXPECT_LE(changed, 3u) << "that is another revision";
  EXPECT_NE(row.base.name(), row.mutant.name());
}

std::string TestName(const testing::TestParamInfo<MutantCase>& row) {
  return row.param.invariant + "_" + std::string(row.param.mutant.name());
}

INSTANTIATE_TEST_SUITE_P(All, MutantTest, testing::ValuesIn(AllMutants()), TestName);

TEST(Mutants, EveryInvariantHasOne) {
  std::set<std::string> with;
  for (const MutantCase& row : AllMutants()) with.insert(row.invariant);
  for (int i = 0; i < kInvariants; ++i) {
    const std::string id(IdOf(static_cast<Invariant>(i)));
    EXPECT_EQ(with.count(id), 1u) << id << " has no mutant";
  }
  EXPECT_EQ(with.size(), static_cast<size_t>(kInvariants)) << "a mutant names no invariant";
}

TEST(Mutants, NamesOfOneInvariantDiffer) {
  std::set<std::string> names;
  for (const MutantCase& row : AllMutants()) {
    EXPECT_TRUE(names.insert(row.invariant + std::string(row.mutant.name())).second)
        << row.invariant << " " << row.mutant.name();
  }
}

}  // namespace
}  // namespace iommufd_check::spec
