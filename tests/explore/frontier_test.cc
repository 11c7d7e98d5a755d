#include "model/explore/states/frontier.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "model/explore/states/spill_file.h"

namespace iommufd_check::explore {
namespace {

std::unique_ptr<Block> BlockOf(unsigned char fill, std::size_t bytes) {
  auto block = std::make_unique<Block>();
  std::memset(block->bytes.get(), fill, bytes);
  block->used = bytes;
  return block;
}

// Takes every block out, as (first byte, size) in order.
std::vector<std::pair<int, std::size_t>> Drain(Frontier* frontier) {
  std::vector<std::pair<int, std::size_t>> found;
  for (;;) {
    const absl::StatusOr<std::unique_ptr<Block>> block = frontier->Pop();
    EXPECT_TRUE(block.ok()) << block.status();
    if (!block.ok() || *block == nullptr) break;
    const Block& at = **block;
    EXPECT_EQ(at.bytes[0], at.bytes[at.used - 1]);
    found.emplace_back(static_cast<int>(at.bytes[0]), at.used);
  }
  std::sort(found.begin(), found.end());
  return found;
}

TEST(Frontier, GivesBackWhatItGotFromMemoryAndFromDisk) {
  for (const std::uint64_t blocks_in_memory : {0, 1, 5, 100}) {
    FrontierBudget budget(blocks_in_memory * kBlockBytes, "");
    Frontier frontier(&budget);
    std::vector<std::pair<int, std::size_t>> expected;
    for (int i = 0; i < 20; ++i) {
      const std::size_t bytes = kBlockBytes - static_cast<std::size_t>(i) * 8;
      ASSERT_TRUE(frontier.Push(BlockOf(static_cast<unsigned char>(i), bytes)).ok());
      expected.emplace_back(i, bytes);
    }
    EXPECT_EQ(frontier.blocks(), 20u);
    EXPECT_EQ(frontier.spilled_bytes() > 0, blocks_in_memory < 20);
    EXPECT_EQ(Drain(&frontier), expected);
    EXPECT_TRUE(frontier.empty());
    EXPECT_EQ(budget.used_bytes(), 0u);
  }
}

TEST(Frontier, SharesOneBudgetAmongLevels) {
  FrontierBudget budget(2 * kBlockBytes, "");
  Frontier current(&budget);
  ASSERT_TRUE(current.Push(BlockOf(1, 8)).ok());
  ASSERT_TRUE(current.Push(BlockOf(2, 8)).ok());
  {
    Frontier next(&budget);
    ASSERT_TRUE(next.Push(BlockOf(3, 8)).ok());
    EXPECT_GT(next.spilled_bytes(), 0u);
  }
  EXPECT_EQ(budget.used_bytes(), 2 * kBlockBytes);
  current.Clear();
  EXPECT_EQ(budget.used_bytes(), 0u);
  EXPECT_EQ(budget.peak_bytes(), 2 * kBlockBytes);
}

TEST(Frontier, SaysWhichFolderFailedAndWhatToDo) {
  FrontierBudget budget(0, "/no-such-folder");
  Frontier frontier(&budget);
  const absl::Status status = frontier.Push(BlockOf(1, 8));
  ASSERT_FALSE(status.ok());
  const std::string message(status.message());
  EXPECT_NE(message.find("/no-such-folder"), std::string::npos) << message;
  EXPECT_NE(message.find("--spill_dir"), std::string::npos) << message;
}

TEST(SpillFile, ReadsBackByOffset) {
  absl::StatusOr<std::unique_ptr<SpillFile>> file = SpillFile::Create("");
  ASSERT_TRUE(file.ok()) << file.status();
  const std::vector<std::byte> first(1000, std::byte{1});
  const std::vector<std::byte> second(10, std::byte{2});
  EXPECT_EQ(*(*file)->Append(first), 0u);
  EXPECT_EQ(*(*file)->Append(second), 1000u);
  std::vector<std::byte> back(10);
  ASSERT_TRUE((*file)->Read(1000, back).ok());
  EXPECT_EQ(back, second);
  ASSERT_TRUE((*file)->Read(995, back).ok());
  EXPECT_EQ(back[4], std::byte{1});
  EXPECT_EQ(back[5], std::byte{2});
}

TEST(FrontierDeathTest, RefusesAnEmptyBlock) {
  FrontierBudget budget(kBlockBytes, "");
  Frontier frontier(&budget);
  EXPECT_DEATH((void)frontier.Push(std::make_unique<Block>()), "carries nothing");
}

}  // namespace
}  // namespace iommufd_check::explore
