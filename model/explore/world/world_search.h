// Searches the World as a caller chose it by names.
//
// Threads: as Search (engine.h).
//
//   absl::StatusOr<Choice> choice = Choose({.model = "world", .design = "v1"});
//   auto outcome = SearchWorld(*choice, options, nullptr);
#pragma once

#include <cstddef>

#include "absl/status/statusor.h"
#include "model/explore/states/search.h"
#include "model/explore/work/model_catalog.h"
#include "model/explore/world/world_alphabet.h"

namespace iommufd_check::explore {

// REQUIRES: what Choose returned for model world.
WorldScope ScopeOf(const Choice& choice);

// What a World search makes of options: 128 bits of fingerprint where exact keys were asked for,
// which it cannot have, and its own greatest depth where none was given. FAULTS: InvalidArgument
// for a depth beyond that.
absl::StatusOr<SearchOptions> WorldOptions(const SearchOptions& given);

// REQUIRES: as ScopeOf, and options of WorldOptions.
absl::StatusOr<SearchOutcome> SearchWorld(const Choice& choice, const SearchOptions& options,
                                          ProgressSink* progress);

}  // namespace iommufd_check::explore
