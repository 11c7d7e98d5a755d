// The verdict over a search that a test stands in for, and the command over the real one.

#include "fuzz/report/verdict.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "model/liveupdate/designs/registry.h"
#include "tests/fuzz/cli_fixture.h"
#include "tests/fuzz/event_builder.h"

namespace iommufd_check::cli {
namespace {

using program::OpCode;
using program::Program;
using spec::Invariant;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

// A run violates I05 at its first luo_preserve when it has a fault; it arms I19 once. The search
// runs one variant with a fault, and minimising removes what is behind the first two operations.
class FakeEngine {
 public:
  const program::Execution& Run(const Program& program) {
    execution_ = {};
    execution_.armed[static_cast<size_t>(Invariant::kI19)] = 1;
    for (size_t i = 0; i < program.operations.size() && !program.faults.empty(); ++i) {
      if (program.operations[i].code != OpCode::kLuoPreserve) continue;
      execution_.violations = {
          {.invariant = Invariant::kI05, .operation = static_cast<uint16_t>(i)}};
      break;
    }
    return execution_;
  }
  Engine engine() {
    return {
        .run = [this](liveupdate::Design&, const Program& program) -> const program::Execution& {
          return Run(program);
        },
        .search =
            [this](liveupdate::Design&, const Program& program, const SearchBounds& bounds,
                   const Visitor& visit) {
              if (!bounds.single_faults) return SearchOutcome{};
              budgets_.push_back(bounds.max_executions);
              Program variant = program;
              variant.faults.push_back({});
              visit(variant, Run(variant));
              return SearchOutcome{.executions = 10, .exhausted = true};
            },
        .minimise =
            [](Program program, const Predicate& still_fails) {
              while (program.operations.size() > 1) {
                Program smaller = program;
                smaller.operations.pop_back();
                if (!still_fails(smaller)) break;
                program = smaller;
              }
              return program;
            },
    };
  }
  const std::vector<uint64_t>& budgets() const { return budgets_; }

 private:
  program::Execution execution_;
  std::vector<uint64_t> budgets_;
};

class VerdictTest : public testing::Test {
 protected:
  DesignVerdict Judged(const SearchBounds& bounds) {
    return JudgeDesign(fake_.engine(), *liveupdate::FindDesign("v1"), programs_, bounds,
                       [this](const std::string& line) { progress_.push_back(line); });
  }

  FakeEngine fake_;
  std::vector<Program> programs_{
      ProgramOf({{0, OpCode::kIoasAlloc},
                 {0, OpCode::kLuoPreserve},
                 {0, OpCode::kIoasAlloc},
                 {0, OpCode::kIoasAlloc}}),
      ProgramOf({{0, OpCode::kIoasAlloc}, {0, OpCode::kLuoPreserve}, {0, OpCode::kMap}}),
      ProgramOf({{0, OpCode::kIoasAlloc}})};
  std::vector<std::string> progress_;
};

TEST_F(VerdictTest, KeepsTheShortestProgramAndMinimisesIt) {
  const DesignVerdict verdict = Judged({});
  EXPECT_TRUE(verdict.violated());
  EXPECT_TRUE(verdict.exhausted);
  EXPECT_EQ(verdict.programs, 3u);
  EXPECT_EQ(verdict.executions, 33u);
  ASSERT_EQ(verdict.found.findings.size(), 1u);
  EXPECT_EQ(TextOf(verdict.found.findings[0].identity), "I05@luo_preserve");
  EXPECT_EQ(verdict.found.findings[0].runs, 2u) << "one variant of each program that has it";
  const Program& found = verdict.found.findings[0].witness;
  EXPECT_EQ(found.operations.size(), 2u);
  EXPECT_EQ(found.design, "v1");
  ASSERT_EQ(found.expected.size(), 1u);
  EXPECT_EQ(found.expected[0].invariant, "I05");
  EXPECT_EQ(found.expected[0].operation, OpCode::kLuoPreserve);
  EXPECT_EQ(found.title,
            "verdict: v1 violates I05 rollback-atomicity at luo_preserve.\nI05@luo_preserve");
}

// Of as many operations: fewer faults are easier to read, and the first that was found stays.
TEST_F(VerdictTest, KeepsTheFirstOfThoseWithTheFewestFaults) {
  programs_ = {ProgramOf({{0, OpCode::kIoasAlloc}, {0, OpCode::kLuoPreserve}}),
               ProgramOf({{0, OpCode::kDeviceBind}, {0, OpCode::kLuoPreserve}}),
               ProgramOf({{0, OpCode::kHwptAlloc}, {0, OpCode::kLuoPreserve}})};
  programs_[0].faults.resize(2);
  programs_[1].faults.resize(1);
  programs_[2].faults.resize(1);
  const DesignVerdict verdict = Judged({.single_faults = false});
  ASSERT_EQ(verdict.found.findings.size(), 1u);
  const Program& found = verdict.found.findings[0].witness;
  EXPECT_EQ(found.faults.size(), 1u);
  EXPECT_EQ(found.operations[0].code, OpCode::kDeviceBind);
}

TEST_F(VerdictTest, ACellHasTheShortestProgramOfItsFindings) {
  DesignVerdict verdict;
  verdict.design = "v1";
  for (const size_t operations : {3, 2, 4}) {
    explore::Finding finding{.identity = {.invariant = Invariant::kI05}};
    finding.witness.operations.resize(operations);
    verdict.found.findings.push_back(finding);
  }
  EXPECT_THAT(RenderVerdict({verdict}, {}),
              HasSubstr("I05 rollback-atomicity          VIOLATED (2 ops, 3 findings)\n"));
}

TEST_F(VerdictTest, Table) {
  const std::vector<DesignVerdict> verdicts{Judged({}), Judged({.single_faults = false})};
  const std::string text = RenderVerdict(verdicts, {});
  EXPECT_THAT(text, StartsWith("invariant                       v1                v1\n"
                               "I01 immutability-coverage       never armed       never armed\n"));
  EXPECT_THAT(text, HasSubstr("I05 rollback-atomicity          VIOLATED (2 ops)  never armed\n"));
  EXPECT_THAT(text, HasSubstr("I19 lock-discipline             held (6)          held (3)\n"));
  EXPECT_THAT(text, HasSubstr("\nv1: 3 programs, 33 executions, exhausted: "));
}

TEST_F(VerdictTest, DoubtfulContractsAreATableOfTheirOwn) {
  const std::string text = RenderVerdict({Judged({})}, {});
  const size_t table = text.find("\ncontracts worth a question (none is a violation)\n");
  ASSERT_NE(table, std::string::npos);
  EXPECT_GT(table, text.find("I38 errno-contract"));
  EXPECT_THAT(text, HasSubstr("v1            preserve, nothing marked  accepted, hands over no "
                              "record; "));
  EXPECT_FALSE(Judged({}).questions.empty());
}

TEST_F(VerdictTest, TheBudgetIsSharedAndItsEndIsSaid) {
  const DesignVerdict verdict = Judged({.max_executions = 15});
  // One run and ten variants, then one run with three left for its search.
  EXPECT_EQ(fake_.budgets(), (std::vector<uint64_t>{14, 3}));
  EXPECT_FALSE(verdict.exhausted);
  EXPECT_EQ(verdict.programs, 2u);
  EXPECT_THAT(RenderVerdict({verdict}, {}), HasSubstr("NOT exhausted"));
}

TEST(VerdictCommand, CodesAndOutput) {
  const TemporaryFolder folder;
  const std::string bug = folder.Write("corpus/bugs/bug.prog", ViolatingProgram());
  const std::string corpus = "--corpus=" + (folder / "corpus");
  const CliResult bad = RunCli({"verdict", "--design=v1", "--preemptions=0", corpus});
  EXPECT_EQ(bad.code, 1) << bad.err;
  EXPECT_THAT(bad.out, HasSubstr("I19 lock-discipline             VIOLATED ("));
  EXPECT_THAT(bad.out,
              HasSubstr("# verdict: v1 violates I19 lock-discipline at luo_preserve, with 0 "));

  const CliResult good = RunCli({"verdict", "--design=reference", bug});
  EXPECT_EQ(good.code, 0) << good.out;
  EXPECT_THAT(good.out, Not(HasSubstr("VIOLATED")));
  EXPECT_EQ(RunCli({"verdict", "--design=reference", bug}).out, good.out);

  EXPECT_EQ(RunCli({"verdict", "--design=reference", "--max_executions=2", bug}).code, 3);
}

TEST(VerdictCommand, FoundProgramsReplay) {
  const TemporaryFolder folder;
  const std::string bug = folder.Write("bug.prog", ViolatingProgram());
  const CliResult result = RunCli(
      {"verdict", "--design=v1", "--nosingle_faults", "--programs=" + (folder / "found"), bug});
  EXPECT_EQ(result.code, 1);
  EXPECT_THAT(result.out, Not(HasSubstr("main:")));
  EXPECT_THAT(result.err, HasSubstr("wrote "));
  int found = 0;
  for (const auto& file : std::filesystem::directory_iterator(folder / "found")) {
    ++found;
    const CliResult replay = RunCli({"run", "--quiet", file.path().string()});
    EXPECT_EQ(replay.code, 1) << replay.out << replay.err;
    EXPECT_THAT(replay.out, HasSubstr("(as expected)\n"));
    EXPECT_THAT(file.path().filename().string(), StartsWith("v1-I"));
  }
  EXPECT_GT(found, 3);
}

TEST(VerdictCommand, NothingToRunIsUsage) {
  const TemporaryFolder folder;
  EXPECT_EQ(RunCli({"verdict", "--corpus=" + folder.path()}).code, 64);
  EXPECT_EQ(RunCli({"verdict", "--corpus=" + (folder / "none")}).code, 64);
  EXPECT_EQ(RunCli({"verdict", "--design=v9"}).code, 64);
  EXPECT_EQ(RunCli({"verdict", "--design=v1,v1"}).code, 64);
}

}  // namespace
}  // namespace iommufd_check::cli
