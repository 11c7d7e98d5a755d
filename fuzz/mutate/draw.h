// Choices of a mutation: a pure function of the seed that a fuzzer gives.
//
//   Draw draw(seed);
//   if (draw.OneIn(8)) ...
//   const OpCode code = draw.Of(codes);
#pragma once

#include <cstddef>
#include <cstdint>

#include "model/sim/check.h"

namespace iommufd_check::cli {

// splitmix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014): a
// mutation makes one of these, so it must cost nothing to begin with.
class Draw {
 public:
  explicit Draw(uint64_t seed) : state_(seed) {}

  uint64_t Bits() {
    state_ += 0x9e3779b97f4a7c15u;
    uint64_t bits = state_;
    bits = (bits ^ (bits >> 30)) * 0xbf58476d1ce4e5b9u;
    bits = (bits ^ (bits >> 27)) * 0x94d049bb133111ebu;
    return bits ^ (bits >> 31);
  }
  // 0 to below `bound`. REQUIRES: bound > 0.
  size_t Below(size_t bound) {
    IOMMUFD_CHECK(bound > 0, "something to choose from");
    return Bits() % bound;
  }
  bool OneIn(size_t n) { return Below(n) == 0; }
  uint8_t Byte() { return static_cast<uint8_t>(Bits() >> 56); }
  uint16_t Word() { return static_cast<uint16_t>(Bits() >> 48); }
  // REQUIRES: it is not empty.
  template <class List>
  auto& Of(List&& list) {
    return list[Below(list.size())];
  }

 private:
  uint64_t state_;
};

}  // namespace iommufd_check::cli
