// Keys of the visited set: exact ones, made by an invertible mix of a state's packed bits, and
// fingerprints of 64 or 128 bits.
//
// Threads: everything here is immutable after construction.
//
// Invariants:
//  1. BitMixer is a permutation of the integers below 2^bits, so two states have the same exact key
//     only when their packed bits are equal: a search with exact keys misses nothing.
//  2. A mixed key is spread evenly over its *high* bits, which choose its place in the set.
//
//   BitMixer mixer(37);
//   std::uint64_t key = mixer.Mix(packed);   // mixer.Unmix(key) == packed
#pragma once

#include <array>
#include <cstdint>

namespace iommufd_check::explore {

__extension__ typedef unsigned __int128 uint128;

class BitMixer {
 public:
  // REQUIRES: 1 <= bits <= 64.
  explicit BitMixer(int bits);

  int bits() const { return bits_; }

  // REQUIRES: value < 2^bits, for both.
  std::uint64_t Mix(std::uint64_t value) const {
    value = (value ^ (value >> shift_)) * kMultipliers[0] & mask_;
    value = (value ^ (value >> shift_)) * kMultipliers[1] & mask_;
    return value ^ (value >> shift_);
  }
  std::uint64_t Unmix(std::uint64_t key) const;

 private:
  // Odd, with about as many ones as zeros and no long runs of either.
  static constexpr std::array<std::uint64_t, 2> kMultipliers = {0xd6e8feb86659fd93u,
                                                                0x9e3779b97f4a7c15u};

  int bits_;
  int shift_;  // At least half of bits_, which makes x ^ (x >> shift_) its own inverse.
  std::uint64_t mask_;
};

// The probability that among `states` random fingerprints of `bits` bits two are equal, by the
// union bound: states * (states - 1) / 2^(bits + 1), at most 1.
double CollisionProbability(std::uint64_t states, int bits);

}  // namespace iommufd_check::explore
