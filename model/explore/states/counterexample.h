// From the state that broke an invariant back to an initial state, by a shortest path.
//
// The visited set keeps no parents, which would cost more than all the rest. A violation is worth a
// second search that keeps its levels: then each step back is one scan of a level for the least
// state that has the wanted successor. Nothing in that depends on the order of visits.
//
// Under symmetry the levels hold canonical states, and a step of the path may have to be renamed to
// follow the one before. The path is therefore walked forward once more, taking at each step the
// first action that leads into the next orbit.
//
//   auto states = ShortestPath(model, keys, options, depth, offender);
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "model/explore/states/level_search.h"
#include "model/explore/states/search.h"
#include "model/sim/check.h"

namespace iommufd_check::explore {

template <SearchModel Model>
typename Model::State RepresentativeOf(const Model& model, bool symmetry,
                                       const typename Model::State& state) {
  if constexpr (HasSymmetry<Model>) {
    if (symmetry) return model.Canonical(state);
  }
  return state;
}

// The least state of a level with `wanted` among its successors. Empties the level.
template <SearchModel Model>
absl::StatusOr<typename Model::State> LeastPredecessor(const Model& model, bool symmetry,
                                                       Frontier* level,
                                                       const typename Model::State& wanted) {
  using State = typename Model::State;
  std::optional<State> least;
  for (;;) {
    const absl::StatusOr<std::unique_ptr<Block>> block = level->Pop();
    if (!block.ok()) return block.status();
    if (*block == nullptr) break;
    ForEachState<State>(**block, [&](const State& state) {
      if (least.has_value() && *least <= state) return;
      bool leads = false;
      VisitSuccessors(model, state, [&](const auto&, const State& next) {
        leads = leads || RepresentativeOf(model, symmetry, next) == wanted;
      });
      if (leads) least = state;
    });
  }
  if (!least.has_value()) {
    return absl::InternalError(
        "no predecessor of the violating state was found again: two states had the same "
        "fingerprint; search with exact keys or with --fingerprint_bits=128");
  }
  return *least;
}

// A path of states, one of each level up to `offender`, the last; the canonical ones of symmetry.
template <SearchModel Model, typename Keys>
absl::StatusOr<std::vector<typename Model::State>> ShortestPath(
    const Model& model, const Keys& keys, const SearchOptions& options, std::uint64_t depth,
    const typename Model::State& offender) {
  SearchOptions quiet = options;  // As much as the first did: nothing ends it, nothing is kept.
  quiet.pulse = nullptr;
  quiet.keeping = {};
  LevelSearch<Model, Keys> again(model, keys, quiet, nullptr);
  std::vector<std::unique_ptr<Frontier>> kept;
  absl::Status status = again.Start();
  // Every level before the offender's: all but the last of them by expanding them once more.
  for (std::uint64_t at = 1; status.ok() && at < depth; ++at) {
    IOMMUFD_CHECK(again.CanAdvance(), "the second search goes as deep as the first");
    kept.push_back(std::make_unique<Frontier>(again.budget()));
    status = again.Advance(kept.back().get());
  }
  if (!status.ok()) return status;
  kept.push_back(again.TakeFrontier());
  std::vector<typename Model::State> path(depth + 1, offender);
  for (std::uint64_t at = depth; at > 0; --at) {
    const absl::StatusOr<typename Model::State> before =
        LeastPredecessor(model, options.symmetry, kept[at - 1].get(), path[at]);
    if (!before.ok()) return before.status();
    path[at - 1] = *before;
  }
  return path;
}

template <typename State>
struct Narrative {
  std::vector<TraceStep> steps;
  State last;  // As the steps lead to it.
};

// The same path as concrete states and actions, in words.
template <SearchModel Model>
Narrative<typename Model::State> Narrate(const Model& model, bool symmetry,
                                         const std::vector<typename Model::State>& path) {
  using State = typename Model::State;
  std::optional<State> at;
  model.ForEachInitial([&](const State& state) {
    if (!at.has_value() && RepresentativeOf(model, symmetry, state) == path.front()) at = state;
  });
  IOMMUFD_CHECK(at.has_value(), "a path starts at an initial state");
  Narrative<State> told{{{"", "", model.Describe(*at)}}, *at};
  for (std::size_t i = 1; i < path.size(); ++i) {
    std::optional<State> reached;
    VisitSuccessors(model, *at, [&](const auto& action, const State& next) {
      if (reached.has_value() || RepresentativeOf(model, symmetry, next) != path[i]) return;
      reached = next;
      told.steps.push_back({model.TaskOf(action), model.Describe(action), model.Describe(next)});
    });
    IOMMUFD_CHECK(reached.has_value(), "an orbit's states all have successors in the same orbits");
    at = reached;
  }
  told.last = *at;
  return told;
}

}  // namespace iommufd_check::explore
