// The verdict's table of certificates, and the command that makes them.

#include "fuzz/report/verdict.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "model/liveupdate/designs/registry.h"
#include "model/program/text/text_codec.h"
#include "tests/fuzz/cli_fixture.h"

namespace iommufd_check::cli {
namespace {

using explore::Certificate;
using spec::Invariant;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

Certificate VerdictOf(const std::string& design) {
  Certificate c;
  c.work = "verdict";
  c.design = design;
  c.programs = 3;
  c.executions = 33;
  c.schedules = "all interleavings";
  c.order = explore::WitnessOrder::kSmallestProgram;
  c.parts = 2;
  c.done = {0, 1};
  c.armed[static_cast<size_t>(Invariant::kI19)] = 6;
  return c;
}

// A finding of I05 at each of the places, with a program of so many operations.
void AddFindings(const std::vector<std::pair<std::string, size_t>>& findings, Certificate* c) {
  for (const auto& [text, operations] : findings) {
    explore::Finding finding{.identity = *program::IdentityFromText(text), .runs = 2, .first = 2};
    finding.witness.operations.resize(operations);
    c->Keep(finding);
  }
}

TEST(VerdictTable, RowsAreInvariantsAndColumnsDesigns) {
  Certificate broken = VerdictOf("v1");
  AddFindings({{"I05@luo_preserve", 2}}, &broken);
  const std::string text = RenderVerdict({broken, VerdictOf("reference")});
  EXPECT_THAT(text, StartsWith("invariant                       v1                reference\n"
                               "I01 immutability-coverage       never armed       never armed\n"));
  EXPECT_THAT(text, HasSubstr("I05 rollback-atomicity          VIOLATED (2 ops)  never armed\n"));
  EXPECT_THAT(text, HasSubstr("I19 lock-discipline             held (6)          held (6)\n"));
  EXPECT_THAT(text, HasSubstr("\nv1: 3 programs, 33 executions, exhausted: all interleavings\n"
                              "  VIOLATED   I05@luo_preserve in 2 runs (2 ops): \n"
                              "reference: 3 programs"));
}

TEST(VerdictTable, ACellHasTheShortestProgramOfItsFindings) {
  Certificate verdict = VerdictOf("v1");
  AddFindings({{"I05@luo_preserve", 3}, {"I05@map", 2}, {"I05@unmap", 4}}, &verdict);
  EXPECT_THAT(RenderVerdict({verdict}),
              HasSubstr("I05 rollback-atomicity          VIOLATED (2 ops, 3 findings)\n"));
}

TEST(VerdictTable, DoubtfulContractsAreATableOfTheirOwn) {
  const std::string text = RenderVerdict({VerdictOf("v1")});
  const size_t table = text.find("\ncontracts worth a question (none is a violation)\n");
  ASSERT_NE(table, std::string::npos);
  EXPECT_GT(table, text.find("I38 errno-contract"));
  EXPECT_THAT(text, HasSubstr("v1            preserve, nothing marked  accepted, hands over no "
                              "record; "));
}

TEST(VerdictTable, SaysWhatWasNotRun) {
  Certificate ended = VerdictOf("v1");
  ended.finished = false;
  ended.ended_by = "max_executions";
  EXPECT_THAT(RenderVerdict({ended}),
              HasSubstr("NOT exhausted (max_executions), ended within: all interleavings\n"));
  Certificate share = VerdictOf("v1");
  share.done = {1};
  share.not_judged = 4;
  EXPECT_THAT(RenderVerdict({share}), HasSubstr("its parts exhausted, 1 of 2, of: all "
                                                "interleavings\n  NOT JUDGED   4 executions"));
}

// The first preserve of v1 under a spinlock needs nothing of what follows it.
TEST(MinimiseFindings, LeavesTheSmallestProgramThatShowsTheFinding) {
  program::Executor executor;
  Certificate verdict = VerdictOf("v1");
  explore::Finding finding;
  finding.witness = *program::ParseProgram(ViolatingProgram(), "bug.prog");
  const program::Execution& execution =
      executor.Run(*liveupdate::FindDesign("v1"), finding.witness);
  finding.identity = IdentityOf(finding.witness, *execution.Find(Invariant::kI19));
  const size_t before = finding.witness.operations.size();
  verdict.Keep(finding);
  MinimiseFindings(&executor, &verdict);
  const program::Program& small = verdict.findings[0].witness;
  EXPECT_LE(small.operations.size(), before);
  EXPECT_TRUE(small.expected.empty()) << "they are about the program as it was written";
  EXPECT_NE(FindIdentity(small, executor.Run(*liveupdate::FindDesign("v1"), small),
                         verdict.findings[0].identity),
            nullptr);
  Certificate again = verdict;
  MinimiseFindings(&executor, &again);
  EXPECT_EQ(again.findings[0].witness, small);

  verdict.design = "v99";
  MinimiseFindings(&executor, &verdict);
  EXPECT_EQ(verdict.findings[0].witness, small) << "of another build";
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
  EXPECT_THAT(result.err, HasSubstr("verdict: 1 certificate, "));
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
  EXPECT_EQ(RunCli({"verdict", "--preemptions=-1"}).code, 64);
}

}  // namespace
}  // namespace iommufd_check::cli
