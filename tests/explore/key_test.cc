#include "model/explore/states/key.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <set>
#include <vector>

namespace iommufd_check::explore {
namespace {

TEST(BitMixer, IsAPermutationOfEverySmallWidth) {
  for (int bits = 1; bits <= 12; ++bits) {
    const BitMixer mixer(bits);
    std::set<std::uint64_t> images;
    for (std::uint64_t value = 0; value < 1u << bits; ++value) {
      const std::uint64_t key = mixer.Mix(value);
      EXPECT_LT(key, 1u << bits);
      EXPECT_EQ(mixer.Unmix(key), value);
      images.insert(key);
    }
    EXPECT_EQ(images.size(), 1u << bits);
  }
}

TEST(BitMixer, InvertsAtEveryWidth) {
  for (int bits = 1; bits <= 64; ++bits) {
    const BitMixer mixer(bits);
    const std::uint64_t mask = bits == 64 ? ~0ull : (1ull << bits) - 1;
    for (std::uint64_t i = 0; i < 100; ++i) {
      const std::uint64_t value = i * 0x9e3779b97f4a7c15u & mask;
      EXPECT_EQ(mixer.Unmix(mixer.Mix(value)), value) << bits;
    }
    EXPECT_EQ(mixer.Unmix(mixer.Mix(mask)), mask) << bits;
  }
}

// The high bits choose the bucket, so consecutive values must not crowd there.
TEST(BitMixer, SpreadsConsecutiveValuesOverTheHighBits) {
  const BitMixer mixer(37);
  std::vector<int> load(256);
  for (std::uint64_t value = 0; value < 256 * 64; ++value) ++load[mixer.Mix(value) >> 29];
  for (const int count : load) {
    EXPECT_GT(count, 20);
    EXPECT_LT(count, 130);
  }
}

TEST(BitMixerDeathTest, RefusesWidthsThatHaveNoKeys) {
  EXPECT_DEATH(BitMixer(0), "at least one bit");
  EXPECT_DEATH(BitMixer(65), "at most 64 bits");
  EXPECT_DEATH(BitMixer(8).Unmix(256), "no bits above its width");
}

TEST(CollisionProbability, IsTheUnionBound) {
  EXPECT_EQ(CollisionProbability(0, 64), 0);
  EXPECT_EQ(CollisionProbability(1, 64), 0);
  EXPECT_EQ(CollisionProbability(2, 1), 0.5);
  EXPECT_EQ(CollisionProbability(1000, 8), 1);
  EXPECT_NEAR(CollisionProbability(8363979, 64), 1.896e-6, 1e-9);
  EXPECT_LT(CollisionProbability(8363979, 128), 1.1e-25);
}

}  // namespace
}  // namespace iommufd_check::explore
