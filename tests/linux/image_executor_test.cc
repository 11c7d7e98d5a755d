// Programs on Linux's own code, against the oracle, and against the model.
#include "model/program/linux/image_executor.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "model/program/linux/compare_subjects.h"
#include "model/program/linux/random_sequential.h"
#include "model/program/text/text_codec.h"
#include "tests/linux/linux_fixture.h"

namespace iommufd_check::program {
namespace {

class ImageExecutorTest : public linux_host::LinuxTest {
 protected:
  static Program Parse(const std::string& text) {
    const absl::StatusOr<Program> program = ParseProgram(text, "test.prog");
    EXPECT_TRUE(program.ok()) << program.status();
    return program.ok() ? *program : Program{};
  }
  ImageExecution RunText(const std::string& text) {
    ImageExecutor executor(machine_);
    const absl::StatusOr<const ImageExecution*> run = executor.Run(Parse(text));
    EXPECT_TRUE(run.ok()) << run.status();
    return run.ok() ? **run : ImageExecution{};
  }
  std::vector<KnownDifference> Known() {
    const std::string path = test_support::SourceRoot() + "/corpus/linux/known-differences";
    std::ifstream in(path);
    const std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
    const auto known = ParseKnownDifferences(text, path);
    EXPECT_TRUE(known.ok()) << known.status();
    return known.ok() ? *known : std::vector<KnownDifference>{};
  }
};

constexpr char kLife[] =
    "boot devices=2\n"
    "main:\n"
    "  ioas = ioas_alloc()\n"
    "  dev = device_bind(index=1)\n"
    "  hwpt = hwpt_alloc(dev, ioas)\n"
    "  device_attach(dev, hwpt)\n"
    "  map(ioas, iova=0x10000, length=0x2000)\n"
    "  map(ioas, iova=auto, length=0x1000, prot=r)\n"
    "  ioas2 = ioas_alloc()\n"
    "  ioas_copy(ioas2, ioas, src_iova=0x11000, iova=auto, length=0x1000)\n"
    "  unmap(ioas, iova=0x10000, length=0x2000)\n"
    "  destroy(hwpt)\n"
    "  close_iommufd()\n"
    "  ioas3 = ioas_alloc()\n";

TEST_F(ImageExecutorTest, TheOracleAgreesWithALife) {
  const ImageExecution run = RunText(kLife);
  for (const ImageFinding& finding : run.findings) ADD_FAILURE() << finding.text;
  EXPECT_EQ(run.unsupported, 0u);
  EXPECT_EQ(run.results[2].created_id, 3u);
  EXPECT_EQ(run.results[8].unmapped, 0x2000u);
  EXPECT_EQ(run.results[9].result, -sim::kEBUSY);
  EXPECT_EQ(run.results[11].result, -sim::kEBADF);
  EXPECT_EQ(run.digest, RunText(kLife).digest);
}

TEST_F(ImageExecutorTest, WhatImagesLackIsLeftOutAndCounted) {
  const ImageExecution run = RunText(
      "main:\n"
      "  ioas = ioas_alloc()\n"
      "  map_file(ioas, memfd=0, iova=0x1000, length=0x1000)\n"
      "  map(ioas, iova=0x1000, length=0x1000)\n");
  EXPECT_EQ(run.unsupported, 1u);
  EXPECT_FALSE(run.results[1].ran);
  EXPECT_EQ(run.results[2].result, 0);
  EXPECT_TRUE(run.findings.empty());
}

TEST_F(ImageExecutorTest, FaultsOfTheModelAreRefused) {
  ImageExecutor executor(machine_);
  const auto run =
      executor.Run(Parse("main:\n  ioas = ioas_alloc()\nfault main.1 object_alloc nth=1\n"));
  EXPECT_EQ(run.status().code(), absl::StatusCode::kUnimplemented);
}

TEST_F(ImageExecutorTest, TasksRunOneAfterTheOtherByDefault) {
  const ImageExecution run = RunText(
      "main:\n"
      "  ioas = ioas_alloc()\n"
      "A:\n"
      "  map(ioas, iova=0x1000, length=0x1000)\n"
      "B:\n"
      "  unmap(ioas, iova=0x1000, length=0x1000)\n"
      "finally:\n"
      "  ioas2 = ioas_alloc()\n");
  for (const ImageFinding& finding : run.findings) ADD_FAILURE() << finding.text;
  EXPECT_EQ(run.results[2].unmapped, 0x1000u);
  EXPECT_EQ(run.results[3].created_id, 2u);
}

// An IOAS has no HWPT of its own in the model: the one known place where the subjects part.
TEST_F(ImageExecutorTest, AnExplainedDifferenceNamesItsRow) {
  const std::vector<KnownDifference> known = Known();
  const Program program = Parse(
      "main:\n"
      "  ioas = ioas_alloc()\n"
      "  dev = device_bind()\n"
      "  device_attach(dev, 1)\n"
      "  map(ioas, iova=0x1000, length=0x1000)\n");
  SubjectComparison explained(machine_, known);
  const absl::StatusOr<Comparison> found = explained.Compare(program);
  ASSERT_TRUE(found.ok()) << found.status();
  ASSERT_TRUE(found->difference.has_value());
  EXPECT_EQ(found->difference->operation, 2u);
  ASSERT_TRUE(found->difference->known.has_value());
  EXPECT_EQ(known[*found->difference->known].operation, "device_attach");

  // Without the table it is a difference like others, and a smaller program shows it.
  SubjectComparison strict(machine_, {});
  const absl::StatusOr<Comparison> plain = strict.Compare(program);
  ASSERT_TRUE(plain.ok() && plain->difference.has_value());
  EXPECT_FALSE(plain->difference->known.has_value());
  EXPECT_EQ(strict.Smaller(program, *plain->difference).operations.size(), 3u);
}

TEST_F(ImageExecutorTest, RandomProgramsAnswerAsTheModelDoes) {
  const std::vector<KnownDifference> known = Known();
  SubjectComparison comparison(machine_, known);
  uint64_t operations = 0;
  for (uint64_t index = 0; index < 1000; ++index) {
    const Program program = RandomSequentialProgram(7, index);
    const absl::StatusOr<Comparison> found = comparison.Compare(program);
    ASSERT_TRUE(found.ok()) << found.status();
    operations += found->operations;
    if (!found->difference.has_value() || found->difference->known.has_value()) continue;
    ADD_FAILURE() << found->difference->text << "\n" << PrintProgram(program);
  }
  EXPECT_GT(operations, 10000u);
}

TEST(RandomSequential, ProgramsAreValidAndAFunctionOfSeedAndIndex) {
  size_t variables = 0;
  size_t operations = 0;
  for (uint64_t index = 0; index < 500; ++index) {
    const Program program = RandomSequentialProgram(3, index);
    ASSERT_EQ(FirstProblem(program), "");
    EXPECT_EQ(program, RandomSequentialProgram(3, index));
    EXPECT_FALSE(program == RandomSequentialProgram(4, index));
    for (const Operation& operation : program.operations) {
      EXPECT_TRUE(HasOperation(operation.code));
      ++operations;
      for (const Argument& argument : operation.arguments) {
        variables += argument.variable.has_value() ? 1 : 0;
      }
    }
  }
  EXPECT_GT(variables, operations / 2) << "most calls are about an object";
}

TEST(KnownDifferences, ATableIsReadOrItsLineNamed) {
  const auto read = [](std::string_view text) { return ParseKnownDifferences(text, "f"); };
  const auto good = read("# why\n\nmap EINVAL *: because\n");
  ASSERT_TRUE(good.ok()) << good.status();
  ASSERT_EQ(good->size(), 1u);
  EXPECT_EQ((*good)[0].image, "*");
  EXPECT_EQ((*good)[0].reason, "because");
  EXPECT_EQ(read("map EINVAL: because").status().message(),
            "f:1: is not 'operation model image: reason'");
  EXPECT_EQ(read("\nmap EINVAL 0\n").status().message(), "f:2: says no reason");
  EXPECT_EQ(read("mop EINVAL 0: x").status().message(), "f:1: 'mop' is no operation");
  EXPECT_EQ(read("map EWHAT 0: x").status().message(), "f:1: 'EWHAT' is no errno, 0 or *");
}

}  // namespace
}  // namespace iommufd_check::program
