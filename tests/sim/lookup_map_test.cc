// What a LookupMap keeps and forgets.
#include "model/sim/lookup_map.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <random>

namespace iommufd_check::sim {
namespace {

TEST(LookupMap, KeepsOneValueForEachKey) {
  LookupMap<int> map;
  EXPECT_EQ(map.Find(7), nullptr);
  map[7] = 1;
  ++map[7];
  EXPECT_EQ(map.FindOr(8, 5), 5);
  map.FindOr(8, 9) = 6;
  ASSERT_NE(map.Find(7), nullptr);
  EXPECT_EQ(*map.Find(7), 2);
  EXPECT_EQ(map.FindOr(8, 5), 6) << "there is one";
}

TEST(LookupMap, KeepsManyKeysApart) {
  LookupMap<uint64_t> map;
  std::map<uint64_t, uint64_t> plain;
  std::mt19937_64 random(1);
  for (int i = 0; i < 20'000; ++i) {
    const uint64_t key = random() % 3000 << (random() % 3 * 16);
    map[key] += key + 1;
    plain[key] += key + 1;
  }
  ASSERT_GT(plain.size(), 5000u);
  for (const auto& [key, value] : plain) EXPECT_EQ(map[key], value);
  for (uint64_t key = 3000; key < 4000; ++key) EXPECT_EQ(map.Find(key), nullptr);
}

TEST(LookupMap, IsEmptyAfterClear) {
  LookupMap<int> map;
  EXPECT_EQ(map.Find(0), nullptr) << "no slot at all";
  map[0] = 1;
  map[2] = 2;
  map.Clear();
  EXPECT_EQ(map.Find(0), nullptr);
  EXPECT_EQ(map.Find(2), nullptr);
  EXPECT_EQ(map[2], 0) << "made anew";
}

TEST(LookupMap, CopiesAreOfTheirOwn) {
  LookupMap<int> map;
  map[1] = 1;
  LookupMap<int> copy;
  copy[2] = 2;
  copy = map;
  EXPECT_EQ(copy.Find(2), nullptr);
  ++copy[1];
  EXPECT_EQ(*map.Find(1), 1);
  EXPECT_EQ(*copy.Find(1), 2);
  copy = LookupMap<int>();
  EXPECT_EQ(copy.Find(1), nullptr);
}

}  // namespace
}  // namespace iommufd_check::sim
