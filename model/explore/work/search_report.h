// The certificate of a state search: what was searched, whether the space was exhausted or which
// bound ended the search, what was counted, and how often each invariant had something to say.
//
// Both renderings are the same on every machine and for every number of threads: they hold no time
// and no path.
//
// Threads: pure functions.
//
//   std::cout << RenderText(report);
//   return ExitCode(SummaryOf(report));   // summary.h
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "model/explore/states/search.h"
#include "model/explore/work/model_catalog.h"

namespace iommufd_check::explore {

struct SearchReport {
  Choice choice;             // With defaults filled in.
  std::size_t alphabet = 0;  // Of model world: the entries that its operations have.
  bool symmetry = false;
  std::uint64_t max_depth = kNoLimit;
  bool depth_is_stated = false;  // By the caller: then a search that ends there did its work.
  std::uint64_t max_states = kNoLimit;
  std::uint64_t max_memory_bytes = 0;
  SearchOutcome outcome;
};

std::string RenderText(const SearchReport& report);
// `difference`: lines of SearchDifference to be said with it.
std::string RenderJson(const SearchReport& report, const std::vector<std::string>& difference = {});

// "8,363,979".
std::string WithCommas(std::uint64_t number);

}  // namespace iommufd_check::explore
