#include "model/explore/states/engine.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "tests/explore/naive_search.h"
#include "tests/explore/small_models.h"

namespace iommufd_check::explore {
namespace {

using support::GridModel;
using support::NaiveSearch;
using support::SubsetModel;

template <typename Model>
SearchOutcome Searched(const Model& model, const SearchOptions& options) {
  absl::StatusOr<SearchOutcome> outcome = Search(model, options, nullptr);
  EXPECT_TRUE(outcome.ok()) << outcome.status();
  return outcome.ok() ? *outcome : SearchOutcome();
}

TEST(Search, CountsAGridByFormula) {
  for (const KeyKind keys : {KeyKind::kFingerprint64, KeyKind::kFingerprint128}) {
    const SearchOutcome outcome = Searched(GridModel(40, 25), {.keys = keys});
    EXPECT_EQ(outcome.ending, Ending::kExhausted);
    EXPECT_EQ(outcome.states, 40u * 25);
    EXPECT_EQ(outcome.transitions, 39u * 25 + 40 * 24);
    EXPECT_EQ(outcome.depth, 63u);
    EXPECT_EQ(outcome.dead_ends, 1u);
    EXPECT_EQ(outcome.widest_level, 25u);
    EXPECT_EQ(outcome.invariants[0].armed, 39u * 24);
    EXPECT_FALSE(outcome.exact_keys);
    EXPECT_GT(outcome.collision_probability, 0);
  }
}

TEST(Search, CountsSubsetsByFormulaWithAndWithoutSymmetry) {
  for (int n = 1; n <= 12; ++n) {
    const SearchOutcome plain = Searched(SubsetModel(n), {});
    EXPECT_EQ(plain.states, 1u << n);
    EXPECT_EQ(plain.transitions, static_cast<unsigned>(n) << (n - 1));
    EXPECT_EQ(plain.depth, static_cast<unsigned>(n));
    EXPECT_EQ(plain.collision_probability, 0);

    const SearchOutcome reduced = Searched(SubsetModel(n), {.symmetry = true});
    EXPECT_EQ(reduced.states, static_cast<unsigned>(n) + 1);
    EXPECT_EQ(reduced.represented_states, plain.states);
    EXPECT_EQ(reduced.represented_transitions, plain.transitions);
    EXPECT_EQ(reduced.depth, plain.depth);
  }
}

TEST(Search, CountsEachInitialStateOnce) {
  const SearchOutcome outcome = Searched(SubsetModel(6, 4), {});
  EXPECT_EQ(outcome.states, 64u - 4);  // Without {} and the subsets of the two bits not started at.
  EXPECT_EQ(outcome.depth, 5u);
  EXPECT_EQ(Searched(SubsetModel(6, 4), {.symmetry = true}).states, 6u);
}

TEST(Search, AgreesWithTheNaiveOne) {
  GridModel model(17, 9);
  model.Forbid(35);
  const auto naive = NaiveSearch(model);
  const SearchOutcome all =
      Searched(model, {.keys = KeyKind::kFingerprint64, .stop_at_violation = false});
  EXPECT_EQ(all.states, naive.depth_of.size());
  EXPECT_EQ(all.transitions, naive.transitions);
  EXPECT_EQ(all.depth, naive.depth);
  EXPECT_EQ(all.invariants[0].armed, naive.armed[0]);
  EXPECT_EQ(all.invariants[0].broken, naive.broken[0]);
  EXPECT_EQ(all.ending, Ending::kViolation);
  ASSERT_TRUE(all.counterexample.has_value());
  EXPECT_EQ(all.counterexample->steps.size(), *naive.shortest_violation + 1);
}

TEST(Search, ReportsTheLeastShortestCounterexample) {
  GridModel model(30, 30);
  model.Forbid(35);  // (5, 7) and (7, 5) at depth 12; the first is the lesser state.
  const SearchOutcome outcome = Searched(model, {.keys = KeyKind::kFingerprint64});
  EXPECT_EQ(outcome.ending, Ending::kViolation);
  EXPECT_EQ(outcome.depth, 12u);
  ASSERT_TRUE(outcome.counterexample.has_value());
  const std::vector<TraceStep>& steps = outcome.counterexample->steps;
  EXPECT_EQ(outcome.counterexample->invariant, "not-the-product");
  ASSERT_EQ(steps.size(), 13u);
  EXPECT_EQ(steps.front().state, "0,0");
  EXPECT_EQ(steps.front().action, "");
  EXPECT_EQ(steps.back().state, "5,7");
  EXPECT_EQ(steps.back().action, "right");
  EXPECT_EQ(steps.back().task, "walker");
}

TEST(Search, FindsAViolationInTheInitialState) {
  class BadFromTheStart : public SubsetModel {
   public:
    BadFromTheStart() : SubsetModel(3) {}
    StateVerdict Check(const State& s) const {
      StateVerdict verdict;
      verdict.Note(0, true, s.bits != 0);
      return verdict;
    }
  };
  const SearchOutcome outcome = Searched(BadFromTheStart(), {});
  EXPECT_EQ(outcome.ending, Ending::kViolation);
  EXPECT_EQ(outcome.states, 1u);
  EXPECT_EQ(outcome.transitions, 0u);
  ASSERT_TRUE(outcome.counterexample.has_value());
  EXPECT_EQ(outcome.counterexample->steps.size(), 1u);
}

TEST(Search, EndsAtTheDepthBound) {
  for (std::uint64_t bound = 0; bound < 10; ++bound) {
    const SearchOutcome outcome = Searched(SubsetModel(10), {.limits = {.max_depth = bound}});
    EXPECT_EQ(outcome.ending, Ending::kDepthBound);
    EXPECT_EQ(outcome.depth, bound);
    const auto naive = NaiveSearch(SubsetModel(10));
    std::uint64_t within = 0;
    for (const auto& [state, depth] : naive.depth_of) within += depth <= bound;
    EXPECT_EQ(outcome.states, within);
  }
  // Whether anything lies beyond the last level is only known by looking.
  const SearchOutcome last = Searched(SubsetModel(10), {.limits = {.max_depth = 10}});
  EXPECT_EQ(last.ending, Ending::kDepthBound);
  EXPECT_EQ(last.states, 1024u);
  EXPECT_EQ(Searched(SubsetModel(10), {.limits = {.max_depth = 11}}).ending, Ending::kExhausted);
}

TEST(Search, EndsAtTheStateBoundWithWholeLevels) {
  // Levels of 1, 10, 45, 120, ... states.
  const SearchOutcome outcome = Searched(SubsetModel(10), {.limits = {.max_states = 100}});
  EXPECT_EQ(outcome.ending, Ending::kStateBound);
  EXPECT_EQ(outcome.states, 56u);
  EXPECT_EQ(outcome.depth, 2u);
  EXPECT_EQ(outcome.transitions, 10u + 90);
  EXPECT_EQ(Searched(SubsetModel(10), {.limits = {.max_states = 1024}}).ending, Ending::kExhausted);
  EXPECT_EQ(Searched(SubsetModel(10), {.limits = {.max_states = 1023}}).ending,
            Ending::kStateBound);
  // Even the initial states can be too many.
  const SearchOutcome none = Searched(SubsetModel(10, 4), {.limits = {.max_states = 3}});
  EXPECT_EQ(none.ending, Ending::kStateBound);
  EXPECT_EQ(none.states, 0u);
}

TEST(Search, ABoundDoesNotHideAViolationBeforeIt) {
  GridModel model(30, 30);
  model.Forbid(35);
  SearchOptions options{.keys = KeyKind::kFingerprint64};
  options.limits.max_depth = 12;
  EXPECT_EQ(Searched(model, options).ending, Ending::kViolation);
  options.limits.max_depth = 11;
  EXPECT_EQ(Searched(model, options).ending, Ending::kDepthBound);
}

TEST(Search, RefusesOptionsInWords) {
  const auto message = [](const SearchOptions& options) {
    const absl::StatusOr<SearchOutcome> outcome = Search(GridModel(2, 2), options, nullptr);
    EXPECT_EQ(outcome.status().code(), absl::StatusCode::kInvalidArgument);
    return std::string(outcome.status().message());
  };
  EXPECT_NE(message({.threads = 0}).find("give 1 to 64"), std::string::npos);
  EXPECT_NE(message({.threads = 65}).find("--threads=65"), std::string::npos);
  EXPECT_NE(message({}).find("--fingerprint_bits=64"), std::string::npos);
  EXPECT_NE(message({.symmetry = true}).find("without --symmetry"), std::string::npos);
  EXPECT_NE(message({.limits = {.max_memory_bytes = 1000}}).find("--max_memory=1000"),
            std::string::npos);
  EXPECT_NE(message({.limits = {.max_states = 0}}).find("would visit nothing"), std::string::npos);
}

}  // namespace
}  // namespace iommufd_check::explore
