// Each invariant's check fires on a mutant made for it, at the operation that breaks it, and stays
// silent under `reference` on the same program. The exact set of what else breaks is stated too,
// so that a check that becomes too eager is noticed.
#include "tests/spec/mutants/mutants.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "model/explore/work/certificate_text.h"
#include "model/explore/work/explore_work.h"
#include "model/liveupdate/designs/registry.h"
#include "model/program/execute/executor.h"
#include "model/program/text/text_codec.h"

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
  program::Executor executor;
  const explore::Certificate found =
      explore::ExploreProgram(&executor, *row.mutant, "mutant", program, {});
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
  program::Executor executor;
  const Execution& run = executor.Run(*row.mutant, program);
  EXPECT_EQ(BrokenBy(run), BrokenAccordingTo(row)) << Everything(program, run);
  const Violation* violation = run.Find(*wanted);
  ASSERT_NE(violation, nullptr) << Everything(program, run);
  EXPECT_EQ(LabelOf(program, violation->operation), row.operation);
  EXPECT_EQ(violation->detail, row.detail);
  EXPECT_GT(run.armed[static_cast<size_t>(*wanted)], 0u);
}

TEST_P(MutantTest, ReferenceIsSilentOnTheSameProgram) {
  const Program program = Parse(GetParam());
  liveupdate::Design* reference = liveupdate::FindDesign("reference");
  ASSERT_NE(reference, nullptr);
  program::Executor executor;
  const Execution& run = executor.Run(*reference, program);
  EXPECT_EQ(run.end, sim::RunEnd::kCompleted);
  EXPECT_EQ(Everything(program, run), "");
  if (program::TaskCount(program) == 0) return;
  const explore::Certificate all =
      explore::ExploreProgram(&executor, *reference, "reference", program, {});
  EXPECT_TRUE(all.exhausted());
  EXPECT_FALSE(all.violated()) << explore::RenderText(all);
}

std::string TestName(const testing::TestParamInfo<MutantCase>& row) {
  return row.param.invariant + "_" + std::string(row.param.mutant->name());
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
    EXPECT_TRUE(names.insert(row.invariant + std::string(row.mutant->name())).second)
        << row.invariant << " " << row.mutant->name();
  }
}

}  // namespace
}  // namespace iommufd_check::spec
