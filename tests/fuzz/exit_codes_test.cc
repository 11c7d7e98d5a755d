#include "fuzz/cli/exit_codes.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <set>

namespace iommufd_check::cli {
namespace {

// Scripts and services depend on these numbers.
TEST(ExitCodes, Numbers) {
  EXPECT_EQ(static_cast<int>(ExitCode::kOk), 0);
  EXPECT_EQ(static_cast<int>(ExitCode::kViolation), 1);
  EXPECT_EQ(static_cast<int>(ExitCode::kBudget), 3);
  EXPECT_EQ(static_cast<int>(ExitCode::kDiverged), 5);
  EXPECT_EQ(static_cast<int>(ExitCode::kUsage), 64);
  EXPECT_EQ(static_cast<int>(ExitCode::kBadFile), 65);
  EXPECT_EQ(static_cast<int>(ExitCode::kInternal), 70);
}

TEST(ExitCodes, TheWorseOneWins) {
  constexpr std::array<ExitCode, 7> kByGravity{
      ExitCode::kOk,    ExitCode::kBudget,  ExitCode::kViolation, ExitCode::kDiverged,
      ExitCode::kUsage, ExitCode::kBadFile, ExitCode::kInternal};
  for (size_t i = 0; i < kByGravity.size(); ++i) {
    for (size_t j = 0; j < kByGravity.size(); ++j) {
      EXPECT_EQ(Worse(kByGravity[i], kByGravity[j]), kByGravity[std::max(i, j)]);
    }
  }
}

TEST(ExitCodes, EveryCodeHasOneRowWithAMeaning) {
  std::set<ExitCode> codes;
  for (const ExitCodeRow& row : kExitCodes) {
    EXPECT_FALSE(row.meaning.empty());
    EXPECT_TRUE(codes.insert(row.code).second);
  }
  EXPECT_EQ(codes.size(), 7u);
}

}  // namespace
}  // namespace iommufd_check::cli
