// `convert`, `list` and `minimise`.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/fuzz/cli_fixture.h"

namespace iommufd_check::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

TEST(Convert, ThereAndBackLosesNothing) {
  const TemporaryFolder folder;
  const std::string text = folder.Write("a.prog", ViolatingProgram());
  ASSERT_EQ(RunCli({"convert", text, folder / "a.bin"}).code, 0);
  ASSERT_EQ(RunCli({"convert", folder / "a.bin", folder / "b.prog"}).code, 0);
  ASSERT_EQ(RunCli({"convert", folder / "b.prog", folder / "b.bin"}).code, 0);
  EXPECT_EQ(folder.Read("a.bin"), folder.Read("b.bin"));
  EXPECT_THAT(folder.Read("b.prog"),
              StartsWith("# Sleeping locks under a spinlock.\nformat 2\ndesign v1\n"));
}

TEST(Convert, ToStandardOutput) {
  const CliResult text = RunCli({"convert", "--to=text", "-", "-"}, std::string("\2\0\0\0", 4));
  EXPECT_EQ(text.code, 0) << text.err;
  EXPECT_THAT(text.out, StartsWith("format 2\nboot "));
  const CliResult bytes = RunCli({"convert", "--to=bytes", "-", "-"}, CleanProgram());
  EXPECT_EQ(bytes.code, 0);
  EXPECT_EQ(RunCli({"convert", "--to=bytes", "-", "-"},
                   RunCli({"convert", "--to=text", "-", "-"}, bytes.out).out)
                .out,
            bytes.out);
}

TEST(Convert, NamesMustTellTheForms) {
  EXPECT_EQ(RunCli({"convert", "-", "-"}).code, 64);
  EXPECT_EQ(RunCli({"convert", "a.prog", "b.prog"}).code, 65) << "there is no such file";
  EXPECT_EQ(RunCli({"convert", "a", "b"}).code, 64);
  EXPECT_EQ(RunCli({"convert", "--to=html", "a.prog", "b"}).code, 64);
}

// Where the schedule of format 1 led, the converted file leads, and nothing else in it changes.
TEST(Convert, AnOldTextIsRunToNameItsSwitches) {
  const TemporaryFolder folder;
  const std::string program =
      "# Old.\ndesign v1\nboot memfds=1 devices=1\n\nmain:\n  io = ioas_alloc()   # kept\nA:\n"
      "  destroy(io)\nB:\n  map(io, iova=auto, length=0x1000)\n\n";
  const std::string old = program + "switch A@1 -> B  # here\nswitch B@9999 -> A\n# end\n";
  const std::string file = folder.Write("old.prog", old);
  EXPECT_EQ(RunCli({"run", file}).code, 65);
  EXPECT_THAT(RunCli({"run", file}).err,
              HasSubstr(":12:8: a switch by steps, of format 1; turn the file into format 2 with "
                        "iommufd-check convert OLD NEW"));
  const CliResult converted = RunCli({"convert", file, folder / "new.prog"});
  ASSERT_EQ(converted.code, 0) << converted.err;
  const std::string text = folder.Read("new.prog");
  EXPECT_THAT(text, StartsWith(program + "switch A.1 before "));
  EXPECT_THAT(text, ::testing::EndsWith("#1 -> B\n# end\n")) << "what had no effect is gone";
  EXPECT_NE(RunCli({"run", folder / "new.prog"}).code, 65);
  EXPECT_THAT(RunCli({"run", folder / "new.prog"}).out, Not(HasSubstr("unmet")));
  const CliResult again = RunCli({"convert", folder / "new.prog", folder / "c.prog"});
  EXPECT_EQ(again.code, 65);
  EXPECT_THAT(again.err, HasSubstr("is text of the present format already"));
  EXPECT_EQ(
      RunCli({"convert", folder.Write("x.prog", "switch A@1 -> B\nnonsense\n"), folder / "y.prog"})
          .code,
      65);
}

TEST(Convert, BytesOfAnotherVersionAreRefused) {
  const TemporaryFolder folder;
  const std::string old = folder.Write("old.bin", "\xf1\x04");
  for (const CliResult& result :
       {RunCli({"run", old}), RunCli({"convert", old, folder / "a.prog"})}) {
    EXPECT_EQ(result.code, 65);
    EXPECT_THAT(result.err, HasSubstr("old.bin: bytes that begin with 241, not with version 2"));
  }
}

TEST(Convert, FilesThatCannotBeUsed) {
  const TemporaryFolder folder;
  const std::string bad = folder.Write("bad.prog", "nonsense\n");
  EXPECT_EQ(RunCli({"convert", bad, folder / "a.bin"}).code, 65);
  EXPECT_THAT(RunCli({"convert", bad, folder / "a.bin"}).err, StartsWith(bad + ":1:1: "));
  const std::string good = folder.Write("good.prog", CleanProgram());
  EXPECT_EQ(RunCli({"convert", good, folder / "none/a.bin"}).code, 65);
}

TEST(List, Topics) {
  EXPECT_THAT(RunCli({"list", "designs"}).out, HasSubstr("reference "));
  EXPECT_THAT(
      RunCli({"list", "invariants"}).out,
      HasSubstr("I04 in-flight-exclusion (each table change and each page check)\n    No "));
  EXPECT_THAT(RunCli({"list", "ops"}).out, HasSubstr("\nhwpt_alloc(device, ioas) creates hwpt\n"));
  EXPECT_THAT(RunCli({"list", "faults"}).out, HasSubstr("copy_to_user           EFAULT\n"));
  const std::string steps = RunCli({"list", "steps"}).out;
  EXPECT_THAT(steps, HasSubstr("preserve_domain        v1 v1-7.2 reference\n"));
  EXPECT_THAT(steps, HasSubstr("check_mark             v1 v1-7.2; reference\n"));
  EXPECT_THAT(steps, HasSubstr("thaw                   reference\n"));
  for (const char* topic : {"designs", "steps", "invariants", "ops", "faults"}) {
    EXPECT_EQ(RunCli({"list", topic}).code, 0);
  }
  const CliResult unknown = RunCli({"list", "fault"});
  EXPECT_EQ(unknown.code, 64);
  EXPECT_THAT(unknown.err, HasSubstr("did you mean 'faults'?"));
}

TEST(List, Bugs) {
  const TemporaryFolder folder;
  folder.Write("bugs/b.prog", ViolatingProgram() + "also I20 I24\n");
  folder.Write("bugs/a.prog", "# First.\n# Reported: somewhere.\n" + CleanProgram().substr(25));
  const CliResult result = RunCli({"list", "bugs", "--corpus=" + folder.path()});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(result.out,
            "First.\n"
            "    Reported: somewhere.\n"
            "    a expects nothing of design reference\n"
            "Sleeping locks under a spinlock.\n"
            "    b expects I19, also I26 I20 I24 of design v1\n");
  EXPECT_EQ(RunCli({"list", "bugs", "--corpus=" + (folder / "none")}).code, 65);
  folder.Write("bugs/c.prog", "nonsense\n");
  EXPECT_EQ(RunCli({"list", "bugs", "--corpus=" + folder.path()}).code, 65);
}

TEST(Minimise, KeepsTheFindingAndWritesAReplay) {
  const TemporaryFolder folder;
  const std::string extra = ViolatingProgram().insert(ViolatingProgram().find("  lu_mark"),
                                                      "  map(ioas, iova=0x1000, length=0x1000)\n");
  const std::string file = folder.Write("a.prog", extra);
  const CliResult result = RunCli({"minimise", file, folder / "small.prog"});
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(result.out, "");
  const std::string small = folder.Read("small.prog");
  EXPECT_THAT(small, HasSubstr("expect violation I19 luo_preserve\n"));
  EXPECT_EQ(small.find("  map("), std::string::npos) << small;
  const CliResult replay = RunCli({"run", "--quiet", folder / "small.prog"});
  EXPECT_EQ(replay.code, 1) << replay.out;
  EXPECT_THAT(replay.out, HasSubstr("(as expected)"));
}

TEST(Minimise, EndsThatAreNoSuccess) {
  EXPECT_EQ(RunCli({"minimise", "-", "-"}, CleanProgram()).code, 5);
  EXPECT_EQ(RunCli({"minimise", "--max_executions=1", "-", "-"}, ViolatingProgram()).code, 3);
  EXPECT_EQ(RunCli({"minimise", "--design=v9", "-", "-"}, ViolatingProgram()).code, 64);
}

}  // namespace
}  // namespace iommufd_check::cli
