// The vocabulary of a state search: what to search for, when to stop, and what was found.
//
// Everything in SearchOutcome is a function of the model, the limits, the kind of keys and whether
// symmetry is used. The number of threads, the order in which states were visited and whether the
// frontier went to disk leave no trace in it.
//
//   SearchOptions options{.threads = 2, .symmetry = true};
//   absl::StatusOr<SearchOutcome> outcome = Search(model, options, nullptr);   // engine.h
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "model/explore/work/meter.h"

namespace iommufd_check::explore {

inline constexpr int kMaxThreads = 64;
inline constexpr std::uint64_t kNoLimit = ~std::uint64_t{0};
// Set aside for the frontier's blocks in memory, whatever the visited set needs.
inline constexpr std::uint64_t kFrontierReserveBytes = std::uint64_t{4} << 20;
inline constexpr std::uint64_t kLeastMemoryBytes = 2 * kFrontierReserveBytes;
// Beyond any machine, and small enough that sums of sizes do not overflow.
inline constexpr std::uint64_t kGreatestMemoryBytes = std::uint64_t{1} << 46;

// How visited states are told apart.
enum class KeyKind {
  kExact,          // By their packed bits: needs a model that packs into 64.
  kFingerprint64,  // By 64 bits of hash; a collision would hide a state.
  kFingerprint128,
};

struct SearchLimits {
  std::uint64_t max_depth = kNoLimit;   // States farther than this are not visited.
  std::uint64_t max_states = kNoLimit;  // Ends before the level that would exceed it.
  std::uint64_t max_memory_bytes = std::uint64_t{4} << 30;
};

// Where a search is kept between sittings: written when a bound ends it, and after a level when
// `due` says so. A file that exists is gone on from. What it stands for is the model, which
// `identity` names, symmetry and keys, not the limits.
struct SearchKeeping {
  std::string path;  // Empty: nowhere.
  std::uint64_t identity = 0;
  std::function<bool()> due;  // May be empty.
};

struct SearchOptions {
  int threads = 1;
  bool symmetry = false;
  KeyKind keys = KeyKind::kExact;
  SearchLimits limits;
  std::string spill_folder;       // Of the frontier's temporary files; empty for /tmp.
  bool stop_at_violation = true;  // Otherwise count on, and still report the first.
  Pulse* pulse = nullptr;         // Asked for each block of states; may end the search.
  SearchKeeping keeping;
};

// Only kExhausted is a proof. The bounds, and the pulse (kStopped), end a search after its last
// complete level.
enum class Ending { kExhausted, kViolation, kDepthBound, kStateBound, kMemoryBound, kStopped };

struct InvariantTally {
  std::string id;
  std::uint64_t armed = 0;   // States that satisfied the antecedent, or transitions.
  std::uint64_t broken = 0;  // States that broke it.
};

struct TraceStep {
  std::string task;    // Empty for the initial state.
  std::string action;  // Empty for the initial state.
  std::string state;   // After the action.
};

struct Counterexample {
  std::string invariant;
  std::vector<TraceStep> steps;  // The initial state, then one step for each action.
  std::string artefact;          // Of models that have one: a text that replays it.
};

// What all steps of a search together say, of models that have something to add.
struct WholeVerdict {
  std::string subject;  // At most a few words.
  std::string text;     // A clause.
  bool broken = false;
  // What is tolerated, as it is spelled, and in how many transitions it was seen.
  std::vector<std::pair<std::string, std::uint64_t>> tolerated;
};

struct SearchOutcome {
  Ending ending = Ending::kExhausted;
  std::uint64_t states = 0;        // Of all complete levels; orbits under symmetry.
  std::uint64_t transitions = 0;   // Fired from the states of all expanded levels.
  std::uint64_t depth = 0;         // Of the deepest complete level that has states.
  std::uint64_t dead_ends = 0;     // Expanded states without a successor.
  std::uint64_t widest_level = 0;  // States.
  // What the counts stand for without symmetry: sums over orbits.
  std::uint64_t represented_states = 0;
  std::uint64_t represented_transitions = 0;

  bool exact_keys = false;
  int key_bits = 0;
  double collision_probability = 0;  // 0 when exact.

  // For the final number of states; a frontier counts as its two widest neighbouring levels.
  std::uint64_t set_bytes = 0;
  std::uint64_t frontier_bytes = 0;

  std::vector<InvariantTally> invariants;
  bool armed_by_transitions = false;  // What `armed` counts.
  std::optional<Counterexample> counterexample;
  // None when a bound ended the search inside a level, part of which was visited all the same.
  std::optional<WholeVerdict> whole;
  std::string digest;  // Of all levels, in order: 32 hexadecimal digits.
};

// Counts seen while a search runs. They depend on threads and chance: for a person's eyes only.
struct SearchProgress {
  std::uint64_t depth = 0;
  std::uint64_t states = 0;
  std::uint64_t transitions = 0;  // Of complete levels.
  std::uint64_t set_bytes = 0;
  std::uint64_t frontier_bytes = 0;  // In memory.
  std::uint64_t spilled_bytes = 0;   // Of the level that is being discovered.
};

// Threads: Report is called by one thread at a time, not always the same.
class ProgressSink {
 public:
  virtual ~ProgressSink() = default;
  virtual void Report(const SearchProgress& progress) = 0;
};

}  // namespace iommufd_check::explore
