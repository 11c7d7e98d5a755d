#include "model/explore/states/set_shape.h"

#include <algorithm>
#include <bit>

#include "model/sim/check.h"

namespace iommufd_check::explore {
namespace {

constexpr std::uint64_t kSmallestBuckets = 64;

// Keys per sixteen slots before a table grows. Runs of full buckets are longer the smaller buckets
// are, and a look-up that meets a full bucket reads another cache line.
std::uint64_t LoadInSixteenths(int slots) {
  if (slots >= 10) return 14;
  if (slots >= 6) return 13;
  if (slots >= 4) return 11;
  return 10;
}

}  // namespace

SetShape SetShape::WithBuckets(int key_bits, std::uint64_t buckets) {
  IOMMUFD_CHECK(key_bits >= 1, "a key has at least one bit");
  IOMMUFD_CHECK(key_bits <= 128, "a key has at most 128 bits");
  IOMMUFD_CHECK(buckets > 0, "a set has a bucket");
  SetShape shape;
  shape.key_bits = key_bits;
  shape.buckets = buckets;
  // The keys of one bucket are fewer than 2^remainder_bits consecutive numbers, or exactly as many.
  const int bucket_bits = std::bit_width(buckets) - 1;
  shape.remainder_bits = std::max(0, key_bits - bucket_bits);
  shape.entry_bytes = std::max(2, (shape.remainder_bits + kDistanceBits + 7) / 8);
  IOMMUFD_CHECK(shape.entry_bytes <= 16, "an entry fits a 128-bit word");
  shape.slots = static_cast<int>(kBucketPayloadBytes) / shape.entry_bytes;
  shape.limit =
      buckets * static_cast<std::uint64_t>(shape.slots) * LoadInSixteenths(shape.slots) / 16;
  return shape;
}

SetShape SetShape::Smallest(int key_bits) { return WithBuckets(key_bits, kSmallestBuckets); }

SetShape SetShape::Next() const { return WithBuckets(key_bits, 2 * buckets); }

SetShape SetShape::ForKeys(int key_bits, std::uint64_t keys) {
  SetShape shape = Smallest(key_bits);
  while (shape.limit < keys) shape = shape.Next();
  return shape;
}

SetShape SetShape::ForBytes(int key_bits, std::uint64_t bytes) {
  SetShape shape = Smallest(key_bits);
  for (SetShape next = shape.Next(); next.bytes() <= bytes; next = next.Next()) shape = next;
  return shape;
}

}  // namespace iommufd_check::explore
