// The automatic choice of an IOVA: the worked examples of io_pagetable.md section 13, and the
// corners of its rules.

#include "model/spec/oracle/oracle_iova.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "model/sim/errno.h"

namespace iommufd_check::spec::oracle {
namespace {

constexpr uint64_t kV = 0x7f0000000000;  // 2 MiB aligned
constexpr uint64_t kMax = mm::kMax;

struct Example {
  std::string name;
  std::vector<Range> occupied;
  uint64_t alignment;
  uint64_t source;
  uint64_t length;
  int result;
  mm::Iova iova;
};

const std::vector<Range> kFresh;
const std::vector<Range> kMock = {{0, 0xffffff}, {0x80000000, kMax}};

std::vector<Example> Examples() {
  return {
      {"fresh, one page", kFresh, 1, kV, 0x1000, 0, 0x1000},
      {"behind an area", {{0x1000, 0x1fff}}, 1, kV, 0x1000, 0, 0x2000},
      {"fresh, three pages", kFresh, 1, kV, 0x3000, 0, 0x4000},
      {"fresh, one byte", kFresh, 1, kV, 1, 0, 0x1000},
      {"fresh, page offset", kFresh, 1, kV + 0x10, 0x100, 0, 0x1010},
      {"page offset changes", {{0x1000, 0x101f}}, 1, kV + 0x10, 0x100, 0, 0x1030},
      {"capped at a huge page", kFresh, 1, kV, 0x400000, 0, 0x200000},
      {"file offset 0", kFresh, 1, 0, 0x3000, 0, 0x4000},
      {"file offset 0x1000", kFresh, 1, 0x1000, 0x3000, 0, 0x1000},
      {"mock", kMock, 0x800, kV, 0x800, 0, 0x1000000},
      {"mock, page offset", kMock, 0x800, kV + 0x800, 0x800, 0, 0x1000800},
      {"mock, offset below alignment", kMock, 0x800, kV + 0x400, 0x800, -sim::kEINVAL, 0},
      {"mock, whole aperture", kMock, 0x800, kV, 0x7f000000, 0, 0x1000000},
      {"mock, beyond the aperture", kMock, 0x800, kV, 0x7f001000, -sim::kENOSPC, 0},
      {"reserved but for the edges", {{6, 0xffffffffffff8006}}, 1, kV, 0x5000, -sim::kENOSPC, 0},
      // Section 3, rule by rule.
      {"length 0", kFresh, 1, kV, 0, -sim::kEOVERFLOW, 0},
      {"length MAX/2", kFresh, 1, kV, kMax / 2, -sim::kEOVERFLOW, 0},
      {"length MAX/2 - 1", kFresh, 1, kV, kMax / 2 - 1, 0, 0x200000},
      {"never in the first page", {{0x1000, kMax}}, 1, kV, 1, -sim::kENOSPC, 0},
      {"never in the last page", {{0, kMax - 0x1000}}, 1, kV, 1, -sim::kENOSPC, 0},
      {"a hole of one byte", {{0, 0x1fff}, {0x2001, kMax}}, 1, kV, 1, -sim::kENOSPC, 0},
      {"a hole of two bytes", {{0, 0x1fff}, {0x2002, kMax}}, 1, kV, 1, 0, 0x2000},
      {"first hole too small", {{0x1000, 0x1fff}, {0x3000, 0x3fff}}, 1, kV, 0x2000, 0, 0x4000},
      {"exact hole", {{0, 0x3fff}, {0x6000, kMax}}, 1, kV, 0x2000, 0, 0x4000},
      {"alignment of a page", {{0, (uint64_t{1} << 39) - 1}}, 0x1000, kV, 0x800, -sim::kEINVAL, 0},
  };
}

TEST(OracleIova, Examples) {
  for (const Example& e : Examples()) {
    const IovaChoice choice = ChooseIova(e.source, e.length, e.alignment, e.occupied);
    EXPECT_EQ(sim::ErrnoName(choice.result), sim::ErrnoName(e.result)) << e.name;
    EXPECT_EQ(choice.iova, e.iova) << e.name;
  }
}

TEST(OracleIova, HolesAreTheComplement) {
  using Ranges = std::vector<Range>;
  const Range window{0x1000, 0x4fff};
  EXPECT_EQ(Holes(window, {}), Ranges({window}));
  EXPECT_EQ(Holes(window, {{0, 0xfff}}), Ranges({window}));
  EXPECT_EQ(Holes(window, {{0x5000, 0x5fff}}), Ranges({window}));
  EXPECT_EQ(Holes(window, {{0, kMax}}), Ranges());
  EXPECT_EQ(Holes(window, {{0x2000, 0x2fff}}), Ranges({{0x1000, 0x1fff}, {0x3000, 0x4fff}}));
  EXPECT_EQ(Holes(window, {{0, 0x1fff}, {0x2000, 0x2fff}}), Ranges({{0x3000, 0x4fff}}));
  EXPECT_EQ(Holes(window, {{0x2000, kMax}}), Ranges({{0x1000, 0x1fff}}));
  // Ranges may overlap, as reserved ones do.
  EXPECT_EQ(Holes(window, {{0x1000, 0x3fff}, {0x2000, 0x2fff}}), Ranges({{0x4000, 0x4fff}}));
}

// Exhaustive for a small space: the choice is the lowest start that is free, page-shifted and
// aligned, unless it is in a hole too small by the rule of the last byte.
TEST(OracleIova, LowestFreeStart) {
  for (uint64_t first = 0x1000; first < 0x6000; first += 0x1000) {
    for (uint64_t last = first + 0xfff; last < 0x8000; last += 0x1000) {
      for (uint64_t length : {0x1000, 0x2000}) {
        uint64_t expected = length;  // the alignment is the length
        while (expected <= last && first <= expected + length - 1) expected += length;
        EXPECT_EQ(ChooseIova(kV, length, 1, {{first, last}}).iova, expected)
            << first << " " << last;
      }
    }
  }
}

}  // namespace
}  // namespace iommufd_check::spec::oracle
