// What the result of any engine comes down to: how much was done, whether that was everything that
// was stated, and whether anything was found. Exit statuses and the last line of a command are made
// of it.
//
//   std::vector<Summary> all{SummaryOf(certificate), SummaryOf(other)};
//   std::cerr << RenderTotals(all);   // "explore: 2 certificates, 88 executions, exhausted, ..."
//   return ExitCode(all[0]);
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "model/explore/work/certificate.h"
#include "model/explore/work/search_report.h"

namespace iommufd_check::explore {

struct Summary {
  std::string work;        // "explore", "search"
  std::string unit;        // what is counted: "executions", "states"
  uint64_t count = 0;      // of it
  std::string extent;      // "exhausted", "NOT exhausted (max_seconds)"
  bool exhausted = false;  // nothing was left out
  bool done = false;       // what was stated was: all, samples, a share, all within a depth
  size_t findings = 0;
};

Summary SummaryOf(const Certificate& certificate);
Summary SummaryOf(const SearchReport& report);

// 1 for a violation, whatever was left undone; 3 where something stated was; else 0.
int ExitCode(const Summary& summary);

// One line about all of them. REQUIRES: there is one, and all are of the same work.
std::string RenderTotals(const std::vector<Summary>& summaries);

}  // namespace iommufd_check::explore
