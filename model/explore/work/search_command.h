// The state search as the command line calls it: a request in words, a report to be
// shown as text or JSON.
//
// Threads: RunSearch uses request.threads of them, and joins them.
//
//   SearchRequest request;
//   request.choice = {.model = "preserve", .variant = "shared-bool"};
//   absl::StatusOr<SearchReport> report = RunSearch(request, nullptr);
//   std::cout << RenderText(*report);
//   return ExitCode(SummaryOf(*report));   // summary.h
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "absl/status/statusor.h"
#include "model/explore/states/search.h"
#include "model/explore/work/model_catalog.h"
#include "model/explore/work/search_report.h"

namespace iommufd_check::explore {

struct SearchRequest {
  Choice choice;
  bool symmetry = false;
  int threads = 1;
  int fingerprint_bits = 0;  // 0 for exact keys, or 64, or 128.
  std::uint64_t max_depth = kNoLimit;
  std::uint64_t max_states = kNoLimit;
  std::uint64_t max_memory_bytes = SearchLimits().max_memory_bytes;
  bool keep_going = false;   // Count on after a violation.
  std::string spill_folder;  // For a frontier that does not fit into memory; "" for /tmp.
  std::string resume;        // SearchKeeping's path, as is the next.
  std::function<bool()> due;
  Pulse* pulse = nullptr;  // May end the search.
};

// FAULTS: InvalidArgument, in words that say what to give instead; Unavailable from the frontier's
// temporary file.
absl::StatusOr<SearchReport> RunSearch(const SearchRequest& request, ProgressSink* progress);

}  // namespace iommufd_check::explore
