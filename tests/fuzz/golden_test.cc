// Reports are compared with golden files byte by byte; golden_cases.h says how to renew them.

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "absl/strings/str_split.h"
#include "tests/fuzz/golden_cases.h"

namespace iommufd_check::cli {
namespace {

TEST(Golden, ReportsAreWhatTheyWere) {
  for (const GoldenCase& golden : GoldenCases()) {
    std::ifstream file(GoldenPath(golden), std::ios::binary);
    const std::string expected((std::istreambuf_iterator<char>(file)),
                               std::istreambuf_iterator<char>());
    EXPECT_EQ(golden.render(), expected) << golden.name;
  }
}

TEST(Golden, ReportsFitTheScreen) {
  for (const GoldenCase& golden : GoldenCases()) {
    for (const absl::string_view line : absl::StrSplit(golden.render(), '\n')) {
      EXPECT_LE(line.size(), 120u) << line;
      for (const char c : line) EXPECT_TRUE(c >= ' ' && c <= '~') << line;
    }
  }
}

}  // namespace
}  // namespace iommufd_check::cli
