// Schedules of two tasks on Linux's own code.
#include "model/explore/schedules/image_schedules.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "model/program/text/text_codec.h"
#include "tests/linux/linux_fixture.h"

namespace iommufd_check::explore {
namespace {

using program::ImageExecution;
using program::ImageExecutor;

constexpr char kMapAgainstUnmap[] =
    "boot memfds=0\n"
    "main:\n"
    "  ioas = ioas_alloc()\n"
    "  dev = device_bind()\n"
    "  hwpt = hwpt_alloc(dev, ioas)\n"
    "A:\n"
    "  map(ioas, iova=0x1000, length=0x2000)\n"
    "B:\n"
    "  unmap(ioas, iova=0x1000, length=0x2000)\n";

class ImageSchedulesTest : public linux_host::LinuxTest {
 protected:
  ImageCounts Explore(const std::string& text, const ImageBounds& bounds,
                      const ImageVisitor& visitor) {
    const absl::StatusOr<program::Program> program = program::ParseProgram(text, "test.prog");
    EXPECT_TRUE(program.ok()) << program.status();
    ImageExecutor executor(machine_);
    const absl::StatusOr<ImageCounts> counts = ExploreImage(&executor, *program, bounds, visitor);
    EXPECT_TRUE(counts.ok()) << counts.status();
    return counts.ok() ? *counts : ImageCounts{};
  }
};

TEST_F(ImageSchedulesTest, EachScheduleIsRunOnceAndAllAnswersAreSeen) {
  std::set<std::vector<std::pair<size_t, sim::TaskId>>> schedules;
  std::set<std::pair<int, int>> answers;
  const ImageCounts counts =
      Explore(kMapAgainstUnmap, {.preemptions = 1},
              [&](const std::vector<ImageChoice>& schedule, const ImageExecution& run) {
                std::vector<std::pair<size_t, sim::TaskId>> key;
                for (const ImageChoice& choice : schedule) {
                  key.emplace_back(choice.question, choice.task);
                }
                EXPECT_TRUE(schedules.insert(key).second);
                answers.emplace(run.results[3].result, run.results[4].result);
                for (const program::ImageFinding& finding : run.findings) {
                  ADD_FAILURE() << finding.text;
                }
                return true;
              });
  EXPECT_TRUE(counts.exhausted);
  EXPECT_EQ(counts.executions, schedules.size());
  EXPECT_GT(counts.executions, 20u);
  // Before the map, behind it, and in the middle of it.
  EXPECT_TRUE(answers.contains({0, 0}));
  EXPECT_TRUE(answers.contains({0, -sim::kENOENT}));
  EXPECT_TRUE(answers.contains({0, -sim::kEBUSY}));
}

TEST_F(ImageSchedulesTest, AnExplorationIsAFunctionOfTheProgram) {
  const auto digests = [&] {
    std::vector<uint64_t> seen;
    Explore(kMapAgainstUnmap, {.preemptions = 1},
            [&](const std::vector<ImageChoice>&, const ImageExecution& run) {
              seen.push_back(run.digest);
              return true;
            });
    return seen;
  };
  EXPECT_EQ(digests(), digests());
}

TEST_F(ImageSchedulesTest, MorePreemptionsAreMoreSchedules) {
  const auto all = [](const std::vector<ImageChoice>&, const ImageExecution&) { return true; };
  const uint64_t none = Explore(kMapAgainstUnmap, {.preemptions = 0}, all).executions;
  const uint64_t one = Explore(kMapAgainstUnmap, {.preemptions = 1}, all).executions;
  const uint64_t two = Explore(kMapAgainstUnmap, {.preemptions = 2}, all).executions;
  EXPECT_EQ(none, 2u);
  EXPECT_LT(none, one);
  EXPECT_LT(one, two);
}

TEST_F(ImageSchedulesTest, ABudgetEndsItUnexhausted) {
  const auto all = [](const std::vector<ImageChoice>&, const ImageExecution&) { return true; };
  const ImageCounts counts =
      Explore(kMapAgainstUnmap, {.preemptions = 1, .max_executions = 5}, all);
  EXPECT_EQ(counts.executions, 5u);
  EXPECT_FALSE(counts.exhausted);
}

}  // namespace
}  // namespace iommufd_check::explore
