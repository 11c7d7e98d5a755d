// Each known bug: its program breaks, under its own design, exactly what the file states, and
// nothing under `reference`, whose every schedule with at most one preemption holds as well. So do
// the seeds and the regressions.
#include "tests/program/corpus.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <set>

#include "model/explore/schedules/bounded_schedules.h"
#include "model/liveupdate/designs/registry.h"
#include "model/program/text/text_codec.h"

namespace iommufd_check::program {
namespace {

using spec::Violation;

std::set<std::string> IdsOf(const std::vector<Violation>& violations) {
  std::set<std::string> ids;
  for (const Violation& violation : violations) ids.emplace(spec::IdOf(violation.invariant));
  return ids;
}

// "I04 at B.1: ..." lines.
std::string TextOf(const Program& program, const std::vector<Violation>& violations) {
  std::string text;
  for (const Violation& v : violations) {
    const std::string label =
        v.operation == spec::kExitOperation ? "exit" : OperationLabel(program, v.operation);
    text += std::string(spec::IdOf(v.invariant)) + " at " + label + ": " + v.detail + "\n";
  }
  return text;
}

bool Occurs(const Program& program, const ExpectedViolation& expected, const Execution& run) {
  return std::any_of(run.violations.begin(), run.violations.end(), [&](const Violation& v) {
    return spec::IdOf(v.invariant) == expected.invariant &&
           v.operation < program.operations.size() &&
           program.operations[v.operation].code == expected.operation;
  });
}

void ExpectBreaksWhatItStates(Executor& executor, const Program& program) {
  liveupdate::Design* design = liveupdate::FindDesign(program.design);
  ASSERT_NE(design, nullptr) << "no design '" << program.design << "'";
  const Execution& run = executor.Run(*design, program);
  std::set<std::string> stated(program.also.begin(), program.also.end());
  ASSERT_FALSE(program.expected.empty()) << "a bug states what it breaks";
  for (const ExpectedViolation& expected : program.expected) {
    stated.insert(expected.invariant);
    ASSERT_TRUE(expected.operation.has_value()) << expected.invariant << " at which operation?";
    EXPECT_TRUE(Occurs(program, expected, run))
        << expected.invariant << " does not occur at " << SpecOf(*expected.operation).name;
  }
  EXPECT_EQ(IdsOf(run.violations), stated) << TextOf(program, run.violations);
}

void ExpectErrnos(const Program& program, const Execution& run) {
  for (size_t i = 0; i < program.operations.size(); ++i) {
    const std::optional<int>& expected = program.operations[i].expected_errno;
    if (!expected.has_value()) continue;
    EXPECT_TRUE(run.results[i].ran) << OperationLabel(program, i);
    EXPECT_EQ(run.results[i].result, -*expected) << OperationLabel(program, i);
  }
}

void ExpectReferenceHolds(Executor& executor, const Program& program) {
  liveupdate::Design& reference = *liveupdate::FindDesign("reference");
  const Execution& run = executor.Run(reference, program);
  EXPECT_EQ(run.end, sim::RunEnd::kCompleted);
  EXPECT_EQ(TextOf(program, run.violations), "");
}

void ExpectReferenceHoldsInAllSchedules(Executor& executor, const Program& program) {
  liveupdate::Design& reference = *liveupdate::FindDesign("reference");
  explore::Meter meter;
  const bool whole = explore::BoundedSchedules(&executor, &reference, program, 1, nullptr)
                         .Run({}, &meter, [](const Program& variant, const Execution& run) {
                           EXPECT_EQ(TextOf(variant, run.violations), "") << PrintProgram(variant);
                           return run.violations.empty();
                         });
  EXPECT_TRUE(whole);
  EXPECT_EQ(meter.used() > 1, TaskCount(program) > 1) << "schedules of tasks, and no others";
}

class CorpusTest : public testing::TestWithParam<std::string> {};

TEST_P(CorpusTest, BugIsCaughtAndReferenceIsFreeOfIt) {
  const Program program = CorpusProgram(GetParam());
  ASSERT_EQ(FirstProblem(program), "");
  EXPECT_FALSE(program.title.empty()) << "a bug tells its story";
  Executor executor;
  ExpectBreaksWhatItStates(executor, program);
  ExpectErrnos(program, executor.last());
  ExpectReferenceHolds(executor, program);
  ExpectReferenceHoldsInAllSchedules(executor, program);
  Program without_faults = program;
  without_faults.faults.clear();
  ExpectReferenceHoldsInAllSchedules(executor, without_faults);
}

std::string TestName(const testing::TestParamInfo<std::string>& info) {
  std::string name = info.param.substr(0, info.param.rfind('.'));
  std::replace_if(name.begin(), name.end(), [](unsigned char c) { return !std::isalnum(c); }, '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(Bugs, CorpusTest, testing::ValuesIn(CorpusFiles()), TestName);

// Seeds are what works; regressions are what was once wrong, with the story in the file.
class CleanCorpusTest : public testing::TestWithParam<std::string> {};

TEST_P(CleanCorpusTest, ReferenceHolds) {
  const size_t slash = GetParam().find('/');
  const Program program = CorpusProgram(GetParam().substr(slash + 1), GetParam().substr(0, slash));
  EXPECT_FALSE(program.title.empty()) << "a program tells what it is about";
  Executor executor;
  ExpectReferenceHolds(executor, program);
  ExpectReferenceHoldsInAllSchedules(executor, program);
  if (program.design.empty() || program.design == "reference") return;
  // One about another design says what is left there, which may be nothing.
  const Execution& run = executor.Run(*liveupdate::FindDesign(program.design), program);
  std::set<std::string> stated;
  for (const ExpectedViolation& expected : program.expected) stated.insert(expected.invariant);
  stated.insert(program.also.begin(), program.also.end());
  EXPECT_EQ(IdsOf(run.violations), stated) << TextOf(program, run.violations);
  ExpectErrnos(program, run);
}

std::vector<std::string> CleanFiles() {
  std::vector<std::string> files;
  for (const char* folder : {"regressions", "seeds"}) {
    for (const std::string& file : CorpusFiles(folder)) {
      files.push_back(std::string(folder) + "/" + file);
    }
  }
  return files;
}

INSTANTIATE_TEST_SUITE_P(Clean, CleanCorpusTest, testing::ValuesIn(CleanFiles()), TestName);

TEST(Corpus, IsNotEmpty) { EXPECT_GE(CorpusFiles().size(), 20u); }

TEST(Corpus, NamesStartWithTheNumberOfTheBug) {
  std::set<std::string> bugs;
  for (const std::string& file : CorpusFiles()) {
    const std::string bug = file.substr(0, file.find('-'));
    EXPECT_TRUE(bugs.insert(bug).second) << file << ": a second program for " << bug;
    EXPECT_TRUE(CorpusProgram(file).title.starts_with(bug + ": ")) << file;
  }
}

}  // namespace
}  // namespace iommufd_check::program
