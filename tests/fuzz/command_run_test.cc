// `run`: expectations, exit codes and flags.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_replace.h"
#include "nlohmann/json.hpp"
#include "tests/fuzz/cli_fixture.h"

namespace iommufd_check::cli {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

std::string Replaced(const std::string& text, const char* from, const char* to) {
  EXPECT_THAT(text, HasSubstr(from));
  return absl::StrReplaceAll(text, {{from, to}});
}

TEST(Run, SaysWhichSwitchesChangedNothing) {
  const CliResult result =
      RunCli({"run", "-"},
             "A:\n  ioas_alloc()\nB:\n  ioas_alloc()\nswitch A.1 before begin -> B\n"
             "switch A.1 before kcalloc#2 -> B\n");
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(result.out, "-: ok\n  unmet: switch A.1 before kcalloc#2 -> B\n");
}

TEST(Run, ACleanProgram) {
  const TemporaryFolder folder;
  const std::string file = folder.Write("clean.prog", CleanProgram());
  const CliResult result = RunCli({"run", file});
  EXPECT_EQ(result.code, 0) << result.out;
  EXPECT_EQ(result.out, file + ": ok\n");
  EXPECT_EQ(result.err, "");
}

TEST(Run, AnExpectedViolationIsAViolation) {
  const TemporaryFolder folder;
  const std::string file = folder.Write("bug.prog", ViolatingProgram());
  const CliResult result = RunCli({"run", file});
  EXPECT_EQ(result.code, 1) << result.out;
  EXPECT_THAT(result.out, StartsWith(file + ": violates I19 at main.6 luo_preserve (as expected)\n"
                                            "VIOLATION I19 lock-discipline\n"));
  EXPECT_THAT(result.out, EndsWith("replay: iommufd-check run " + file + "\n"));
  EXPECT_EQ(RunCli({"run", file}).out, result.out);
}

TEST(Run, WhatTheFileDoesNotExpectDiverges) {
  const std::string silent =
      Replaced(ViolatingProgram(), "expect violation I19 luo_preserve\n", "");
  const CliResult result = RunCli({"run", "--quiet", "-"}, silent);
  EXPECT_EQ(result.code, 5);
  EXPECT_EQ(result.out,
            "-: violates I19 at main.6 luo_preserve UNEXPECTED\n"
            "  diverged: unexpected violation of I19 at main.6 luo_preserve\n");
}

TEST(Run, WithoutDesignAndExpectationsAViolationIsNoDivergence) {
  // Nothing violates the reference, so the program borrows v1 as its caller's choice.
  const std::string open =
      Replaced(Replaced(ViolatingProgram(), "expect violation I19 luo_preserve\nalso I26\n", ""),
               "design v1\n", "");
  EXPECT_EQ(RunCli({"run", "--quiet", "-"}, open).out, "-: ok\n");
  const CliResult result = RunCli({"run", "--quiet", "--design=v1", "-"}, open);
  EXPECT_EQ(result.code, 1);
  EXPECT_EQ(result.out, "-: violates I19 at main.6 luo_preserve\n");
}

TEST(Run, AMissingViolationDiverges) {
  const std::string fixed = Replaced(ViolatingProgram(), "design v1", "design reference");
  const CliResult result = RunCli({"run", "-"}, fixed);
  EXPECT_EQ(result.code, 5);
  EXPECT_EQ(result.out,
            "-: diverged\n"
            "  diverged: expected violation of I19 at luo_preserve did not occur\n"
            "  diverged: expected companion I26 did not occur\n");
}

TEST(Run, AViolationAtAnotherOperationDiverges) {
  const std::string elsewhere = Replaced(ViolatingProgram(), "I19 luo_preserve\n", "I19 lu_mark\n");
  const CliResult result = RunCli({"run", "--quiet", "-"}, elsewhere);
  EXPECT_EQ(result.code, 5);
  EXPECT_THAT(result.out, HasSubstr("expected violation of I19 at lu_mark did not occur\n"));
}

TEST(Run, AMissingCompanionDiverges) {
  const CliResult result = RunCli({"run", "--quiet", "-"}, ViolatingProgram() + "also I24\n");
  EXPECT_EQ(result.code, 5);
  EXPECT_THAT(result.out, HasSubstr("  diverged: expected companion I24 did not occur\n"));
}

// The text names no design, so only the command line makes its argument too wide.
TEST(Run, AnArgumentThatTheDesignCannotCarryIsAnError) {
  const std::string wide =
      "main:\n  ioas = ioas_alloc()\n  dev = device_bind()\n  hwpt = hwpt_alloc(dev, ioas)\n"
      "  lu_mark(hwpt, token=0x100000007)\n";
  EXPECT_EQ(RunCli({"run", "--quiet", "-"}, wide).code, 0);
  const CliResult result = RunCli({"run", "--design=v1", "-"}, wide);
  EXPECT_EQ(result.code, 65);
  EXPECT_THAT(result.err,
              HasSubstr("-: main.4: argument token of lu_mark is 0x100000007, and design "
                        "v1 carries 32 bits; write at most 0xffffffff"));
}

TEST(Run, AnotherErrnoDiverges) {
  const std::string wrong =
      Replaced(CleanProgram(), "ioas_alloc()  -> 0", "ioas_alloc()  -> EBUSY");
  const CliResult result = RunCli({"run", "-"}, wrong);
  EXPECT_EQ(result.code, 5);
  EXPECT_EQ(result.out,
            "-: diverged\n"
            "  diverged: main.1 ioas_alloc returned 0; expected EBUSY\n");
}

TEST(Run, ExpectationsOfAnotherDesignAreNotCompared) {
  const CliResult clean = RunCli({"run", "--design=reference", "-"}, ViolatingProgram());
  EXPECT_EQ(clean.code, 0);
  EXPECT_EQ(clean.out, "-: ok\n");
  const CliResult other = RunCli({"run", "--design=v1", "-"}, CleanProgram());
  EXPECT_EQ(other.code, 0);
}

TEST(Run, StopAtEndsTheRunAndComparesNothing) {
  const CliResult result =
      RunCli({"run", "--quiet", "--stop_at=lock-discipline", "-"}, ViolatingProgram());
  EXPECT_EQ(result.code, 1);
  EXPECT_THAT(result.out, Not(HasSubstr("diverged")));
  // Not violated, so the run came to its end and is compared as ever.
  EXPECT_EQ(RunCli({"run", "--stop_at=I24", "-"}, CleanProgram()).out, "-: ok\n");
}

TEST(Run, TheGravestOfSeveralFilesWins) {
  const TemporaryFolder folder;
  const std::string clean = folder.Write("clean.prog", CleanProgram());
  const std::string bug = folder.Write("bug.prog", ViolatingProgram());
  const std::string diverged = folder.Write("diverged.prog", ViolatingProgram() + "also I24\n");
  const std::string bad = folder.Write("bad.prog", "main:\n  nonsense()\n");
  EXPECT_EQ(RunCli({"run", clean, bug}).code, 1);
  EXPECT_EQ(RunCli({"run", bug, clean}).code, 1);
  EXPECT_EQ(RunCli({"run", bug, diverged, clean}).code, 5);
  const CliResult all = RunCli({"run", "--quiet", bad, bug, diverged, clean});
  EXPECT_EQ(all.code, 65);
  EXPECT_THAT(all.out, HasSubstr(clean + ": ok\n"));  // a bad file does not end the others
  EXPECT_THAT(all.err, StartsWith(bad + ":2:3: "));
}

TEST(Run, NamesThatDoNotExist) {
  EXPECT_EQ(RunCli({"run", "--design=v9", "-"}, CleanProgram()).code, 64);
  EXPECT_THAT(RunCli({"run", "--design=v9", "-"}).err, HasSubstr("unknown design 'v9'"));
  EXPECT_EQ(RunCli({"run", "--stop_at=I99", "-"}, CleanProgram()).code, 64);
  EXPECT_EQ(RunCli({"run", "--repeat=0", "-"}, CleanProgram()).code, 64);
  const CliResult design = RunCli({"run", "-"}, "design v9\nmain:\n  ioas = ioas_alloc()\n");
  EXPECT_EQ(design.code, 65);
  EXPECT_THAT(design.err, StartsWith("-: unknown design 'v9'"));
  const CliResult expected = RunCli({"run", "-"}, CleanProgram() + "expect violation I99\n");
  EXPECT_EQ(expected.code, 65);
  EXPECT_THAT(expected.err, StartsWith("-: unknown invariant 'I99'"));
}

TEST(Run, DigestsAreEqualInEveryRun) {
  const CliResult once = RunCli({"run", "--digest", "--quiet", "-"}, ViolatingProgram());
  const CliResult often =
      RunCli({"run", "--digest", "--quiet", "--repeat=5", "-"}, ViolatingProgram());
  EXPECT_EQ(once.out, often.out);
  EXPECT_THAT(once.out, StartsWith("digest 0x"));
  EXPECT_EQ(once.out.find("  -\n"), std::string("digest 0x0123456789abcdef").size());
}

TEST(Run, EventsPrintsEach) {
  const CliResult result = RunCli({"run", "--events", "-"}, CleanProgram());
  EXPECT_EQ(result.code, 0);
  EXPECT_THAT(
      result.out,
      StartsWith("-: ok\nevents\n     1  main        1  begin main.1 ioas = ioas_alloc()\n"));
  EXPECT_THAT(result.out, HasSubstr("process exit -> 0\n"));
}

TEST(Run, EveryByteStringRuns) {
  std::string bytes = "\2";  // of the version
  for (int i = 0; i < 400; ++i) bytes += static_cast<char>(i * 37 + 11);
  const CliResult result = RunCli({"run", "--quiet", "--bytes", "-"}, bytes);
  EXPECT_TRUE(result.code == 0 || result.code == 1) << result.err;
}

TEST(Run, ProgramThatDoesNothingIsRefused) {
  EXPECT_EQ(RunCli({"run", "--bytes", "-"}, "").code, 65);
  const CliResult text = RunCli({"run", "-"}, "boot memfds=1 devices=1\n");
  EXPECT_EQ(text.code, 65);
  EXPECT_THAT(text.err, StartsWith("-: a program without operations would run nothing"));
}

TEST(Run, WhatIsToleratedIsNamedAndDoesNotCount) {
  const CliResult all = RunCli({"run", "--quiet", "--tolerate=I19,I26", "-"}, ViolatingProgram());
  EXPECT_EQ(all.code, 0) << all.out;
  EXPECT_THAT(all.out, HasSubstr("-: ok\n"));
  EXPECT_THAT(all.out,
              HasSubstr("  tolerated: I19@luo_preserve:ioas:save_hwpts:sleep-in-atomic\n"));
  const CliResult one = RunCli({"run", "--only=I19@luo_preserve:ioas:save_hwpts:lock-cycle", "-"},
                               ViolatingProgram());
  EXPECT_EQ(one.code, 1) << one.out;
  EXPECT_THAT(one.out, HasSubstr("finding  I19@luo_preserve:ioas:save_hwpts:lock-cycle\n"));
  EXPECT_THAT(one.out, HasSubstr("replay: iommufd-check run "
                                 "--only=I19@luo_preserve:ioas:save_hwpts:lock-cycle -\n"));
}

// As lockdep prints it: where the order was taken this way, and where the other way.
TEST(Run, ALockCyclePrintsBothChains) {
  const CliResult result = RunCli(
      {"run", "--only=I19@luo_preserve:ioas:save_hwpts:lock-cycle", "-"}, ViolatingProgram());
  EXPECT_THAT(result.out,
              HasSubstr("chain    ioas->mutex inside xa_lock at main.6 luo_preserve in save_hwpts\n"
                        "           xa_lock inside ioas->mutex at main.3 hwpt_alloc in "));
}

TEST(Run, SaysWhatMayBeTheCause) {
  const CliResult result = RunCli({"run", "--only=I36",
                                   std::string(IOMMUFD_CHECK_SOURCE_ROOT) +
                                       "/corpus/bugs/B34-destroy-of-a-preserved-hwpt.prog"});
  EXPECT_EQ(result.code, 1) << result.err;
  EXPECT_THAT(result.out, HasSubstr("finding  I36@exit\n"));
  EXPECT_THAT(result.out, HasSubstr("after    I12@destroy:hwpt"));
  const CliResult alone = RunCli({"run", "--only=I19",
                                  std::string(IOMMUFD_CHECK_SOURCE_ROOT) +
                                      "/corpus/bugs/B34-destroy-of-a-preserved-hwpt.prog"});
  EXPECT_THAT(alone.out, HasSubstr("VIOLATION I19"));
  EXPECT_THAT(alone.out, Not(HasSubstr("\n  after "))) << "a lock in the wrong order has no cause";
}

// What bytes expect was written by nobody.
TEST(Run, ExpectationsOfBytesAreNotCompared) {
  const TemporaryFolder folder;
  const std::string wrong = folder.Write(
      "wrong.prog", Replaced(CleanProgram(), "ioas_alloc()  -> 0", "ioas_alloc()  -> EBUSY"));
  ASSERT_EQ(RunCli({"run", "--quiet", wrong}).code, 5);
  const std::string bytes = folder / "wrong.bin";
  ASSERT_EQ(RunCli({"convert", wrong, bytes}).code, 0);
  const CliResult result = RunCli({"run", "--quiet", bytes});
  EXPECT_EQ(result.code, 0) << result.out << result.err;
}

// The text shows what is in the value, and the value has nothing that the text decides.
TEST(Run, JsonIsTheReportAsAValue) {
  const TemporaryFolder folder;
  const std::string bug = folder.Write("bug.prog", ViolatingProgram());
  const std::string clean = folder.Write("clean.prog", CleanProgram());
  const CliResult text = RunCli({"run", bug});
  const CliResult json = RunCli({"run", "--json", bug, clean, folder / "none.prog"});
  EXPECT_EQ(json.code, 65) << "a file that is not there outranks";
  const auto all = nlohmann::json::parse(json.out, nullptr, false);
  ASSERT_EQ(all.size(), 2u) << json.out;
  EXPECT_EQ(all[0]["file"], bug);
  EXPECT_EQ(all[0]["violated"], true);
  EXPECT_EQ(all[0]["expected"], true);
  const auto& report = all[0]["report"];
  EXPECT_EQ(report["invariant"], "I19");
  EXPECT_EQ(report["design"], "v1");
  EXPECT_EQ(report["replay"], "iommufd-check run " + bug);
  EXPECT_TRUE(report["also"].contains("I26"));
  for (const std::string member : {"name", "finding", "place", "detail", "replay"}) {
    EXPECT_THAT(text.out, HasSubstr(report[member].get<std::string>())) << member;
  }
  int seen = 0;
  for (const auto& row : report["run"]["rows"]) seen += row["seen"].get<bool>() ? 1 : 0;
  EXPECT_EQ(seen, 1);
  EXPECT_EQ(all[1]["violated"], false);
  EXPECT_FALSE(all[1].contains("report"));
  EXPECT_EQ(RunCli({"run", "--json", "--events", bug}).code, 64);
}

}  // namespace
}  // namespace iommufd_check::cli
