// The reductions against no reduction on random small programs: the same final states, deadlocks
// included, and as many traces as no reduction meets distinct ones. A reduction that forgets a
// dependency must be noticed.

#include <gtest/gtest.h>

#include <cstdint>
#include <set>
#include <vector>

#include "model/explore/schedules/interleavings.h"
#include "model/explore/schedules/linear_extensions.h"
#include "model/explore/schedules/place_closure.h"
#include "tests/explore/random_tasks.h"
#include "tests/explore/task_subject.h"

namespace iommufd_check::explore {
namespace {

constexpr int kPrograms = 1000;

struct Result {
  std::set<std::vector<int64_t>> final_states;
  std::set<sim::Fingerprint> traces;
  InterleavingCounts counts;
  friend bool operator==(const Result& a, const Result& b) {
    return a.final_states == b.final_states && a.traces == b.traces;
  }
};

Result Explore(uint32_t seed, const InterleavingOptions& options) {
  TaskSubject subject(2, 2, RandomTasks(seed));
  Interleavings explorer(&subject, options);
  Result result;
  result.counts = explorer.Explore([&](const Subject&) {
    std::vector<int64_t> state = subject.values();
    state.push_back(static_cast<int64_t>(subject.end()));
    result.final_states.insert(state);
    result.traces.insert(explorer.TraceFingerprint());
    return true;
  });
  EXPECT_TRUE(result.counts.exhausted);
  return result;
}

// The same in parts. Counts are sums; `executions` is more than of the whole.
Result ExploreInParts(uint32_t seed, const InterleavingOptions& options, uint128* interleavings) {
  TaskSubject subject(2, 2, RandomTasks(seed));
  Result result;
  *interleavings = 0;
  for (const PathStart& start : CutIntoParts(&subject, options, 4, 1)) {
    Interleavings explorer(&subject, options);
    const InterleavingCounts counts = explorer.ExploreFrom(start, [&](const Subject&) {
      std::vector<int64_t> state = subject.values();
      state.push_back(static_cast<int64_t>(subject.end()));
      result.final_states.insert(state);
      result.traces.insert(explorer.TraceFingerprint());
      *interleavings =
          SaturatingSum(*interleavings, CountInterleavings(explorer.order(), kCheapCombinations));
      return true;
    });
    EXPECT_TRUE(counts.exhausted);
    result.counts.traces += counts.traces;
  }
  return result;
}

TEST(DporCrossCheck, PartsAreDisjointAndCompleteAndStandForAllInterleavings) {
  for (uint32_t seed = 0; seed < kPrograms; ++seed) {
    const Result none = Explore(seed, {.reduction = Reduction::kNone});
    for (const Reduction reduction : {Reduction::kSleep, Reduction::kDpor}) {
      uint128 interleavings = 0;
      const Result parts = ExploreInParts(seed, {.reduction = reduction}, &interleavings);
      ASSERT_TRUE(none == parts) << "seed " << seed;
      ASSERT_EQ(parts.counts.traces, parts.traces.size()) << "a trace twice, seed " << seed;
      ASSERT_TRUE(interleavings == none.counts.traces) << "seed " << seed;
    }
  }
}

TEST(DporCrossCheck, RandomProgramsEndAsWithoutReduction) {
  uint64_t all = 0;
  uint64_t reduced = 0;
  uint64_t deadlocks = 0;
  for (uint32_t seed = 0; seed < kPrograms; ++seed) {
    const Result none = Explore(seed, {.reduction = Reduction::kNone});
    const Result sleep = Explore(seed, {.reduction = Reduction::kSleep});
    const Result dpor = Explore(seed, {.reduction = Reduction::kDpor});
    ASSERT_EQ(none.final_states, dpor.final_states) << "seed " << seed;
    ASSERT_EQ(none.final_states, sleep.final_states) << "seed " << seed;
    ASSERT_TRUE(none == dpor) << "seed " << seed;
    ASSERT_EQ(dpor.counts.traces, dpor.traces.size()) << "a trace twice, seed " << seed;
    ASSERT_EQ(sleep.counts.traces, sleep.traces.size()) << "a trace twice, seed " << seed;
    all += none.counts.traces;
    reduced += dpor.counts.traces;
    deadlocks += dpor.counts.cut_short;
  }
  EXPECT_LT(reduced * 3, all);
  EXPECT_GT(deadlocks, 0u);
}

// How many of the programs show that `dependency` is not the whole truth.
int Noticed(const DependencyOptions& dependency) {
  int noticed = 0;
  for (uint32_t seed = 0; seed < kPrograms / 5; ++seed) {
    const Result none = Explore(seed, {.reduction = Reduction::kNone});
    const Result broken = Explore(seed, {.reduction = Reduction::kDpor, .dependency = dependency});
    noticed += none.final_states == broken.final_states ? 0 : 1;
  }
  return noticed;
}

TEST(DporCrossCheck, AnOmittedDependencyIsNoticed) {
  for (const Rule rule : {Rule::kFields, Rule::kLocks}) {
    EXPECT_GT(Noticed({.omitted = 1u << static_cast<int>(rule)}), 10);
  }
  EXPECT_EQ(Noticed({}), 0);
}

// Plain accesses are steps only where tasks were seen to meet. What they do together is the same,
// and so is the number of traces.
TEST(DporCrossCheck, PlacesFoundByTheExplorationAreEnough) {
  int fewer_steps = 0;
  for (uint32_t seed = 0; seed < kPrograms; ++seed) {
    const Result none = Explore(seed, {.reduction = Reduction::kNone});
    TaskSubject subject(2, 2, RandomTasks(seed));
    subject.AsksAtPlaces();
    InterleavingOptions options;
    options.dependency.places = ClosePlaces(&subject, {}, UINT64_MAX, nullptr);
    Interleavings explorer(&subject, options);
    std::set<std::vector<int64_t>> final_states;
    const InterleavingCounts counts = explorer.Explore([&](const Subject&) {
      std::vector<int64_t> state = subject.values();
      state.push_back(static_cast<int64_t>(subject.end()));
      final_states.insert(state);
      return true;
    });
    ASSERT_TRUE(counts.exhausted);
    ASSERT_TRUE(options.dependency.places.Includes(explorer.meetings())) << "seed " << seed;
    ASSERT_EQ(final_states, none.final_states) << "seed " << seed;
    ASSERT_EQ(counts.traces, none.traces.size()) << "seed " << seed;
    fewer_steps += options.dependency.places.empty() ? 1 : 0;
  }
  EXPECT_GT(fewer_steps, kPrograms / 20) << "programs without a meeting, else this tests nothing";
}

TEST(DporCrossCheck, TheSameExplorationTwiceIsTheSame) {
  const Result once = Explore(7, {});
  const Result again = Explore(7, {});
  EXPECT_EQ(once.counts.digest, again.counts.digest);
  EXPECT_EQ(once.counts.executions, again.counts.executions);
}

}  // namespace
}  // namespace iommufd_check::explore
