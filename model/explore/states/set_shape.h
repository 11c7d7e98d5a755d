// The geometry of a CompactSet: how many buckets, and how many bytes of each key are stored.
//
// Keys are spread over the buckets by their high bits, evenly and in order. A key's bucket
// therefore tells its high bits, and only the remainder has to be stored (quotienting): with 2^20
// buckets a 37-bit key needs 17 bits. A key that found its bucket full lies up to 15 buckets
// further on, and four more bits say how far. The few that find all of these full are kept apart,
// and a table's load is bounded so that they are fewer than one in a thousand.
//
// Everything is a function of the key width and of the number of buckets, and the sizes that a set
// grows through are one fixed sequence, so the memory needed for n keys does not depend on the
// order in which they came.
//
//   SetShape shape = SetShape::ForKeys(37, 8363979);
//   shape.bytes();   // What a set has allocated after that many insertions.
#pragma once

#include <cstdint>

#include "model/explore/states/key.h"

namespace iommufd_check::explore {

inline constexpr std::uint64_t kBucketBytes = 64;         // One cache line.
inline constexpr std::uint64_t kBucketPayloadBytes = 60;  // The rest is the bucket's control word.
inline constexpr int kDistanceBits = 4;
inline constexpr std::uint64_t kMaxDistance = (1u << kDistanceBits) - 1;  // Buckets past the home.

struct SetShape {
  int key_bits = 0;
  std::uint64_t buckets = 0;  // Homes; kMaxDistance more stand at the end to take overflow.
  int remainder_bits = 0;
  int entry_bytes = 0;
  int slots = 0;            // Entries in a bucket.
  std::uint64_t limit = 0;  // Keys held before the set grows.

  std::uint64_t bytes() const { return (buckets + kMaxDistance) * kBucketBytes; }

  // REQUIRES: 1 <= key_bits <= 128, buckets > 0.
  static SetShape WithBuckets(int key_bits, std::uint64_t buckets);
  static SetShape Smallest(int key_bits);
  SetShape Next() const;
  // The first shape of the sequence with limit >= keys.
  static SetShape ForKeys(int key_bits, std::uint64_t keys);
  // The last shape of the sequence that fits into that many bytes, at least the smallest.
  static SetShape ForBytes(int key_bits, std::uint64_t bytes);
};

}  // namespace iommufd_check::explore
