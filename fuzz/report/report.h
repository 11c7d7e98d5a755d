// The report of a violation: what was broken, where, by which program, and how it came about.
//
// First a value, which holds all that any rendering shows; then its renderings, which decide
// nothing but how it looks. Both are pure functions of their arguments, so byte-identical
// everywhere: no time, no address, no path but the replay command's file as it was given.
//
//   const Report report = MakeReport(program, execution, events, violation, {.design = "v1"});
//   std::cout << RenderText(report);
#pragma once

#include <string>
#include <vector>

#include "fuzz/report/swim_lanes.h"
#include "model/program/execute/executor.h"
#include "model/program/program.h"
#include "model/sim/event.h"
#include "model/spec/invariants.h"

namespace iommufd_check::cli {

// Empty members are not known, or there is nothing of the kind.
struct Report {
  struct Task {
    std::string name;
    std::vector<std::string> locks;
  };
  struct Companion {
    std::string invariant;
    int operations = 0;  // that broke it
  };

  std::string invariant, name, sentence;  // "I04", "in-flight-exclusion", its spec
  std::string finding;                    // its identity
  std::string design;                     // that ran
  std::string place;                      // "B.1 luo_preserve, step 31 of B"
  std::string object;                     // "ioas1"
  std::string detail;                     // what was seen there, with the numbers
  std::vector<std::string> chain;         // of a lock cycle each nesting, the closing one first
  std::vector<Task> holds;                // what each concurrent task held where it was seen
  std::string after;                      // the finding that came first and may be the cause
  std::vector<Companion> also;            // what the run broke besides
  std::string ended;                      // how the run ended, unless it completed
  std::string program;                    // as text, without its title
  Lanes run;
  std::vector<std::string> difference;  // lines about what a failed call left behind
  std::string replay;                   // a command
};

struct ReportOptions {
  std::string design;  // that ran
  std::string replay;  // arguments of `iommufd-check run`; empty: no such command
};

// REQUIRES: `subject` is one of execution.violations, and `events` the log of that run.
Report MakeReport(const program::Program& program, const program::Execution& execution,
                  const std::vector<sim::Event>& events, const spec::Violation& subject,
                  const ReportOptions& options);

// One screen for a small program.
std::string RenderText(const Report& report);

// MakeReport, as text.
std::string RenderReport(const program::Program& program, const program::Execution& execution,
                         const std::vector<sim::Event>& events, const spec::Violation& subject,
                         const ReportOptions& options);

}  // namespace iommufd_check::cli
