// What calls change, in the kernel's words and with the numbers that reports use.
#include "model/program/execute/world_difference.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "model/liveupdate/designs/registry.h"
#include "model/program/execute/executor.h"
#include "model/program/text/text_codec.h"

namespace iommufd_check::program {
namespace {

using ::testing::Contains;
using ::testing::Each;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

// The World after the operations of main, without the exit.
liveupdate::World After(const std::string& operations, const std::string& design = "reference") {
  const auto program = ParseProgram("boot memfds=1 devices=1\nmain:\n" + operations, "a.prog");
  EXPECT_TRUE(program.ok()) << program.status();
  Executor executor;
  EXPECT_EQ(executor.Keep(*liveupdate::FindDesign(design), *program).end, sim::RunEnd::kCompleted);
  return executor.world();
}

std::vector<std::string> Changed(const std::string& before, const std::string& call,
                                 const std::string& design = "reference") {
  return WorldDifference(After(before, design), After(before + call, design), 100);
}

const std::string kHwpt =
    "ioas = ioas_alloc()\ndev = device_bind()\nhwpt = hwpt_alloc(dev, ioas)\n";

TEST(WorldDifference, NothingForEqualWorlds) {
  EXPECT_THAT(WorldDifference(After(kHwpt), After(kHwpt), 5), IsEmpty());
}

TEST(WorldDifference, ObjectsHaveTheirIds) {
  const std::vector<std::string> bound =
      Changed("ioas = ioas_alloc()\ndev = device_bind()\n", "hwpt = hwpt_alloc(dev, ioas)\n");
  EXPECT_THAT(bound, Contains("hwpt3 is new"));
  EXPECT_THAT(bound, Contains("users of ioas1: 1 -> 2"));
  EXPECT_THAT(bound, Contains("domains of ioas1: 0 -> 1"));
  EXPECT_THAT(bound, Contains("frames of page table: 0 -> 1"));
  EXPECT_THAT(Changed(kHwpt, "destroy(hwpt)\n"), Contains("hwpt3 is gone"));
}

TEST(WorldDifference, AttachAndMark) {
  const std::vector<std::string> attached = Changed(kHwpt, "device_attach(dev, hwpt)\n");
  EXPECT_THAT(attached, Contains("device2 attached to: nothing -> hwpt3"));
  EXPECT_THAT(attached, Contains("endpoint0 translates with: nothing -> domain0"));
  EXPECT_THAT(Changed(kHwpt, "lu_mark(hwpt, token=7)\n"), Contains("hwpt3 marked: 0 -> 1"));
  EXPECT_THAT(Changed(kHwpt, "lu_mark(hwpt, token=7)\n"), Contains("token of hwpt3: 0 -> 7"));
}

TEST(WorldDifference, PreserveOfAnIommufd) {
  const std::vector<std::string> changed =
      Changed(kHwpt + "lu_mark(hwpt, token=7)\ns = luo_create_session(name=\"vm\")\n",
              "luo_preserve(s, iommufd, token=2)\n");
  EXPECT_THAT(changed, Contains("ioas1 immutable: 0 -> 1"));
  EXPECT_THAT(changed, Contains("files of session0: 0 -> 1"));
  EXPECT_THAT(changed, Contains(StartsWith("preserved_state of domain0: 0 -> 0x")));
  EXPECT_THAT(changed, Contains("frames of iommufd ser: 0 -> 1"));
  EXPECT_THAT(changed, Contains(StartsWith("registrations with kho: 0 -> ")));
  EXPECT_THAT(changed, Each(Not(StartsWith("kernel.")))) << "no names of the model's members";
}

TEST(WorldDifference, Memory) {
  const std::vector<std::string> mapped =
      Changed(kHwpt, "map_file(ioas, memfd=0, iova=0x1000, length=0x1000)\n");
  EXPECT_THAT(mapped, Contains("area0 is new"));
  EXPECT_THAT(mapped, Contains("pins of frames: 0 -> 1"));
  EXPECT_THAT(mapped, Contains("locked pages: 0 -> 1"));
  EXPECT_THAT(Changed("", "memfd_seal(0, seals=grow)\n"), Contains("seals of memfd0: 0 -> 0x4"));
  EXPECT_THAT(Changed("", "memfd_truncate(0, size=0x1000)\n"),
              Contains(StartsWith("size of memfd0: 0x4000 -> 0x1000")));
}

// What no word covers is told all the same: one bit in a record.
TEST(WorldDifference, IsNeverEmptyForDifferentWorlds) {
  liveupdate::World world = After(kHwpt);
  liveupdate::World changed = world;
  changed.kernel.iommufd.areas.Create({});
  liveupdate::World other = changed;
  other.machine.buffers[0].size += 1;
  EXPECT_THAT(WorldDifference(changed, other, 5), Contains(StartsWith("machine.buffers[0].size")));
  other.kernel.locks.Create(sim::LockClass::kIoasMutex, {});
  EXPECT_THAT(WorldDifference(changed, other, 5), Each(Not(StartsWith("kernel.locks."))))
      << "slots of locks say nothing";
}

TEST(WorldDifference, SaysHowManyMoreThereAre) {
  const liveupdate::World before = After("");
  const std::vector<std::string> lines = WorldDifference(before, After(kHwpt), 2);
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_THAT(lines[2], ::testing::MatchesRegex("\\.\\.\\. [0-9]+ more"));
  const std::vector<std::string> all = WorldDifference(before, After(kHwpt), 100);
  EXPECT_EQ(WorldDifference(before, After(kHwpt), all.size()), all);
  EXPECT_EQ(WorldDifference(before, After(kHwpt), all.size() - 1).back(), "... 1 more");
}

}  // namespace
}  // namespace iommufd_check::program
