// The reductions against no reduction on random small programs: the same final states, deadlocks
// included, and as many traces as no reduction meets distinct ones. A reduction that forgets a
// dependency must be noticed.

#include <gtest/gtest.h>

#include <cstdint>
#include <random>
#include <set>
#include <vector>

#include "model/explore/interleavings.h"
#include "model/explore/linear_extensions.h"
#include "tests/explore/task_subject.h"

namespace iommufd_check::explore {
namespace {

using sim::Task;

constexpr int kPrograms = 1000;

enum class Kind : uint8_t { kRead, kWrite, kLockedAdd, kSharedRead, kExclusiveAdd, kNested, kIf };

struct Action {
  Kind kind = Kind::kRead;
  int variable = 0;
  int lock = 0;
};

int StepsOf(const Action& action) {
  switch (action.kind) {
    case Kind::kRead:
    case Kind::kWrite:
      return 1;
    case Kind::kIf:
      return 2;
    case Kind::kSharedRead:
      return 3;
    case Kind::kNested:
      return 5;
    default:
      return 4;
  }
}

void Add(Task& t, TaskState& s, int variable) {
  s.Write(t, variable, 3 * s.Read(t, variable) + t.id());
}

void Do(Task& t, TaskState& s, const Action& a) {
  int64_t& local = s.local(t);
  switch (a.kind) {
    case Kind::kRead:
      local = 7 * local + s.Read(t, a.variable);
      return;
    case Kind::kWrite:
      return s.Write(t, a.variable, 5 * local + t.id());
    case Kind::kLockedAdd:
      mutex_lock(t, s.mutex(a.lock));
      Add(t, s, a.variable);
      return mutex_unlock(t, s.mutex(a.lock));
    case Kind::kSharedRead:
      down_read(t, s.rwsem(a.lock));
      local = 7 * local + s.Read(t, a.variable);
      return up_read(t, s.rwsem(a.lock));
    case Kind::kExclusiveAdd:
      down_write(t, s.rwsem(a.lock));
      Add(t, s, a.variable);
      return up_write(t, s.rwsem(a.lock));
    case Kind::kNested:
      mutex_lock(t, s.mutex(a.lock));
      mutex_lock(t, s.mutex(1 - a.lock));
      s.Write(t, a.variable, t.id());
      mutex_unlock(t, s.mutex(1 - a.lock));
      return mutex_unlock(t, s.mutex(a.lock));
    case Kind::kIf:
      if (s.Read(t, a.variable) == 0) s.Write(t, 1 - a.variable, t.id());
      return;
  }
}

std::vector<TaskCode> RandomTasks(uint32_t seed) {
  std::mt19937 random(seed);
  const auto below = [&](uint32_t n) { return static_cast<int>(random() % n); };
  const int tasks = 2 + below(2);
  const int most_steps = tasks == 2 ? 6 : 3;
  std::vector<TaskCode> code;
  for (int task = 0; task < tasks; ++task) {
    std::vector<Action> actions;
    for (int steps = 0;;) {
      const Action action{static_cast<Kind>(below(7)), below(2), below(2)};
      steps += StepsOf(action);
      if (steps > most_steps && !actions.empty()) break;
      actions.push_back(action);
      if (steps >= most_steps) break;
    }
    code.push_back([actions](Task& t, TaskState& s) {
      for (const Action& action : actions) Do(t, s, action);
    });
  }
  return code;
}

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
    const Result broken =
        Explore(seed, {.reduction = Reduction::kDpor, .dependency = dependency});
    noticed += none.final_states == broken.final_states ? 0 : 1;
  }
  return noticed;
}

TEST(DporCrossCheck, AnOmittedDependencyIsNoticed) {
  EXPECT_GT(Noticed({.omit_fields = true}), 10);
  EXPECT_GT(Noticed({.omit_locks = true}), 10);
  EXPECT_EQ(Noticed({}), 0);
}

TEST(DporCrossCheck, TheSameExplorationTwiceIsTheSame) {
  const Result once = Explore(7, {});
  const Result again = Explore(7, {});
  EXPECT_EQ(once.counts.digest, again.counts.digest);
  EXPECT_EQ(once.counts.executions, again.counts.executions);
}

}  // namespace
}  // namespace iommufd_check::explore
