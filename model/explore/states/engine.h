// Search: breadth-first over any model (model_concept.h), to exhaustion or to a bound.
//
// Shortest counterexamples come first, since levels are complete before the next begins. Of several
// states of the same depth that break an invariant, the least is reported, with its least path.
//
//   absl::StatusOr<SearchOutcome> outcome = Search(model, {.threads = 2}, nullptr);
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "model/explore/states/counterexample.h"
#include "model/explore/states/level_search.h"
#include "model/explore/states/level_tally.h"
#include "model/explore/states/search.h"
#include "model/explore/states/state_keys.h"
#include "model/sim/check.h"

namespace iommufd_check::explore {

// An InvalidArgument that says what is wrong with the options themselves.
absl::Status CheckOptions(const SearchOptions& options);

// Sums and maxima over all complete levels; what they cost in memory.
template <typename State>
void SumLevels(const std::vector<LevelTally<State>>& levels, SearchOutcome* outcome) {
  ExplorationDigest digest(outcome->invariants.size());
  std::uint64_t widest_pair = 0;
  std::uint64_t before = 0;
  for (std::size_t depth = 0; depth < levels.size(); ++depth) {
    const LevelTally<State>& level = levels[depth];
    digest.Absorb(level);
    outcome->states += level.discovered;
    outcome->transitions += level.transitions;
    outcome->dead_ends += level.dead_ends;
    outcome->represented_states += level.represented_states;
    outcome->represented_transitions += level.represented_transitions;
    outcome->widest_level = std::max(outcome->widest_level, level.discovered);
    widest_pair = std::max(widest_pair, before + level.discovered);
    before = level.discovered;
    if (level.discovered > 0) outcome->depth = depth;
    for (std::size_t i = 0; i < outcome->invariants.size(); ++i) {
      outcome->invariants[i].armed += level.armed[i];
      outcome->invariants[i].broken += level.broken[i];
    }
  }
  outcome->frontier_bytes = widest_pair * sizeof(State);
  outcome->digest = digest.Hex();
}

// Visits the initial states, or goes on from the file of an earlier sitting.
template <SearchModel Model, typename Keys>
absl::Status BeginSearch(LevelSearch<Model, Keys>* search, const SearchKeeping& keeping) {
  if (keeping.path.empty()) return search->Start();
  if constexpr (HasIsState<Model>) {
    absl::StatusOr<SearchFileReader> file = SearchFileReader::Open(keeping.path, keeping.identity);
    if (absl::IsNotFound(file.status())) return search->Start();
    if (!file.ok()) return file.status();
    return search->Restore(*std::move(file));
  } else {
    return absl::InvalidArgumentError(
        "this model cannot tell whether what a file holds are its states; search without --resume");
  }
}

// Runs levels until nothing is left, a bound is hit, or something is broken.
template <SearchModel Model, typename Keys>
absl::StatusOr<Ending> RunLevels(LevelSearch<Model, Keys>* search, const SearchOptions& options) {
  const SearchKeeping& keeping = options.keeping;
  const absl::Status begun = BeginSearch(search, keeping);
  if (!begun.ok()) return begun;
  Ending ending = Ending::kExhausted;
  while (search->CanAdvance() && ending == Ending::kExhausted) {
    if (search->levels().back().offender.has_value() && options.stop_at_violation) {
      ending = Ending::kViolation;
    } else if (search->levels().size() > options.limits.max_depth) {
      ending = Ending::kDepthBound;
    } else {
      absl::Status status;
      if (!keeping.path.empty() && keeping.due && keeping.due()) status = search->Save();
      if (status.ok()) status = search->Advance(nullptr);
      if (!status.ok()) return status;
    }
  }
  if (!keeping.path.empty()) {
    const absl::Status saved = search->Save();
    if (!saved.ok()) return saved;
  }
  return ending == Ending::kExhausted ? search->bound() : ending;
}

template <SearchModel Model, typename Keys>
absl::StatusOr<SearchOutcome> SearchWith(const Model& model, const Keys& keys,
                                         const SearchOptions& options, ProgressSink* progress) {
  SearchOutcome outcome;
  for (std::string& id : model.InvariantIds()) outcome.invariants.push_back({std::move(id), 0, 0});
  IOMMUFD_CHECK(outcome.invariants.size() <= kMaxInvariants, "a verdict has a bit for each");
  outcome.armed_by_transitions = HasStepVerdict<Model>;

  auto search = std::make_unique<LevelSearch<Model, Keys>>(model, keys, options, progress);
  const absl::StatusOr<Ending> ending = RunLevels(search.get(), options);
  if (!ending.ok()) return ending.status();
  outcome.ending = *ending;
  const std::vector<LevelTally<typename Model::State>> levels = search->levels();
  search.reset();  // Its memory is needed if there is a second search.

  SumLevels(levels, &outcome);
  outcome.exact_keys = Keys::kExact;
  outcome.key_bits = keys.bits();
  if (!Keys::kExact) {
    outcome.collision_probability = CollisionProbability(outcome.states, keys.bits());
  }
  outcome.set_bytes = SetShape::ForKeys(keys.bits(), outcome.states).bytes();

  // Before a second search visits states again, which the model would count again.
  std::optional<WholeVerdict> whole;
  if constexpr (HasWholeVerdict<Model>) whole = model.VerdictOfAll();

  for (std::size_t depth = 0; depth < levels.size(); ++depth) {
    if (!levels[depth].offender.has_value()) continue;
    const auto& [state, invariant] = *levels[depth].offender;
    auto path = ShortestPath(model, keys, options, depth, state);
    if (!path.ok()) return path.status();
    outcome.ending = Ending::kViolation;
    Narrative<typename Model::State> told = Narrate(model, options.symmetry, *path);
    outcome.counterexample = {outcome.invariants[static_cast<std::size_t>(invariant)].id,
                              std::move(told.steps), ""};
    if constexpr (HasArtefact<Model>) {
      outcome.counterexample->artefact = model.Artefact(told.last);
    }
    break;
  }
  const bool inside = outcome.ending == Ending::kStateBound ||
                      outcome.ending == Ending::kMemoryBound || outcome.ending == Ending::kStopped;
  if (!inside) outcome.whole = std::move(whole);
  return outcome;
}

// FAULTS: InvalidArgument for options the model does not offer; Unavailable when the frontier's
// temporary file fails.
template <SearchModel Model>
absl::StatusOr<SearchOutcome> Search(const Model& model, const SearchOptions& options,
                                     ProgressSink* progress) {
  const absl::Status valid = CheckOptions(options);
  if (!valid.ok()) return valid;
  if (options.symmetry && !HasSymmetry<Model>) {
    return absl::InvalidArgumentError(
        "the model has no symmetry to reduce by; search without --symmetry");
  }
  switch (options.keys) {
    case KeyKind::kFingerprint64:
      return SearchWith(model, Fingerprints64<Model>(model), options, progress);
    case KeyKind::kFingerprint128:
      return SearchWith(model, Fingerprints128<Model>(model), options, progress);
    case KeyKind::kExact:
      break;
  }
  if constexpr (HasPackedBits<Model>) {
    return SearchWith(model, ExactKeys<Model>(model), options, progress);
  } else {
    return absl::InvalidArgumentError(
        "the model's states do not pack into 64 bits, so there are no exact keys; search with "
        "--fingerprint_bits=64 or 128");
  }
}

}  // namespace iommufd_check::explore
