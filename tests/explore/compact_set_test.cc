#include "model/explore/states/compact_set.h"

#include <gtest/gtest.h>
#include <xxhash.h>

#include <algorithm>
#include <cstdint>
#include <set>
#include <thread>
#include <vector>

#include "model/explore/states/key.h"

namespace iommufd_check::explore {
namespace {

constexpr std::uint64_t kAmple = std::uint64_t{1} << 32;

template <typename Key>
Key KeyNumber(std::uint64_t number, int bits);
template <>
std::uint64_t KeyNumber<std::uint64_t>(std::uint64_t number, int bits) {
  return BitMixer(bits).Mix(number);
}
template <>
uint128 KeyNumber<uint128>(std::uint64_t number, int) {
  const XXH128_hash_t hash = XXH3_128bits(&number, sizeof number);
  return (static_cast<uint128>(hash.high64) << 64) | hash.low64;
}

template <typename Key>
std::vector<Key> SortedKeys(const CompactSet<Key>& set) {
  std::vector<Key> keys;
  set.ForEach([&keys](Key key) { keys.push_back(key); });
  std::sort(keys.begin(), keys.end());
  return keys;
}

// Inserts numbers in two overlapping runs and compares every answer, and in the end the whole
// content, which the set has to rebuild from what its buckets imply.
template <typename Key>
void ExpectSetOf(int bits, std::uint64_t count) {
  CompactSet<Key> set(bits, kAmple);
  std::set<Key> expected;
  for (const std::uint64_t first : {std::uint64_t{0}, count / 2}) {
    typename CompactSet<Key>::Session session(&set);
    for (std::uint64_t i = first; i < first + count / 2 + count / 4; ++i) {
      const Key key = KeyNumber<Key>(i, bits);
      ASSERT_EQ(session.Insert(key), expected.insert(key).second) << bits << " " << i;
    }
  }
  EXPECT_EQ(set.size(), expected.size());
  EXPECT_EQ(SortedKeys(set), std::vector<Key>(expected.begin(), expected.end())) << bits;
}

TEST(CompactSet, HoldsWhatWasInsertedAtEveryWidth) {
  for (const int bits : {14, 17, 24, 31, 37, 40, 48, 53, 63, 64}) {
    ExpectSetOf<std::uint64_t>(bits, 10000);
  }
  ExpectSetOf<uint128>(128, 10000);
}

TEST(CompactSet, HoldsEveryKeyOfATinyWidth) {
  for (const int bits : {1, 3, 8, 12}) {
    CompactSet<std::uint64_t> set(bits, kAmple);
    for (int round = 0; round < 2; ++round) {
      CompactSet<std::uint64_t>::Session session(&set);
      for (std::uint64_t key = 0; key < 1u << bits; ++key) {
        ASSERT_EQ(session.Insert(key), round == 0) << bits << " " << key;
      }
    }
    EXPECT_EQ(set.size(), 1u << bits);
  }
}

TEST(CompactSet, GrowsAlongTheOneSequenceOfShapes) {
  CompactSet<std::uint64_t> set(40, kAmple);
  for (std::uint64_t i = 0; i < 100000; ++i) {
    CompactSet<std::uint64_t>::Session session(&set);
    ASSERT_TRUE(session.Insert(KeyNumber<std::uint64_t>(i, 40)));
  }
  EXPECT_EQ(set.shape().buckets, SetShape::ForKeys(40, 100000).buckets);
  EXPECT_FALSE(set.out_of_room());
}

// Keys that share the first bits all want the same buckets: the overflow and then the strays.
TEST(CompactSet, HoldsKeysThatCrowdIntoOneBucket) {
  CompactSet<std::uint64_t> set(64, kAmple);
  std::set<std::uint64_t> expected;
  for (int round = 0; round < 2; ++round) {
    CompactSet<std::uint64_t>::Session session(&set);
    for (std::uint64_t i = 0; i < 300; ++i) {
      EXPECT_EQ(session.Insert(i * 0x9e3779b9), round == 0) << i;
      expected.insert(i * 0x9e3779b9);
    }
  }
  EXPECT_GT(set.strays(), 0u);
  EXPECT_EQ(set.size(), expected.size());
  EXPECT_EQ(SortedKeys(set), std::vector<std::uint64_t>(expected.begin(), expected.end()));
}

TEST(CompactSet, HoldsKeysThatCrowdAtTheEnd) {
  CompactSet<std::uint64_t> set(64, kAmple);
  CompactSet<std::uint64_t>::Session session(&set);
  for (std::uint64_t i = 0; i < 2000; ++i) ASSERT_TRUE(session.Insert(~std::uint64_t{0} - i));
  for (std::uint64_t i = 0; i < 2000; ++i) ASSERT_FALSE(session.Insert(~std::uint64_t{0} - i));
}

TEST(CompactSet, KeepsStraysFewUpToItsLimit) {
  for (const int bits : {37, 64}) {
    CompactSet<std::uint64_t> set(bits, SetShape::WithBuckets(bits, 1 << 12).bytes());
    std::uint64_t next = 0;
    while (set.size() < set.capacity()) {
      CompactSet<std::uint64_t>::Session session(&set);
      session.Insert(KeyNumber<std::uint64_t>(next++, bits));
    }
    EXPECT_LT(set.strays(), set.size() / 500) << bits;
  }
}

TEST(CompactSet, SaysWhenItMayNotGrowAndStillWorks) {
  CompactSet<std::uint64_t> set(64, 64 << 10);
  const std::uint64_t count = 2 * set.capacity();
  for (int round = 0; round < 2; ++round) {
    CompactSet<std::uint64_t>::Session session(&set);
    for (std::uint64_t i = 0; i < count; ++i) {
      ASSERT_EQ(session.Insert(KeyNumber<std::uint64_t>(i, 64)), round == 0);
    }
  }
  EXPECT_TRUE(set.out_of_room());
  EXPECT_LE(set.shape().bytes(), 64u << 10);
  EXPECT_EQ(set.size(), count);
}

// Four threads insert overlapping ranges: each key must be new for exactly one of them.
TEST(CompactSet, OneThreadOnlyFindsAKeyNew) {
  constexpr int kThreads = 4;
  constexpr std::uint64_t kKeys = 60000;
  CompactSet<std::uint64_t> set(37, kAmple, kThreads);
  std::vector<std::uint64_t> found(kThreads);
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      for (std::uint64_t i = 0; i < kKeys;) {
        CompactSet<std::uint64_t>::Session session(&set);
        for (const std::uint64_t end = std::min(kKeys, i + 1000); i < end; ++i) {
          // Everyone walks the same keys in a stride of its own.
          const std::uint64_t number = i * (2 * static_cast<std::uint64_t>(thread) + 1) % kKeys;
          found[static_cast<std::size_t>(thread)] +=
              session.Insert(KeyNumber<std::uint64_t>(number, 37));
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  // Thread 0 walks every key; strides that are not coprime to the count walk some of them.
  EXPECT_EQ(found[0] + found[1] + found[2] + found[3], kKeys);
  EXPECT_EQ(set.size(), kKeys);
  EXPECT_EQ(SortedKeys(set).size(), kKeys);
}

// Large enough that growing itself is shared among threads.
TEST(CompactSet, GrowsWithSeveralThreads) {
  const SetShape small = SetShape::WithBuckets(37, std::uint64_t{1} << 17);
  BucketTable<std::uint64_t> from(small);
  std::uint64_t number = 0;
  for (; number < 400000; ++number) ASSERT_TRUE(from.Insert(KeyNumber<std::uint64_t>(number, 37)));
  // Crowds around the border between the first two parts.
  const std::uint64_t border = std::uint64_t{1} << 36;
  std::set<std::uint64_t> crowd;
  for (std::uint64_t key = border - 3000; key < border + 3000; ++key) {
    if (from.Insert(key)) crowd.insert(key);
  }
  BucketTable<std::uint64_t> to(small.Next());
  to.TakeAll(&from, 4);
  for (std::uint64_t i = 0; i < number; ++i) {
    ASSERT_FALSE(to.Insert(KeyNumber<std::uint64_t>(i, 37))) << i;
  }
  for (const std::uint64_t key : crowd) ASSERT_FALSE(to.Insert(key)) << key;
  ASSERT_GT(crowd.size(), 5900u);
}

TEST(SetShape, StoresOnlyWhatTheBucketDoesNotTell) {
  const SetShape shape = SetShape::WithBuckets(37, std::uint64_t{1} << 19);
  EXPECT_EQ(shape.remainder_bits, 18);
  EXPECT_EQ(shape.entry_bytes, 3);
  EXPECT_EQ(shape.slots, 20);
  EXPECT_EQ(SetShape::WithBuckets(64, std::uint64_t{1} << 20).entry_bytes, 6);
  EXPECT_EQ(SetShape::WithBuckets(4, 1024).remainder_bits, 0);
}

TEST(SetShape, IsAFunctionOfTheNumberOfKeys) {
  for (const int bits : {20, 37, 64, 128}) {
    SetShape shape = SetShape::Smallest(bits);
    for (int step = 0; step < 12; ++step, shape = shape.Next()) {
      EXPECT_EQ(SetShape::ForKeys(bits, shape.limit).buckets, shape.buckets);
      EXPECT_EQ(SetShape::ForKeys(bits, shape.limit + 1).buckets, shape.Next().buckets);
      EXPECT_EQ(SetShape::ForBytes(bits, shape.bytes()).buckets, shape.buckets);
      EXPECT_EQ(SetShape::ForBytes(bits, shape.Next().bytes() - 1).buckets, shape.buckets);
    }
  }
}

}  // namespace
}  // namespace iommufd_check::explore
