#include "model/explore/states/key.h"

#include <algorithm>
#include <cmath>

#include "model/sim/check.h"

namespace iommufd_check::explore {
namespace {

// The inverse of an odd number modulo 2^64: each step doubles the number of correct low bits.
std::uint64_t InverseOfOdd(std::uint64_t odd) {
  std::uint64_t inverse = odd;  // Correct in its three lowest bits.
  for (int step = 0; step < 5; ++step) inverse *= 2 - odd * inverse;
  IOMMUFD_CHECK(odd * inverse == 1, "an odd number has an inverse modulo 2^64");
  return inverse;
}

}  // namespace

BitMixer::BitMixer(int bits)
    : bits_(bits), shift_((bits + 1) / 2), mask_(bits == 64 ? ~0ull : (1ull << (bits & 63)) - 1) {
  IOMMUFD_CHECK(bits >= 1, "a key has at least one bit");
  IOMMUFD_CHECK(bits <= 64, "an exact key has at most 64 bits");
}

std::uint64_t BitMixer::Unmix(std::uint64_t key) const {
  IOMMUFD_CHECK((key & ~mask_) == 0, "a mixed key has no bits above its width");
  key ^= key >> shift_;
  key = key * InverseOfOdd(kMultipliers[1]) & mask_;
  key ^= key >> shift_;
  key = key * InverseOfOdd(kMultipliers[0]) & mask_;
  return key ^ (key >> shift_);
}

double CollisionProbability(std::uint64_t states, int bits) {
  IOMMUFD_CHECK(bits > 0, "a fingerprint has bits");
  if (states < 2) return 0;
  const double pairs = static_cast<double>(states) * static_cast<double>(states - 1) / 2;
  return std::min(1.0, std::ldexp(pairs, -bits));
}

}  // namespace iommufd_check::explore
