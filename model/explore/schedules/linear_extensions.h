// How many interleavings a trace stands for: the linear extensions of its happens-before order.
//
// The sum over all traces of a program is the number of its interleavings, which gives the factor
// of a reduction without running without it, and a check on both where running without it ends.
//
//   total = SaturatingSum(total, CountInterleavings(explorer.order(), kCheapCombinations));
#pragma once

#include "model/explore/schedules/happens_before.h"
#include "model/explore/states/key.h"

namespace iommufd_check::explore {

// Stands for itself and everything above it.
inline constexpr uint128 kManyInterleavings = ~uint128{0};

// Counting looks at every combination of steps that the tasks have taken. Up to so many of them it
// costs less than running the trace: enough for two tasks of 90 steps each.
inline constexpr size_t kCheapCombinations = size_t{1} << 13;
// The most that anyone may ask for: 64 MiB.
inline constexpr size_t kMostCombinations = size_t{1} << 22;

// a + b, at most kManyInterleavings: the same in whatever order a sum is made.
constexpr uint128 SaturatingSum(uint128 a, uint128 b) {
  return a > kManyInterleavings - b ? kManyInterleavings : a + b;
}

// kManyInterleavings also when there are more combinations than `max_combinations`.
uint128 CountInterleavings(const HappensBefore& order, size_t max_combinations);

}  // namespace iommufd_check::explore
