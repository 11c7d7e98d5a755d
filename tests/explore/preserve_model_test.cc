#include "model/explore/states/preserve_model.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "model/explore/states/engine.h"
#include "tests/explore/naive_search.h"

namespace iommufd_check::explore {
namespace {

using support::NaiveSearch;
using State = PreserveModel::State;
using Variant = PreserveModel::Variant;

SearchOutcome Searched(const PreserveModel& model, const SearchOptions& options) {
  absl::StatusOr<SearchOutcome> outcome = Search(model, options, nullptr);
  EXPECT_TRUE(outcome.ok()) << outcome.status();
  return outcome.ok() ? *outcome : SearchOutcome();
}

PreserveModel Model(int mappers, int hwpts, Variant variant) {
  return PreserveModel(mappers, hwpts, variant, PreserveModel::Plant::kNone);
}

const std::vector<Variant> kAllVariants = {Variant::kCounted, Variant::kInsertTest,
                                           Variant::kSharedBool, Variant::kUngated};

TEST(PreserveModel, AgreesWithTheNaiveSearch) {
  for (const Variant variant : kAllVariants) {
    const PreserveModel model = Model(2, 2, variant);
    const auto naive = NaiveSearch(model);
    const SearchOutcome all = Searched(model, {.stop_at_violation = false});
    EXPECT_EQ(all.states, naive.depth_of.size());
    EXPECT_EQ(all.transitions, naive.transitions);
    EXPECT_EQ(all.depth, naive.depth);
    EXPECT_EQ(all.dead_ends, 0u);
    for (std::size_t i = 0; i < all.invariants.size(); ++i) {
      EXPECT_EQ(all.invariants[i].armed, naive.armed[i]);
      EXPECT_EQ(all.invariants[i].broken, naive.broken[i]);
    }
    const SearchOutcome first = Searched(model, {});
    EXPECT_EQ(first.counterexample.has_value(), naive.shortest_violation.has_value());
    if (first.counterexample.has_value()) {
      EXPECT_EQ(first.counterexample->steps.size(), *naive.shortest_violation + 1);
    }
  }
}

TEST(PreserveModel, SymmetryKeepsVerdictAndStandsForAll) {
  for (const Variant variant : kAllVariants) {
    const PreserveModel model = Model(3, 2, variant);
    const SearchOutcome plain = Searched(model, {.stop_at_violation = false});
    const SearchOutcome reduced = Searched(model, {.symmetry = true, .stop_at_violation = false});
    EXPECT_LT(reduced.states, plain.states);
    EXPECT_EQ(reduced.represented_states, plain.states);
    EXPECT_EQ(reduced.represented_transitions, plain.transitions);
    EXPECT_EQ(reduced.depth, plain.depth);
    EXPECT_EQ(reduced.ending, plain.ending);
    ASSERT_EQ(reduced.counterexample.has_value(), plain.counterexample.has_value());
    if (!plain.counterexample.has_value()) continue;
    EXPECT_EQ(reduced.counterexample->invariant, plain.counterexample->invariant);
    EXPECT_EQ(reduced.counterexample->steps.size(), plain.counterexample->steps.size());
  }
}

TEST(PreserveModel, OrbitsAreCountedRightly) {
  const PreserveModel model = Model(3, 1, Variant::kSharedBool);
  std::map<State, std::set<State>> orbits;
  for (const auto& [state, depth] : NaiveSearch(model).depth_of) {
    orbits[model.Canonical(state)].insert(state);
  }
  size_t largest = 0;
  for (const auto& [canonical, members] : orbits) {
    EXPECT_TRUE(members.contains(canonical));
    for (const State& member : members) ASSERT_EQ(model.OrbitSize(member), members.size());
    largest = std::max(largest, members.size());
  }
  EXPECT_EQ(largest, 6u) << "three mappers in any order";
}

TEST(PreserveModel, PackingTellsStatesApart) {
  for (const Variant variant : {Variant::kCounted, Variant::kUngated}) {
    const PreserveModel model = Model(2, 3, variant);
    std::set<std::uint64_t> packed;
    const auto naive = NaiveSearch(model);
    for (const auto& [state, depth] : naive.depth_of) {
      ASSERT_LT(model.Packed(state), std::uint64_t{1} << model.PackedBits());
      packed.insert(model.Packed(state));
    }
    EXPECT_EQ(packed.size(), naive.depth_of.size());
  }
}

// The right design, under every interleaving and every fault, at several sizes.
TEST(PreserveModel, CountedHolds) {
  for (int mappers = 1; mappers <= 3; ++mappers) {
    for (int hwpts = 1; hwpts <= 3; ++hwpts) {
      const SearchOutcome outcome =
          Searched(Model(mappers, hwpts, Variant::kCounted), {.symmetry = true});
      EXPECT_EQ(outcome.ending, Ending::kExhausted) << mappers << " " << hwpts;
      for (const InvariantTally& invariant : outcome.invariants) {
        EXPECT_GT(invariant.armed, 0u) << invariant.id;
        EXPECT_EQ(invariant.broken, 0u) << invariant.id;
      }
    }
  }
}

std::vector<std::string> Actions(const SearchOutcome& outcome) {
  std::vector<std::string> actions;
  for (const TraceStep& step : outcome.counterexample->steps) {
    if (!step.task.empty()) actions.push_back(step.task + ": " + step.action);
  }
  return actions;
}

// The area is inserted, and found not to be refused, before the flag is set.
TEST(PreserveModel, InsertTestLetsAMapFillAPreservedDomain) {
  const SearchOutcome outcome = Searched(Model(1, 1, Variant::kInsertTest), {});
  ASSERT_TRUE(outcome.counterexample.has_value());
  EXPECT_EQ(outcome.counterexample->invariant, "no-writer-on-preserved");
  std::vector<std::string> actions = Actions(outcome);
  EXPECT_EQ(actions.back(), "mapper 0: fill domain 0");
  const auto at = [&actions](const std::string& action) {
    return std::find(actions.begin(), actions.end(), action) - actions.begin();
  };
  EXPECT_LT(at("mapper 0: insert area"), at("live update: set immutable, up_write"));
  EXPECT_LT(at("live update: register domain 0"), at("mapper 0: fill domain 0"));
  EXPECT_EQ(actions.size(), 9u);
}

// One domain cannot show it: the flag is cleared too early only for the second.
TEST(PreserveModel, SharedBoolNeedsTwoDomainsToBreak) {
  EXPECT_EQ(Searched(Model(2, 1, Variant::kSharedBool), {}).ending, Ending::kExhausted);
  const SearchOutcome outcome = Searched(Model(2, 2, Variant::kSharedBool), {});
  ASSERT_TRUE(outcome.counterexample.has_value());
  EXPECT_EQ(outcome.counterexample->invariant, "immutable-coverage");
  EXPECT_EQ(Actions(outcome).back(), "live update: clear immutable, up_write");
  // Left to go on, a map then reaches the domain that is still registered.
  const SearchOutcome all =
      Searched(Model(2, 2, Variant::kSharedBool), {.stop_at_violation = false});
  EXPECT_GT(all.invariants[1].broken, 0u);
}

TEST(PreserveModel, UngatedBreaksAtTheFirstRegistration) {
  const SearchOutcome outcome = Searched(Model(1, 1, Variant::kUngated), {});
  ASSERT_TRUE(outcome.counterexample.has_value());
  EXPECT_EQ(Actions(outcome),
            (std::vector<std::string>{"live update: preserve", "live update: register domain 0"}));
}

TEST(PreserveModel, APlantShowsAWholePreserve) {
  const PreserveModel model(1, 2, Variant::kCounted, PreserveModel::Plant::kAllRegistered);
  const SearchOutcome outcome = Searched(model, {});
  ASSERT_TRUE(outcome.counterexample.has_value());
  EXPECT_EQ(outcome.counterexample->invariant, "plant:all-registered");
  EXPECT_EQ(outcome.counterexample->steps.size() - 1, 9u);  // Begin, and four for each domain.
}

TEST(PreserveModel, KnowsItsNames) {
  const std::vector<std::string> names = PreserveModel::VariantNames();
  EXPECT_EQ(names, (std::vector<std::string>{"counted", "insert-test", "shared-bool", "ungated"}));
  for (std::size_t i = 0; i < names.size(); ++i) {
    EXPECT_EQ(PreserveModel::VariantNamed(names[i]), kAllVariants[i]);
  }
  EXPECT_FALSE(PreserveModel::VariantNamed("v9").has_value());
  EXPECT_FALSE(PreserveModel::PlantNamed("nonsense").has_value());
  EXPECT_DEATH(PreserveModel(5, 1, Variant::kCounted, PreserveModel::Plant::kNone), "room");
}

}  // namespace
}  // namespace iommufd_check::explore
