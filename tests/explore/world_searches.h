// Searches of the World, as several tests make them.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "model/explore/states/engine.h"
#include "model/explore/world/world_model.h"
#include "model/program/designs.h"

namespace iommufd_check::explore {

inline liveupdate::Design& Design(const std::string& name) { return *program::DesignNamed(name); }

inline WorldScope Standard() { return {.operations = WorldAlphabet::StandardOperations()}; }

inline WorldScope Everything() { return {.operations = WorldAlphabet::AllOperations()}; }

// What v1 does wrong at every preserve, so that a search sees further.
// The layout of its records is a finding of every preserve (I25, I26).
inline const std::vector<spec::Invariant> kLayoutOfV1 = {spec::Invariant::kI25,
                                                         spec::Invariant::kI26};
inline const std::vector<spec::Invariant> kKnownOfV1 = {
    spec::Invariant::kI19, spec::Invariant::kI25, spec::Invariant::kI26, spec::Invariant::kI38};

inline program::FindingPolicy Tolerating(const std::vector<spec::Invariant>& invariants) {
  std::vector<std::string> ids;
  for (const spec::Invariant invariant : invariants) ids.emplace_back(spec::IdOf(invariant));
  return {.tolerate = *program::FindingFilter::Parse(ids)};
}

inline SearchOutcome Searched(const WorldModel& model, std::uint64_t max_depth,
                              bool symmetry = false, bool stop = false) {
  SearchOptions options{
      .symmetry = symmetry, .keys = KeyKind::kFingerprint128, .stop_at_violation = stop};
  options.limits.max_depth = max_depth;
  absl::StatusOr<SearchOutcome> outcome = Search(model, options, nullptr);
  EXPECT_TRUE(outcome.ok()) << outcome.status();
  return outcome.ok() ? *outcome : SearchOutcome();
}

}  // namespace iommufd_check::explore
