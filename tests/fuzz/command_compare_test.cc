// run --subject and compare: what they refuse without an image, and what they say with one.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "tests/fuzz/cli_fixture.h"
#include "tests/support/subprocess.h"

namespace iommufd_check::cli {
namespace {

using ::testing::HasSubstr;

std::string Image() { return test_support::SourceRoot() + "/build/linux/linux-6.12/image.so"; }
std::string KnownFlag() {
  return "--known=" + test_support::SourceRoot() + "/corpus/linux/known-differences";
}

TEST(CommandCompare, AnUnknownImageSaysHowToBuildIt) {
  const TemporaryFolder folder;
  const std::string file = folder.Write("a.prog", "main:\n  ioas = ioas_alloc()\n");
  const CliResult run = RunCli({"run", "--subject=linux-9.99", file});
  EXPECT_EQ(run.code, 65);
  EXPECT_THAT(run.err, HasSubstr("fuzz/linux/build --package=linux-source-9.99"));
  const CliResult compare = RunCli({"compare", "--subjects=reference,linux-9.99", KnownFlag()});
  EXPECT_EQ(compare.code, 65);
  EXPECT_THAT(compare.err, HasSubstr("unknown subject 'linux-9.99'"));
}

TEST(CommandCompare, UsageIsChecked) {
  EXPECT_EQ(RunCli({"compare", "--subjects=v1,linux-6.12"}).code, 64);
  EXPECT_EQ(RunCli({"compare", "--subjects=reference"}).code, 64);
  EXPECT_EQ(RunCli({"compare", "--subjects=reference,x", "--programs=0"}).code, 64);
  EXPECT_EQ(RunCli({"compare", "--subjects=reference,x", "file"}).code, 64);
  EXPECT_EQ(RunCli({"run", "--subject=linux-6.12", "--design=v1", "a.prog"}).code, 64);
  EXPECT_EQ(RunCli({"run", "--subject=linux-6.12", "--json", "a.prog"}).code, 64);
}

TEST(CommandCompare, ATableThatCannotBeReadIsABadFile) {
  const TemporaryFolder folder;
  const std::string table = folder.Write("table", "map EINVAL\n");
  const CliResult result = RunCli({"compare", "--subjects=reference,x", "--known=" + table});
  EXPECT_EQ(result.code, 65);
  EXPECT_THAT(result.err, HasSubstr("table:1: "));
}

class OnImage : public ::testing::Test {
 protected:
  void SetUp() override {
    if (std::filesystem::exists(Image())) return;
    GTEST_SKIP() << "NOT TESTED: no image; run fuzz/linux/build --package=linux-source-6.12";
  }
};

TEST_F(OnImage, ProgramsRunAndRepeat) {
  const TemporaryFolder folder;
  const std::string file = folder.Write("a.prog",
                                        "main:\n"
                                        "  ioas = ioas_alloc()\n"
                                        "  map(ioas, iova=0x1000, length=0x1000)\n"
                                        "  memfd_seal(0, seals=seal)\n");
  const CliResult run = RunCli({"run", "--subject=" + Image(), "--digest", "--repeat=3", file});
  EXPECT_EQ(run.code, 0) << run.err;
  EXPECT_THAT(run.out, HasSubstr("ok, 2 operations, 1 unsupported"));
  EXPECT_THAT(run.out, HasSubstr("digest 0x"));
  EXPECT_THAT(run.out, HasSubstr("-> unsupported"));
}

TEST_F(OnImage, AProgramOfUnsupportedOperationsAloneIsNoPass) {
  const TemporaryFolder folder;
  const std::string file = folder.Write("a.prog", "main:\n  memfd_seal(0, seals=seal)\n");
  EXPECT_EQ(RunCli({"run", "--subject=" + Image(), file}).code, 65);
  const std::string fault =
      folder.Write("b.prog", "main:\n  ioas = ioas_alloc()\nfault main.1 object_alloc nth=1\n");
  const CliResult refused = RunCli({"run", "--subject=" + Image(), fault});
  EXPECT_EQ(refused.code, 65);
  EXPECT_THAT(refused.err, HasSubstr("name steps of the model"));
}

TEST_F(OnImage, RandomProgramsShowNoUnexplainedDifference) {
  const CliResult result = RunCli(
      {"compare", "--subjects=reference," + Image(), "--programs=500", "--seed=9", KnownFlag()});
  EXPECT_EQ(result.code, 0) << result.out << result.err;
  EXPECT_THAT(result.out, HasSubstr(" 500 programs of seed 9, "));
  EXPECT_THAT(result.out, HasSubstr(" 0 unexplained differences\n"));
}

TEST_F(OnImage, SchedulesAreExploredWithinTheBound) {
  const std::string file = test_support::SourceRoot() + "/corpus/linux/map-x-unmap.prog";
  const CliResult result = RunCli({"explore", "--subject=" + Image(), "--preemptions=1", file});
  EXPECT_EQ(result.code, 0) << result.out << result.err;
  EXPECT_THAT(result.out, HasSubstr("at most 1 preemptions, exhausted, 0 with findings"));
  EXPECT_EQ(RunCli({"explore", "--subject=" + Image(), "--max_executions=3", file}).code, 3);
}

// A defect of 6.12 as it is: a destroy between the put of dst_ioas and iopt_free_pages_list.
TEST_F(OnImage, ADestroyInsideAFailingCopyIsFoundInLinux) {
  const std::string file = test_support::SourceRoot() + "/corpus/linux/failing-copy-x-destroy.prog";
  const CliResult result = RunCli({"explore", "--subject=" + Image(), "--preemptions=1", file});
  EXPECT_EQ(result.code, 1) << result.out << result.err;
  EXPECT_THAT(result.out, HasSubstr("times B.1 destroy: WARN at drivers/iommu/iommufd/ioas.c:18"));
  EXPECT_THAT(result.out, HasSubstr("at iopt_abort_area+"));
}

// Without the table the same programs show differences, so the comparison can fail.
TEST_F(OnImage, WithoutTheTableTheKnownOnesAreShownSmall) {
  const TemporaryFolder folder;
  const std::string empty = folder.Write("table", "# nothing is explained\n");
  const CliResult result = RunCli({"compare", "--subjects=reference," + Image(), "--programs=100",
                                   "--seed=1", "--most=2", "--known=" + empty});
  EXPECT_EQ(result.code, 1) << result.err;
  EXPECT_THAT(result.out, HasSubstr("the model answers EOVERFLOW, the image EINVAL"));
  EXPECT_THAT(result.out, HasSubstr("main:\n"));
  EXPECT_THAT(result.out, HasSubstr(" 2 unexplained differences\n"));
}

}  // namespace
}  // namespace iommufd_check::cli
