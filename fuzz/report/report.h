// The report of a violation: what was broken, where, by which program, and how it came about.
//
// One screen for a small program; a pure function of its arguments, so byte-identical everywhere:
// no time, no address, no path but the replay command's file as it was given.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "model/program/execute/executor.h"
#include "model/program/program.h"
#include "model/sim/event.h"
#include "model/spec/invariants.h"

namespace iommufd_check::cli {

struct ReportOptions {
  std::string design;         // that ran
  std::string replay;         // arguments of `iommufd-check run`; empty: no such line
  size_t max_rows = 24;       // of the swim lanes
  size_t max_difference = 5;  // lines of the difference between the worlds
};

// REQUIRES: `subject` is one of execution.violations, and `events` the log of that run.
std::string RenderReport(const program::Program& program, const program::Execution& execution,
                         const std::vector<sim::Event>& events, const spec::Violation& subject,
                         const ReportOptions& options);

// Every event on a line of its own, with all locks: for digging.
std::string RenderDetails(const program::Program& program, const std::vector<sim::Event>& events);

}  // namespace iommufd_check::cli
