// What an exploration of a program covered, and what it found: for people as text, for machines as
// JSON. Certificates of shards merge to the one of the whole, in any order.
//
//   Certificate c = ExploreProgram(&executor, *design, "a.prog", program, {});
//   std::cout << RenderText(c);
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "model/program/executor.h"

namespace iommufd_check::explore {

// The first violation found of one invariant, with the fewest preemptions when `fewest`.
struct Finding {
  spec::Violation violation;
  program::Program witness;
  int preemptions = 0;
  bool fewest = false;  // no schedule with fewer preemptions breaks the invariant
};

struct Certificate {
  std::string work;       // "explore" or "sweep"
  std::string program;    // the file's name
  std::string design;
  std::string reduction;  // "none", "sleep", "dpor"
  std::optional<int> preemptions;  // bound of a schedule; absent: none
  std::string faults = "none";     // which plans: "none", "single", "sticky", "pairs"

  bool exhausted = false;
  uint64_t executions = 0;
  uint64_t traces = 0;      // executions that count: not equivalent, to the end
  uint64_t transitions = 0;
  uint64_t longest = 0;     // steps
  uint64_t plans = 0;       // fault plans that were run
  double orders_log10 = 0;  // ways to interleave the first run's steps, if no step blocked
  uint64_t digest = 0;

  std::array<uint64_t, sim::Count<sim::FaultSite>()> sites{};  // calls, by site
  std::array<uint64_t, spec::kInvariants> armed{};
  std::vector<Finding> findings;  // by invariant

  bool violated() const { return !findings.empty(); }
  const Finding* Find(spec::Invariant invariant) const;

  // Adds one run's sites, antecedents and violations.
  void Count(const program::Execution& execution);
  // Keeps the finding unless one of its invariant with no more preemptions is known.
  void Keep(Finding finding);
  // Adds another shard of the same work. REQUIRES: same work and bounds.
  void Merge(const Certificate& shard);
};

std::string RenderText(const Certificate& certificate);
std::string RenderJson(const Certificate& certificate);

}  // namespace iommufd_check::explore
