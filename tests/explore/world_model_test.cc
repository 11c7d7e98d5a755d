// The search of the World against searches that are simpler, runs that are longer, and itself under
// other names. Scopes are small, so that everything in them is compared.
#include "model/explore/world/world_model.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "model/explore/states/engine.h"
#include "model/program/designs.h"
#include "model/program/text/text_codec.h"
#include "tests/explore/naive_search.h"
#include "tests/explore/world_searches.h"

namespace iommufd_check::explore {
namespace {

using program::OpCode;
using spec::Invariant;
using State = WorldModel::State;

InvariantBits BrokenMask(const SearchOutcome& outcome) {
  InvariantBits mask = 0;
  for (std::size_t i = 0; i < outcome.invariants.size(); ++i) {
    if (outcome.invariants[i].broken > 0) mask |= InvariantBits{1} << i;
  }
  return mask;
}

TEST(WorldModel, ReferenceHoldsHoweverLongTheSequence) {
  const SearchOutcome outcome = Searched(WorldModel(Design("reference"), Standard(), {}), 64);
  EXPECT_EQ(outcome.ending, Ending::kExhausted);
  EXPECT_EQ(BrokenMask(outcome), 0u);
  EXPECT_TRUE(outcome.armed_by_transitions);
  EXPECT_EQ(outcome.dead_ends, 0u);
  // All but those of several tasks and of faults have something to say.
  for (const InvariantTally& invariant : outcome.invariants) {
    const std::string id = invariant.id.substr(0, 3);
    EXPECT_EQ(invariant.armed > 0, id != "I20" && id != "I21") << invariant.id;
    EXPECT_LE(invariant.armed, outcome.transitions);
  }
  EXPECT_EQ(outcome.states, 4140u);
  EXPECT_EQ(outcome.transitions, 35154u);
  EXPECT_EQ(outcome.depth, 38u);
}

TEST(WorldModel, AgreesWithTheNaiveSearch) {
  for (const char* design : {"reference", "v1"}) {
    const WorldModel model(Design(design), Standard(), {});
    const auto naive = support::NaiveSearch(model);
    const SearchOutcome outcome = Searched(model, WorldModel::kMaxDepth);
    EXPECT_EQ(outcome.states, naive.depth_of.size());
    EXPECT_EQ(outcome.transitions, naive.transitions);
    EXPECT_EQ(outcome.depth, naive.depth);
    for (std::size_t i = 0; i < outcome.invariants.size(); ++i) {
      EXPECT_EQ(outcome.invariants[i].broken, naive.broken[i]);
    }
    EXPECT_EQ(outcome.counterexample.has_value(), naive.shortest_violation.has_value());
    if (!outcome.counterexample.has_value()) continue;
    EXPECT_EQ(outcome.counterexample->steps.size(), *naive.shortest_violation + 1);
  }
}

// Depth first, last entry first: other sequences stand for the same states. States that a sequence
// of kMaxDepth reaches first are not expanded, which a graph this shallow never shows.
TEST(WorldModel, TheOrderOfTheSearchDoesNotShow) {
  const WorldScope scope{.operations = {OpCode::kMapFile, OpCode::kUnmap, OpCode::kLuMark,
                                        OpCode::kLuoPreserve, OpCode::kMemfdPunchHole}};
  const WorldModel model(Design("reference"), scope, {});
  std::set<State> seen;
  std::uint64_t transitions = 0;
  std::vector<State> stack;
  model.ForEachInitial([&](const State& state) { stack.push_back(state); });
  while (!stack.empty()) {
    const State state = stack.back();
    stack.pop_back();
    if (!seen.insert(state).second) continue;
    model.ForEachSuccessor(state, [&](const WorldModel::Action&, const State& next) {
      ++transitions;
      stack.push_back(next);
    });
  }
  const SearchOutcome outcome = Searched(model, WorldModel::kMaxDepth);
  EXPECT_EQ(outcome.ending, Ending::kExhausted);
  EXPECT_EQ(seen.size(), outcome.states);
  EXPECT_EQ(transitions, outcome.transitions);
}

using Key = std::pair<std::uint64_t, std::uint64_t>;
using KeyOf = Key (*)(const State&);

Key WholeKey(const State& state) { return {state.high, state.low}; }
// Planted: forgets the machine, and keeps what a caller knows.
Key NamesOnly(const State& state) { return {state.live, state.broken}; }

// What an entry leads to, as far as another sequence with the same key must lead there too.
struct Consequence {
  std::uint8_t entry;
  Key key;
  InvariantBits broken;
  InvariantBits armed;
  std::uint16_t live;
  std::uint8_t ended;
  bool operator==(const Consequence&) const = default;
};

std::vector<Consequence> ConsequencesOf(const WorldModel& model, const State& state, KeyOf key_of) {
  std::vector<Consequence> all;
  model.ForEachSuccessor(state, [&](const WorldModel::Action& action, const State& next) {
    all.push_back({action.entry, key_of(next), next.broken, next.armed, next.live, next.ended});
  });
  return all;
}

struct Purity {
  std::uint64_t compared = 0;  // Pairs of sequences with one key.
  std::uint64_t differ = 0;
};

// To `depth`, compares every key's first sequence with each of the next few that have it.
Purity ComparePairs(const WorldModel& model, int depth, KeyOf key_of) {
  Purity purity;
  std::map<Key, State> first;
  std::map<Key, int> others;
  std::vector<State> level;
  model.ForEachInitial([&](const State& state) {
    if (first.emplace(key_of(state), state).second) level.push_back(state);
  });
  for (int at = 0; at < depth; ++at) {
    std::vector<State> next_level;
    for (const State& state : level) {
      model.ForEachSuccessor(state, [&](const WorldModel::Action&, const State& next) {
        const auto [known, fresh] = first.emplace(key_of(next), next);
        if (fresh) return next_level.push_back(next);
        if (++others[known->first] > 3) return;
        ++purity.compared;
        purity.differ +=
            ConsequencesOf(model, next, key_of) != ConsequencesOf(model, known->second, key_of);
      });
    }
    level = next_level;
  }
  return purity;
}

// The fingerprint holds all that later behaviour depends on.
TEST(WorldModel, EqualFingerprintsHaveEqualSuccessors) {
  WorldScope two = Standard();
  two.hwpts = 2;
  two.regions = 2;
  two.tokens = 2;
  for (const char* design : {"reference", "v1"}) {
    for (const auto& [scope, depth] :
         {std::pair(Standard(), 12), std::pair(two, 3), std::pair(Everything(), 4)}) {
      const std::vector<Invariant> tolerated =
          std::string(design) == "v1" ? kKnownOfV1 : std::vector<Invariant>();
      const Purity purity =
          ComparePairs(WorldModel(Design(design), scope, Tolerating(tolerated)), depth, &WholeKey);
      EXPECT_GT(purity.compared, 500u) << design;
      EXPECT_EQ(purity.differ, 0u) << design;
    }
  }
}

// Past everything that breaks, where stale handles and forgotten registrations are.
TEST(WorldModel, EqualFingerprintsHaveEqualSuccessorsPastAllViolations) {
  std::vector<Invariant> all;
  for (int i = 0; i < spec::kInvariants; ++i) all.push_back(static_cast<Invariant>(i));
  const Purity purity =
      ComparePairs(WorldModel(Design("v1"), Standard(), Tolerating(all)), 7, &WholeKey);
  EXPECT_GT(purity.compared, 1000u);
  EXPECT_EQ(purity.differ, 0u);
}

TEST(WorldModel, AKeyThatForgetsTheMachineIsCaught) {
  const WorldModel model(Design("reference"), Standard(), {});
  EXPECT_GT(ComparePairs(model, 4, &NamesOnly).differ, 0u);
}

// Every state to `depth`, each once.
std::vector<State> StatesOf(const WorldModel& model, int depth) {
  std::set<State> seen;
  std::vector<State> all;
  const auto meet = [&](const State& state) {
    if (seen.insert(state).second) all.push_back(state);
  };
  model.ForEachInitial(meet);
  for (std::size_t i = 0; i < all.size(); ++i) {
    const State state = all[i];
    if (state.length == depth) continue;
    model.ForEachSuccessor(state,
                           [&](const WorldModel::Action&, const State& next) { meet(next); });
  }
  return all;
}

// A state's sequence, run whole as `iommufd-check run` does, breaks what the search says: nothing
// before its last operation, and there the same.
TEST(WorldModel, JudgesAsAWholeRunDoes) {
  for (const char* design : {"reference", "v1"}) {
    const WorldModel model(Design(design), Everything(), {});
    program::Executor executor;
    std::uint64_t broken = 0;
    for (const State& state : StatesOf(model, 4)) {
      const auto parsed = program::ParseProgram(model.Artefact(state), "state");
      ASSERT_TRUE(parsed.ok()) << parsed.status();
      const program::Execution& run = executor.Run(Design(design), *parsed);
      InvariantBits bits = 0;
      for (const spec::Violation& violation : run.violations) {
        bits |= BitOf(violation.invariant);
        EXPECT_GE(violation.operation + 1u, parsed->operations.size());
      }
      ASSERT_EQ(bits, state.broken) << model.Artefact(state);
      broken += bits != 0 ? 1 : 0;
      ASSERT_EQ(parsed->expected.size(), bits != 0 ? 1u : 0u);
    }
    EXPECT_EQ(broken > 0, std::string(design) == "v1");
  }
}

// Symmetry: every group with every design stands for exactly the unreduced search.
TEST(WorldModel, SymmetryStandsForAll) {
  struct Case {
    WorldScope scope;
    int depth;
    std::size_t renamings;
  };
  const std::vector<OpCode> standard = WorldAlphabet::StandardOperations();
  const std::vector<OpCode> everything = WorldAlphabet::AllOperations();
  const std::vector<Case> cases = {
      {{.operations = standard, .tokens = 2}, 12, 2},
      {{.operations = standard, .hwpts = 2, .tokens = 2}, 4, 4},
      {{.operations = standard, .hwpts = 3, .tokens = 3}, 2, 36},
      {{.operations = standard, .devices = 2, .hwpts = 2}, 5, 2},
      {{.operations = standard, .devices = 2, .hwpts = 3}, 3, 2},
      {{.operations = standard, .memfds = 2, .regions = 2}, 4, 2},
      {{.operations = standard, .memfds = 3}, 4, 6},
      {{.operations = standard, .sessions = 2}, 5, 2},
      {{.operations = everything, .devices = 2, .hwpts = 2, .memfds = 2, .tokens = 2}, 2, 8},
      {{.operations = everything, .devices = 3, .sessions = 2}, 3, 4},
      {{.operations = everything, .devices = 2, .hwpts = 3, .iommufds = 2}, 2, 2},
  };
  for (const char* design : {"reference", "v1"}) {
    for (const Case& c : cases) {
      for (const bool tolerant : {false, true}) {
        const WorldModel model(Design(design), c.scope,
                               tolerant ? Tolerating(kKnownOfV1) : program::FindingPolicy{});
        EXPECT_EQ(model.symmetry().size(), c.renamings);
        const auto depth = static_cast<std::uint64_t>(c.depth);
        const SearchOutcome plain = Searched(model, depth);
        const SearchOutcome reduced = Searched(model, depth, true);
        EXPECT_LT(reduced.states, plain.states);
        EXPECT_EQ(reduced.represented_states, plain.states) << design << " " << depth;
        EXPECT_EQ(reduced.represented_transitions, plain.transitions) << design << " " << depth;
        EXPECT_EQ(reduced.depth, plain.depth);
        EXPECT_EQ(BrokenMask(reduced), BrokenMask(plain));
        ASSERT_EQ(reduced.counterexample.has_value(), plain.counterexample.has_value());
        if (!plain.counterexample.has_value()) continue;
        EXPECT_EQ(reduced.counterexample->steps.size(), plain.counterexample->steps.size());
        EXPECT_EQ(reduced.counterexample->invariant, plain.counterexample->invariant);
      }
    }
  }
}

TEST(WorldModel, ACanonicalStateIsOneOfItsOrbit) {
  WorldScope scope = Standard();
  scope.devices = 2;
  scope.hwpts = 2;
  scope.tokens = 2;
  const WorldModel model(Design("reference"), scope, {});
  std::map<State, std::set<State>> orbits;
  for (const State& state : StatesOf(model, 4)) orbits[model.Canonical(state)].insert(state);
  bool reduced = false;
  for (const auto& [canonical, members] : orbits) {
    EXPECT_TRUE(members.contains(canonical));
    EXPECT_EQ(model.Canonical(canonical), canonical);
    for (const State& member : members) ASSERT_EQ(model.OrbitSize(member), members.size());
    reduced = reduced || members.size() > 1;
  }
  EXPECT_TRUE(reduced);
}

// A machine that was kept and extended is one that was run from its start.
TEST(WorldModel, AStateIsTheSameFromItsStart) {
  const WorldModel model(Design("v1"), Everything(), Tolerating(kKnownOfV1));
  program::Executor executor;
  for (const State& state : StatesOf(model, 3)) {
    if (state.length == 0) continue;
    program::Program whole = *program::ParseProgram(model.Artefact(state), "state");
    const program::Operation last = whole.operations.back();
    const sim::Fingerprint straight = executor.Keep(Design("v1"), whole).boundary;
    whole.operations.pop_back();
    executor.Keep(Design("v1"), whole);
    ASSERT_EQ(executor.Extend(last).boundary, straight) << model.Artefact(state);
  }
}

// Each state that breaks something prints a program that breaks it, whoever runs it.
TEST(WorldModel, PrintsProgramsThatReplay) {
  WorldScope scope = Standard();
  scope.hwpts = 2;
  scope.tokens = 2;
  const WorldModel model(Design("v1"), scope, Tolerating(kKnownOfV1));
  program::Executor executor;
  std::uint32_t seen = 0;
  for (const State& state : StatesOf(model, 4)) {
    if (state.broken == 0) continue;
    const auto text = program::ParseProgram(model.Artefact(state), "state.prog");
    ASSERT_TRUE(text.ok()) << text.status();
    EXPECT_EQ(text->design, "v1");
    ASSERT_EQ(text->expected.size(), 1u);
    const auto subject = spec::InvariantFromName(text->expected[0].invariant);
    ASSERT_TRUE(subject.has_value());
    EXPECT_NE(state.broken >> static_cast<int>(*subject) & 1, 0u);
    const program::Execution& run = executor.Run(Design("v1"), *text);
    EXPECT_NE(run.Find(*subject), nullptr) << model.Artefact(state);
    seen |= state.broken;
  }
  EXPECT_GE(std::popcount(seen), 4);
}

TEST(WorldModel, DescribesWhatAStateHolds) {
  const WorldModel model(Design("v1"), Standard(), {});
  const SearchOutcome outcome = Searched(model, WorldModel::kMaxDepth, false, true);
  ASSERT_TRUE(outcome.counterexample.has_value());
  EXPECT_EQ(outcome.counterexample->steps[0].state,
            "answer 0; areas 0; hwpts 1, marked 0; immutable 0; files 0; registered pages 0; "
            "broken");
  EXPECT_EQ(outcome.counterexample->steps[1].task, "main");
  EXPECT_EQ(outcome.counterexample->steps[1].state,
            "answer 0; areas 0; hwpts 1, marked 0; immutable 0; files 1; registered pages 5; "
            "broken I26");
}

TEST(WorldModel, ASequenceHasAnEnd) {
  const WorldModel model(Design("reference"), {.operations = {OpCode::kUnmap}}, {});
  State state;
  model.ForEachInitial([&](const State& initial) { state = initial; });
  for (std::size_t i = 0; i < WorldModel::kMaxDepth; ++i) {
    State next;
    model.ForEachSuccessor(state, [&](const WorldModel::Action&, const State& s) { next = s; });
    ASSERT_EQ(next.length, i + 1);
    state = next;
  }
  model.ForEachSuccessor(state, [&](const WorldModel::Action&, const State&) { ADD_FAILURE(); });
}

}  // namespace
}  // namespace iommufd_check::explore
