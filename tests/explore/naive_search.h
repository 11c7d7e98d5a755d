// The reference that searches are compared with: a queue, a sorted set of whole states, nothing
// else. Slow on purpose.
#pragma once

#include <bit>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "model/explore/states/model_concept.h"

namespace iommufd_check::explore::support {

template <typename State>
struct NaiveResult {
  std::map<State, std::uint64_t> depth_of;
  std::uint64_t transitions = 0;
  std::uint64_t depth = 0;
  std::vector<std::uint64_t> armed = std::vector<std::uint64_t>(kMaxInvariants);
  std::vector<std::uint64_t> broken = std::vector<std::uint64_t>(kMaxInvariants);
  std::optional<std::uint64_t> shortest_violation;  // Steps.
};

template <SearchModel Model>
NaiveResult<typename Model::State> NaiveSearch(const Model& model) {
  using State = typename Model::State;
  NaiveResult<State> result;
  std::deque<State> queue;
  const auto meet = [&](const State& state, std::uint64_t depth) {
    if (!result.depth_of.emplace(state, depth).second) return;
    queue.push_back(state);
    result.depth = depth;
    const StateVerdict verdict = model.Check(state);
    for (std::size_t i = 0; i < kMaxInvariants; ++i) {
      result.armed[i] += verdict.armed >> i & 1;
      result.broken[i] += verdict.broken >> i & 1;
    }
    if (verdict.broken != 0 && !result.shortest_violation) result.shortest_violation = depth;
  };
  model.ForEachInitial([&](const State& state) { meet(state, 0); });
  while (!queue.empty()) {
    const State state = queue.front();
    queue.pop_front();
    const std::uint64_t depth = result.depth_of.at(state);
    VisitSuccessors(model, state, [&](const auto&, const State& next) {
      ++result.transitions;
      meet(next, depth + 1);
    });
  }
  return result;
}

}  // namespace iommufd_check::explore::support
