// Automatic and fixed IOVAs: the rows of io_pagetable.md section 13 that need no allowed list.

#include "model/iommufd/iova_space.h"

#include <gtest/gtest.h>

#include <vector>

#include "model/sim/errno.h"

namespace iommufd_check::iommufd {
namespace {

using mm::Iova;
using mm::kMax;

constexpr uint64_t kV = 0x7f0000000000;  // 2 MiB aligned
using Ranges = std::vector<IovaRange>;

struct Row {
  const char* state;
  uint64_t source, length, alignment;
  Ranges taken;
  int result;
  Iova iova;
};

TEST(ChooseIova, WorkedExamples) {
  const Ranges mock{{0, 0xffffff}, {0x80000000, kMax}};
  const Row rows[] = {
      {"fresh", kV, 0x1000, 1, {}, 0, 0x1000},
      {"area", kV, 0x1000, 1, {{0x1000, 0x1fff}}, 0, 0x2000},
      {"fresh", kV, 0x3000, 1, {}, 0, 0x4000},
      {"fresh", kV, 1, 1, {}, 0, 0x1000},
      {"fresh", kV + 0x10, 0x100, 1, {}, 0, 0x1010},
      {"area", kV + 0x10, 0x100, 1, {{0x1000, 0x101f}}, 0, 0x1030},
      {"fresh", kV, 0x400000, 1, {}, 0, 0x200000},
      {"file offset 0", 0, 0x3000, 1, {}, 0, 0x4000},
      {"file offset 0x1000", 0x1000, 0x3000, 1, {}, 0, 0x1000},
      {"mock", kV, 0x800, 2048, mock, 0, 0x1000000},
      {"mock", kV + 0x800, 0x800, 2048, mock, 0, 0x1000800},
      {"mock", kV + 0x400, 0x800, 2048, mock, -sim::kEINVAL, 0},
      {"mock", kV, 0x7f000000, 2048, mock, 0, 0x1000000},
      {"mock", kV, 0x7f001000, 2048, mock, -sim::kENOSPC, 0},
      {"reserved", kV, 0x5000, 1, {{6, 0xffffffffffff8006}}, -sim::kENOSPC, 0},
  };
  for (const Row& row : rows) {
    Iova iova = 0;
    EXPECT_EQ(ChooseIova({row.source, row.length, row.alignment}, row.taken, &iova), row.result)
        << row.state << " length " << row.length;
    EXPECT_EQ(iova, row.iova) << row.state << " length " << row.length;
  }
}

TEST(ChooseIova, Lengths) {
  Iova iova = 0;
  EXPECT_EQ(ChooseIova({kV, 0, 1}, {}, &iova), -sim::kEOVERFLOW);
  EXPECT_EQ(ChooseIova({kV, kMax / 2, 1}, {}, &iova), -sim::kEOVERFLOW);
  EXPECT_EQ(ChooseIova({kV, kMax, 1}, {}, &iova), -sim::kEOVERFLOW);
  EXPECT_EQ(ChooseIova({kV, kMax / 2 - 1, 1}, {}, &iova), 0);
  EXPECT_EQ(iova, 0x200000u);
}

TEST(ChooseIova, NeverTheFirstNorTheLastPage) {
  Iova iova = 0;
  EXPECT_EQ(ChooseIova({kV, 0x1000, 1}, {{0x1000, kMax}}, &iova), -sim::kENOSPC);
  EXPECT_EQ(ChooseIova({kV, 0x1000, 1}, {{0, kMax - 0x1000}}, &iova), -sim::kENOSPC);
  // The last page that can be had ends at MAX - P.
  EXPECT_EQ(ChooseIova({1, 0x800, 1}, {{0, kMax - 0x1800}}, &iova), -sim::kENOSPC);
}

TEST(ChooseIova, RangesMayOverlapAndComeInAnyOrder) {
  Iova iova = 0;
  const Ranges taken{{0x6000, 0x6fff}, {0x1000, 0x3fff}, {0x2000, 0x4fff}, {0, 0x1fff}};
  EXPECT_EQ(ChooseIova({kV, 0x1000, 1}, taken, &iova), 0);
  EXPECT_EQ(iova, 0x5000u);
  EXPECT_EQ(ChooseIova({kV, 0x2000, 1}, taken, &iova), 0);
  EXPECT_EQ(iova, 0x8000u) << "0x7000 is free, but not aligned to the length";
  EXPECT_EQ(ChooseIova({kV, 1, 1}, {{0x1000, 0x1000}}, &iova), 0) << "a range of one byte";
  EXPECT_EQ(iova, 0x1001u);
}

TEST(ChooseIova, AHoleOfOneByteIsRefused) {
  // "A candidate window whose aligned start equals its last byte is refused even for length 1."
  Iova iova = 0;
  EXPECT_EQ(ChooseIova({kV, 1, 1}, {{0, 0x1fff}, {0x2001, kMax}}, &iova), -sim::kENOSPC);
  EXPECT_EQ(ChooseIova({kV, 1, 1}, {{0, 0x1fff}, {0x2002, kMax}}, &iova), 0);
  EXPECT_EQ(iova, 0x2000u);
}

TEST(CheckIova, Order) {
  const Ranges reserved{{0, 0xfff}};
  const Ranges areas{{0x3000, 0x3fff}, {0x5000, 0x5000}};
  EXPECT_EQ(CheckIova(0x1001, 0x1000, 0x1000, reserved, areas), -sim::kEINVAL);
  EXPECT_EQ(CheckIova(kMax - 0xffe, 0x1000, 1, reserved, areas), -sim::kEOVERFLOW);
  EXPECT_EQ(CheckIova(kMax - 0xfff, 0x1000, 1, reserved, areas), 0);
  EXPECT_EQ(CheckIova(0xfff, 1, 1, reserved, areas), -sim::kEINVAL);
  EXPECT_EQ(CheckIova(0xfff, 0x10000, 1, reserved, areas), -sim::kEINVAL) << "before EEXIST";
  EXPECT_EQ(CheckIova(0x1000, 0x2000, 1, reserved, areas), 0);
  EXPECT_EQ(CheckIova(0x1000, 0x2001, 1, reserved, areas), -sim::kEEXIST);
  EXPECT_EQ(CheckIova(0x3800, 1, 1, reserved, areas), -sim::kEEXIST);
  EXPECT_EQ(CheckIova(0x4000, 0x1000, 1, reserved, areas), 0);
  EXPECT_EQ(CheckIova(0x5000, 1, 1, reserved, areas), -sim::kEEXIST);
}

}  // namespace
}  // namespace iommufd_check::iommufd
