#include "model/explore/states/toy_model.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <numeric>
#include <set>
#include <string>
#include <vector>

#include "model/explore/states/engine.h"
#include "tests/explore/naive_search.h"

namespace iommufd_check::explore {
namespace {

using support::NaiveSearch;
using State = ToyModel::State;

SearchOutcome Searched(const ToyModel& model, const SearchOptions& options) {
  absl::StatusOr<SearchOutcome> outcome = Search(model, options, nullptr);
  EXPECT_TRUE(outcome.ok()) << outcome.status();
  return outcome.ok() ? *outcome : SearchOutcome();
}

std::uint64_t Power(std::uint64_t base, int exponent) {
  std::uint64_t product = 1;
  for (int i = 0; i < exponent; ++i) product *= base;
  return product;
}

// With the lock free every worker is idle or wants one of 4P things, over any of the 3^P states of
// the pages. With the lock held by one of N workers, the others are as before; the holder is at
// check or done with any of 4P things, or at alloc or commit with one that applies to its page: of
// the three states of a page one admits map, one unmap and preserve, one unpreserve.
struct Numbers {
  std::uint64_t states;
  std::uint64_t transitions;
};
Numbers ByFormula(int workers, int pages) {
  const auto n = static_cast<std::uint64_t>(workers);
  const auto things = 4 * static_cast<std::uint64_t>(pages);
  const std::uint64_t outside = things + 1;
  const std::uint64_t any_thing = things * Power(3, pages);
  const std::uint64_t applicable = things * Power(3, pages - 1);
  const std::uint64_t inside = 2 * any_thing + 2 * applicable;
  const std::uint64_t others = Power(outside, workers - 1);
  Numbers numbers;
  numbers.states = Power(3, pages) * Power(outside, workers) + n * others * inside;
  // An idle worker can choose each thing; one that wants the free lock takes it.
  numbers.transitions = 2 * n * others * any_thing;
  if (workers > 1) {
    numbers.transitions += n * (n - 1) * Power(outside, workers - 2) * things * inside;
  }
  // The holder: one step from check, done and commit, two from alloc.
  numbers.transitions += n * others * (2 * any_thing + 3 * applicable);
  return numbers;
}

TEST(ToyModel, TheFormulaGivesTheKnownNumbers) {
  EXPECT_EQ(ByFormula(4, 3).states, 8363979u);
  EXPECT_EQ(ByFormula(4, 3).transitions, 35262864u);
}

TEST(ToyModel, CountsFollowTheFormula) {
  for (int workers = 1; workers <= 3; ++workers) {
    for (int pages = 1; pages <= 3; ++pages) {
      const Numbers expected = ByFormula(workers, pages);
      if (expected.states > 60000) continue;
      const SearchOutcome outcome = Searched(ToyModel(workers, pages, ToyModel::Plant::kNone), {});
      EXPECT_EQ(outcome.ending, Ending::kExhausted);
      EXPECT_EQ(outcome.states, expected.states) << workers << " " << pages;
      EXPECT_EQ(outcome.transitions, expected.transitions) << workers << " " << pages;
      EXPECT_EQ(outcome.dead_ends, 0u);
      EXPECT_GT(outcome.invariants[0].armed, 0u);
      EXPECT_EQ(outcome.invariants[0].armed, outcome.invariants[1].armed);
    }
  }
}

TEST(ToyModel, AgreesWithTheNaiveSearch) {
  for (const auto& [workers, pages] : {std::pair(1, 4), {2, 2}, {3, 1}}) {
    const ToyModel model(workers, pages, ToyModel::Plant::kNone);
    const auto naive = NaiveSearch(model);
    for (const KeyKind keys :
         {KeyKind::kExact, KeyKind::kFingerprint64, KeyKind::kFingerprint128}) {
      const SearchOutcome outcome = Searched(model, {.keys = keys});
      EXPECT_EQ(outcome.states, naive.depth_of.size());
      EXPECT_EQ(outcome.transitions, naive.transitions);
      EXPECT_EQ(outcome.depth, naive.depth);
      EXPECT_EQ(outcome.invariants[0].armed, naive.armed[0]);
    }
  }
}

// All renamings of a state, by trying every permutation of workers and of pages on its fields.
std::set<State> Orbit(const ToyModel& model, const State& state, int workers, int pages) {
  std::set<State> orbit;
  std::vector<int> worker_order(static_cast<std::size_t>(workers));
  std::iota(worker_order.begin(), worker_order.end(), 0);
  const int page_shift = 7 * workers;
  const int owner_shift = page_shift + 2 * pages;
  do {
    std::vector<unsigned> page_order(static_cast<std::size_t>(pages));
    std::iota(page_order.begin(), page_order.end(), 0u);
    do {
      State renamed;
      for (int to = 0; to < workers; ++to) {
        const int from = worker_order[static_cast<std::size_t>(to)];
        const unsigned pc = model.PcOf(state, from);
        const unsigned page = pc == ToyModel::kIdle ? 0 : page_order[model.PageOf(state, from)];
        const std::uint64_t field = pc | model.OpOf(state, from) << 3 | page << 5;
        renamed.bits |= field << (7 * to);
        if (model.Owner(state) == static_cast<unsigned>(from) + 1) {
          renamed.bits |= (static_cast<std::uint64_t>(to) + 1) << owner_shift;
        }
      }
      for (unsigned page = 0; page < static_cast<unsigned>(pages); ++page) {
        const unsigned shift = static_cast<unsigned>(page_shift) + 2 * page_order[page];
        renamed.bits |= std::uint64_t{model.StateOfPage(state, page)} << shift;
      }
      orbit.insert(renamed);
    } while (std::next_permutation(page_order.begin(), page_order.end()));
  } while (std::next_permutation(worker_order.begin(), worker_order.end()));
  return orbit;
}

TEST(ToyModel, CanonicalChoosesOneStateOfEachOrbit) {
  for (const auto& [workers, pages] : {std::pair(2, 2), {3, 1}, {1, 3}}) {
    const ToyModel model(workers, pages, ToyModel::Plant::kNone);
    const auto naive = NaiveSearch(model);
    std::set<State> representatives;
    std::uint64_t represented = 0;
    for (const auto& [state, depth] : naive.depth_of) {
      const std::set<State> orbit = Orbit(model, state, workers, pages);
      const State canonical = model.Canonical(state);
      ASSERT_TRUE(orbit.contains(canonical));
      ASSERT_EQ(model.OrbitSize(state), orbit.size());
      for (const State& other : orbit) ASSERT_EQ(model.Canonical(other), canonical);
      if (representatives.insert(canonical).second) represented += orbit.size();
    }
    const SearchOutcome reduced = Searched(model, {.symmetry = true});
    EXPECT_EQ(reduced.states, representatives.size());
    EXPECT_EQ(represented, naive.depth_of.size());
    EXPECT_EQ(reduced.represented_states, naive.depth_of.size());
    EXPECT_EQ(reduced.represented_transitions, naive.transitions);
  }
}

TEST(ToyModel, SymmetryFindsTheKnownOrbits) {
  const SearchOutcome reduced =
      Searched(ToyModel(4, 3, ToyModel::Plant::kNone), {.symmetry = true});
  EXPECT_EQ(reduced.states, 76985u);
  EXPECT_EQ(reduced.represented_states, ByFormula(4, 3).states);
  EXPECT_EQ(reduced.represented_transitions, ByFormula(4, 3).transitions);
  EXPECT_EQ(reduced.ending, Ending::kExhausted);
}

TEST(ToyModel, PlantsGiveShortestCounterexamples) {
  for (const std::string& name : ToyModel::PlantNames()) {
    const ToyModel model(2, 2, *ToyModel::PlantNamed(name));
    const auto naive = NaiveSearch(model);
    ASSERT_TRUE(naive.shortest_violation.has_value());
    for (const bool symmetry : {false, true}) {
      const SearchOutcome outcome = Searched(model, {.symmetry = symmetry});
      EXPECT_EQ(outcome.ending, Ending::kViolation) << name;
      ASSERT_TRUE(outcome.counterexample.has_value());
      EXPECT_EQ(outcome.counterexample->invariant, "plant:" + name);
      EXPECT_EQ(outcome.counterexample->steps.size(), *naive.shortest_violation + 1) << name;
      EXPECT_EQ(outcome.invariants[2].broken > 0, true);
    }
  }
}

// Map a page, preserve it, and bring any operation to commit: 6 + 6 + 4 steps.
TEST(ToyModel, ATraceIsARunOfTheModel) {
  const ToyModel model(3, 2, ToyModel::Plant::kPreservedAtCommit);
  for (const bool symmetry : {false, true}) {
    const SearchOutcome outcome = Searched(model, {.symmetry = symmetry});
    ASSERT_TRUE(outcome.counterexample.has_value());
    ASSERT_EQ(outcome.counterexample->steps.size(), 17u);
    State at;
    for (std::size_t i = 1; i < 17; ++i) {
      const TraceStep& step = outcome.counterexample->steps[i];
      bool found = false;
      State next;
      model.ForEachSuccessor(at, [&](const ToyModel::Action& action, const State& to) {
        if (found || model.TaskOf(action) != step.task) return;
        if (model.Describe(action) != step.action || model.Describe(to) != step.state) return;
        found = true;
        next = to;
      });
      ASSERT_TRUE(found) << i << " " << step.action;
      at = next;
    }
    EXPECT_NE(model.Check(at).broken, 0u);
  }
}

TEST(ToyModel, KnowsItsPlants) {
  EXPECT_EQ(ToyModel::PlantNames().size(), 2u);
  EXPECT_EQ(ToyModel::PlantNamed("all-preserved"), ToyModel::Plant::kAllPreserved);
  EXPECT_FALSE(ToyModel::PlantNamed("nonsense").has_value());
  EXPECT_EQ(ToyModel(1, 1, ToyModel::Plant::kNone).InvariantIds().size(), 2u);
  EXPECT_DEATH(ToyModel(7, 1, ToyModel::Plant::kNone), "three bits");
}

}  // namespace
}  // namespace iommufd_check::explore
