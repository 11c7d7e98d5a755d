// What a LookupMap keeps and forgets.
#include "model/sim/lookup_map.h"

#include <gtest/gtest.h>

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

TEST(LookupMap, ForgetsWhatIsErased) {
  LookupMap<int> map;
  map[1] = 1;
  map[2] = 2;
  map.Erase(1);
  EXPECT_EQ(map.Find(1), nullptr);
  EXPECT_EQ(*map.Find(2), 2);
  map.Clear();
  EXPECT_EQ(map.Find(2), nullptr);
  EXPECT_EQ(map[2], 0) << "made anew";
}

}  // namespace
}  // namespace iommufd_check::sim
