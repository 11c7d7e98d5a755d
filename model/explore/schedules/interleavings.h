// Every interleaving of a subject's tasks, up to the order of independent steps.
//
// Depth-first by re-execution. Source sets with sleep sets (Abdulla, Aronis, Jonsson, Sagonas,
// "Optimal dynamic partial order reduction", POPL 2014, algorithm 1): at each node the tasks to try
// are those that reverse a race seen below it, and a task that was explored sleeps in its siblings
// until a dependent step. A reversed race is steered for: the run follows the steps that do not
// depend on the race's first step. Runs continue by the subject's own rule; where that would take a
// sleeping task the run is repeated with another choice there.
//
// Where a run ends inside a step (an oops), the other tasks are also tried before that step, so one
// crash does not hide another.
//
// Reduction kNone enumerates all interleavings of steps, kSleep those that sleep sets leave, kDpor
// one for each trace (each class of equivalent interleavings), exactly one: `traces` of kSleep and
// kDpor is the number of Mazurkiewicz traces.
//
// An exploration can be cut into parts before it begins. A part is a path of choices; the nodes on
// it are closed: all that sleep sets leave there is in some part, so a part adds nothing to them
// and explores what lies below as it would the whole. The traces of the parts are those of the
// whole, each once; only the runs that lead to no trace are more.
//
//   Interleavings explorer(&subject, {});
//   const InterleavingCounts& counts = explorer.Explore([&](const Subject& run) { return true; });
//   for (const PathStart& part : CutIntoParts(&subject, {}, 64)) {
//     Interleavings(&subject, {}).ExploreFrom(part, visitor);
//   }
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "model/explore/schedules/happens_before.h"
#include "model/explore/schedules/run_steps.h"
#include "model/explore/schedules/subject.h"
#include "model/explore/work/meter.h"

namespace iommufd_check::explore {

enum class Reduction : uint8_t { kNone, kSleep, kDpor };

struct InterleavingOptions {
  Reduction reduction = Reduction::kDpor;
  Meter* meter = nullptr;        // asked before each run
  DependencyOptions dependency;  // its places are those that ask
  // Ends where a run shows a meeting at none of the places.
  bool ends_at_new_place = false;
};

struct InterleavingCounts {
  uint64_t executions = 0;   // runs: traces + repeated + asleep + refused
  uint64_t traces = 0;       // runs to the end, no two of them equivalent
  uint64_t repeated = 0;     // the rule would have taken a sleeping task
  uint64_t asleep = 0;       // all tasks that could run slept
  uint64_t refused = 0;      // the task that was to be tried was blocked
  uint64_t diverged = 0;     // of the refused: the subject left a schedule that it had followed
  uint64_t transitions = 0;  // steps of the traces
  uint64_t longest = 0;      // steps of the longest one
  uint64_t too_long = 0;     // runs of more than kMostSteps: the first ends the exploration
  uint64_t cut_short = 0;    // traces that ended in an oops, a deadlock or a hang
  uint64_t digest = 0;       // sum over the digests of the traces: no matter in which order
  // Else the meter, the visitor or a new place ended it, or a run diverged.
  bool exhausted = false;
};

// A node on the path to a part: which task goes on, and which others are explored in other parts,
// with what their steps access. Locations go by their keys, which do not depend on the explorer.
struct PathNode {
  struct Other {
    sim::TaskId task = 0;
    std::vector<std::pair<uint64_t, AccessMode>> accesses;
  };
  sim::TaskId chosen = 0;
  std::vector<Other> others;
};
using PathStart = std::vector<PathNode>;

class Interleavings {
 public:
  // Sees each trace once. Return false to end the exploration.
  using Visitor = std::function<bool(const Subject& run)>;

  // `subject` must outlive this.
  Interleavings(Subject* subject, const InterleavingOptions& options);

  const InterleavingCounts& Explore(const Visitor& visitor) { return ExploreFrom({}, visitor); }
  // REQUIRES: `start` comes from CutIntoParts of the same subject and options.
  const InterleavingCounts& ExploreFrom(const PathStart& start, const Visitor& visitor);

  // Of the trace that the visitor is being shown.
  sim::Fingerprint TraceFingerprint() const { return order_.TraceFingerprint(table_); }
  const HappensBefore& order() const { return order_; }
  // Where tasks of the runs so far met without order.
  const sim::PlaceSet& meetings() const { return meetings_; }

 private:
  using Accesses = std::vector<Access>;

  // The state before one step of the current path.
  struct Node {
    sim::TaskId chosen = 0;
    uint8_t runnable = 0;
    uint8_t wanted = 0;   // to be explored from here, `chosen` included
    uint8_t done = 0;     // explored from here
    uint8_t blocked = 0;  // tried and found blocked
    uint8_t asleep = 0;
    uint8_t ending = 0;  // the step of which ended the run: nothing commutes with it
    std::array<uint16_t, sim::kMaxTasks> sleeps_since{};  // depth whose `explored` has its step
    std::array<Accesses, sim::kMaxTasks> explored;        // what the task's step here accesses
    std::array<std::vector<sim::TaskId>, sim::kMaxTasks> guide;  // after the task, when wanted

    void Clear();
  };
  enum class Outcome : uint8_t { kTrace, kRepeat, kAsleep, kRefused };

  friend std::vector<PathStart> CutIntoParts(Subject* subject, const InterleavingOptions& options,
                                             size_t wanted, uint64_t whole, Pulse* pulse);
  const InterleavingCounts& Loop(const Visitor& visitor);
  PathStart PathToHere() const;

  Node& Push();
  void EnterStart(const PathStart& start);
  Outcome Extend();
  bool FoundBlocked(size_t depth, sim::TaskId task) const;
  void EnterStep(size_t depth);
  void EnterNode(size_t depth);
  void FindBacktracks(Outcome outcome);
  bool EndedInAStep() const;
  void FindBacktracksOfEnd();
  void AddBacktrack(size_t i, const std::vector<uint16_t>& steps, sim::TaskId last);
  void CollectIndependent(size_t i, size_t end);
  bool Next();
  bool Asleep(const Node& node, sim::TaskId task) const { return (node.asleep >> task) & 1u; }

  Subject& subject_;
  InterleavingOptions options_;
  LocationTable table_;
  RunSteps run_;
  HappensBefore order_;
  InterleavingCounts counts_;
  sim::PlaceSet meetings_;

  std::vector<Node> nodes_;  // reused: only the first depth_ are the path
  size_t depth_ = 0;
  size_t closed_ = 0;            // nodes of the start: other parts explore what they leave
  size_t max_depth_ = SIZE_MAX;  // nodes; a run is taken for a trace when it gets there
  size_t analysed_ = 0;          // steps whose races have led to backtrack points
  std::vector<sim::TaskId> prefix_;
  std::vector<uint16_t> independent_;
};

// At least `wanted` parts where the tree of choices has so many nodes at one depth; one, which is
// the whole, when the exploration ends within `whole` executions anyway. The same for every caller.
// Once `pulse`, which may be null, ends the planning, the whole is one part. REQUIRES: whole >= 1.
inline constexpr uint64_t kWholeExecutions = 1000;
std::vector<PathStart> CutIntoParts(Subject* subject, const InterleavingOptions& options,
                                    size_t wanted, uint64_t whole = kWholeExecutions,
                                    Pulse* pulse = nullptr);

}  // namespace iommufd_check::explore
