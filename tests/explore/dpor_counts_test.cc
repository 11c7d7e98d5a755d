// The interleaving explorer against known numbers: Mazurkiewicz traces of textbook programs, and
// how many interleavings there are without a reduction.

#include <gtest/gtest.h>

#include <cstdint>
#include <set>
#include <span>
#include <utility>
#include <vector>

#include "model/explore/schedules/interleavings.h"
#include "model/explore/schedules/linear_extensions.h"
#include "tests/explore/task_subject.h"

namespace iommufd_check::explore {
namespace {

using sim::Task;

TaskCode Writer(int variable) {
  return [variable](Task& t, TaskState& s) { s.Write(t, variable, t.id()); };
}

TaskCode Reader(int variable) {
  return [variable](Task& t, TaskState& s) { s.Read(t, variable); };
}

InterleavingCounts Explore(std::vector<TaskCode> tasks, Reduction reduction) {
  TaskSubject subject(16, 2, std::move(tasks));
  Interleavings explorer(&subject, {.reduction = reduction});
  const InterleavingCounts counts = explorer.Explore([](const Subject&) { return true; });
  EXPECT_TRUE(counts.exhausted);
  return counts;
}

// What a reduced exploration that is cut into parts finds: its traces, and the interleavings that
// these stand for.
struct InParts {
  uint64_t traces = 0;
  uint128 interleavings = 0;
};

InParts ExploreInParts(const std::vector<TaskCode>& tasks, Reduction reduction, size_t parts) {
  TaskSubject subject(16, 2, tasks);
  const InterleavingOptions options{.reduction = reduction};
  InParts sum;
  for (const PathStart& start : CutIntoParts(&subject, options, parts, 1)) {
    Interleavings explorer(&subject, options);
    const InterleavingCounts counts = explorer.ExploreFrom(start, [&](const Subject&) {
      sum.interleavings = SaturatingSum(sum.interleavings,
                                        CountInterleavings(explorer.order(), kCheapCombinations));
      return true;
    });
    EXPECT_TRUE(counts.exhausted);
    sum.traces += counts.traces;
  }
  return sum;
}

// `traces` by both reductions, `all` without one; the traces stand for exactly these.
void ExpectCounts(const std::vector<TaskCode>& tasks, uint64_t traces, uint64_t all) {
  EXPECT_EQ(Explore(tasks, Reduction::kDpor).traces, traces);
  EXPECT_EQ(Explore(tasks, Reduction::kSleep).traces, traces);
  EXPECT_EQ(Explore(tasks, Reduction::kNone).traces, all);
  for (const size_t parts : {1, 2, 7}) {
    for (const Reduction reduction : {Reduction::kSleep, Reduction::kDpor}) {
      const InParts sum = ExploreInParts(tasks, reduction, parts);
      EXPECT_EQ(sum.traces, traces) << parts << " parts";
      EXPECT_TRUE(sum.interleavings == all) << parts << " parts";
    }
  }
}

TEST(DporCounts, OneTaskHasOneTrace) { ExpectCounts({Writer(0)}, 1, 1); }

TEST(DporCounts, IndependentWritersHaveOneTrace) {
  std::vector<TaskCode> tasks;
  const std::vector<uint64_t> factorial{1, 1, 2, 6, 24, 120};
  for (int n = 1; n <= 5; ++n) {
    tasks.push_back(Writer(n));
    ExpectCounts(tasks, 1, factorial[static_cast<size_t>(n)]);
  }
}

TEST(DporCounts, WritersOfOneVariableHaveAllOrders) {
  std::vector<TaskCode> tasks;
  const std::vector<uint64_t> factorial{1, 1, 2, 6, 24, 120};
  for (int n = 1; n <= 5; ++n) {
    tasks.push_back(Writer(0));
    ExpectCounts(tasks, factorial[static_cast<size_t>(n)], factorial[static_cast<size_t>(n)]);
  }
}

TEST(DporCounts, EachReaderIsBeforeOrAfterTheWriter) {
  std::vector<TaskCode> tasks{Writer(0)};
  const std::vector<uint64_t> factorial{1, 1, 2, 6, 24, 120};
  for (int readers = 1; readers <= 4; ++readers) {
    tasks.push_back(Reader(0));
    ExpectCounts(tasks, uint64_t{1} << readers, factorial[static_cast<size_t>(readers) + 1]);
  }
}

TaskCode Locked(TaskCode code, int mutex = 0) {
  return [code = std::move(code), mutex](Task& t, TaskState& s) {
    mutex_lock(t, s.mutex(mutex));
    code(t, s);
    mutex_unlock(t, s.mutex(mutex));
  };
}

TaskCode Shared(TaskCode code) {
  return [code = std::move(code)](Task& t, TaskState& s) {
    down_read(t, s.rwsem(0));
    code(t, s);
    up_read(t, s.rwsem(0));
  };
}

TaskCode Exclusive(TaskCode code) {
  return [code = std::move(code)](Task& t, TaskState& s) {
    down_write(t, s.rwsem(0));
    code(t, s);
    up_write(t, s.rwsem(0));
  };
}

// The sections never overlap: as many interleavings as orders, whatever is inside.
TEST(DporCounts, CriticalSectionsOfOneMutexHaveAllOrders) {
  ExpectCounts({Locked(Writer(0)), Locked(Writer(0))}, 2, 2);
  ExpectCounts({Locked(Writer(0)), Locked(Writer(0)), Locked(Writer(0))}, 6, 6);
  ExpectCounts({Locked(Reader(0)), Locked(Reader(0)), Locked(Writer(0))}, 6, 6);
}

TEST(DporCounts, CriticalSectionsOfTwoMutexesAreIndependent) {
  // 6 steps, 3 of each task.
  ExpectCounts({Locked(Writer(0), 0), Locked(Writer(1), 1)}, 1, 20);
}

// Readers of a rw_semaphore overlap each other and order only against the writer.
TEST(DporCounts, ReadersOfARwsemAreEachBeforeOrAfterTheWriter) {
  ExpectCounts({Exclusive(Writer(0)), Shared(Reader(0))}, 2, 2);
  // Both readers before (20 ways), both after (20), one on each side (2).
  ExpectCounts({Exclusive(Writer(0)), Shared(Reader(0)), Shared(Reader(0))}, 4, 42);
}

// Two locks in opposite orders: A first, B first, and the deadlock.
TEST(DporCounts, OppositeLockOrdersAlsoDeadlock) {
  const auto nested = [](int outer, int inner) { return Locked(Locked(Writer(0), inner), outer); };
  TaskSubject subject(1, 2, {nested(0, 1), nested(1, 0)});
  Interleavings explorer(&subject, {});
  const InterleavingCounts counts = explorer.Explore([](const Subject&) { return true; });
  EXPECT_EQ(counts.traces, 3u);
  EXPECT_EQ(counts.cut_short, 1u);
}

// if (!ready) { lock; if (!ready) ready = 1; unlock; }
TaskCode LazyInit() {
  return [](Task& t, TaskState& s) {
    if (s.Read(t, 0) != 0) return;
    mutex_lock(t, s.mutex(0));
    if (s.Read(t, 0) == 0) s.Write(t, 0, 1);
    mutex_unlock(t, s.mutex(0));
  };
}

// Two tasks: A initialises and B's first test is before or after the store, and the same with the
// roles exchanged: 4. With three, each of the others tests before or after the store, and those
// that tested before take the lock in any order: 3 * (1 + 2 * 1 + 2) = 15.
TEST(DporCounts, LazyInitialisation) {
  EXPECT_EQ(Explore({LazyInit(), LazyInit()}, Reduction::kDpor).traces, 4u);
  EXPECT_EQ(Explore({LazyInit(), LazyInit()}, Reduction::kSleep).traces, 4u);
  EXPECT_EQ(Explore({LazyInit(), LazyInit(), LazyInit()}, Reduction::kDpor).traces, 15u);
}

// last-zero of the source-set paper: n writers array[i] = array[i-1] + 1 and one task that looks
// for the last zero from the end.
std::vector<TaskCode> LastZero(int n) {
  std::vector<TaskCode> tasks;
  tasks.push_back([n](Task& t, TaskState& s) {
    int i = n;
    while (s.Read(t, i) != 0) --i;
  });
  for (int i = 1; i <= n; ++i) {
    tasks.push_back([i](Task& t, TaskState& s) { s.Write(t, i, s.Read(t, i - 1) + 1); });
  }
  return tasks;
}

TEST(DporCounts, LastZeroHasTheTracesOfThePaper) {
  EXPECT_EQ(Explore(LastZero(5), Reduction::kDpor).traces, 64u);
  EXPECT_EQ(Explore(LastZero(3), Reduction::kDpor).traces,
            Explore(LastZero(3), Reduction::kSleep).traces);
}

TEST(DporCounts, DistinctTracesWithoutReductionAreThoseOfTheReduction) {
  const std::vector<TaskCode> tasks = LastZero(3);
  TaskSubject subject(16, 2, tasks);
  Interleavings explorer(&subject, {.reduction = Reduction::kNone});
  std::set<sim::Fingerprint> traces;
  explorer.Explore([&](const Subject&) {
    traces.insert(explorer.TraceFingerprint());
    return true;
  });
  EXPECT_EQ(traces.size(), Explore(tasks, Reduction::kDpor).traces);
}

// The end of the run is in the way of whatever the others had still to do: each of their beginnings
// is shown before it.
TEST(DporCounts, AnOopsIsOrderedWithEachStepOfTheOthers) {
  const TaskCode oopses = [](Task& t, TaskState& s) {
    s.Write(t, 0, 1);
    s.Write(t, 0, 2);
    t.Oops(sim::Splat::kUseAfterFree, {});
  };
  const TaskCode other = [](Task& t, TaskState& s) {
    s.Write(t, 1, 1);
    s.Write(t, 2, 1);
  };
  for (const bool oops_first : {true, false}) {
    const std::vector<TaskCode> tasks =
        oops_first ? std::vector<TaskCode>{oopses, other} : std::vector<TaskCode>{other, oopses};
    for (const Reduction reduction : {Reduction::kNone, Reduction::kSleep, Reduction::kDpor}) {
      TaskSubject subject(3, 0, tasks);
      Interleavings explorer(&subject, {.reduction = reduction});
      std::set<std::vector<int64_t>> seen;
      int ended = 0;
      const InterleavingCounts counts = explorer.Explore([&](const Subject& run) {
        ended += run.end() == sim::RunEnd::kOops ? 1 : 0;
        seen.insert(subject.values());
        return true;
      });
      EXPECT_TRUE(counts.exhausted);
      EXPECT_EQ(seen.size(), 3u) << static_cast<int>(reduction);
      EXPECT_EQ(static_cast<uint64_t>(ended), counts.traces) << "nothing comes behind it";
      if (reduction != Reduction::kNone) {
        EXPECT_EQ(counts.traces, 3u) << static_cast<int>(reduction);
      }
    }
  }
}

// Goes its own way whatever the choices.
class Deaf : public Subject {
 public:
  explicit Deaf(Subject* subject) : subject_(*subject) {}
  void Run(std::span<const sim::TaskId>) override { subject_.Run({}); }
  void UsePlaces(const sim::PlaceSet& places) override { subject_.UsePlaces(places); }
  const sim::PlaceSet& meetings() const override { return subject_.meetings(); }
  const std::vector<sim::Event>& events() const override { return subject_.events(); }
  const std::vector<sim::SchedulePoint>& points() const override { return subject_.points(); }
  sim::RunEnd end() const override { return subject_.end(); }
  uint64_t digest() const override { return subject_.digest(); }

 private:
  Subject& subject_;
};

TEST(DporCounts, ASubjectThatDoesNotFollowItsScheduleIsNotExhausted) {
  TaskSubject subject(16, 2, {Writer(0), Writer(0)});
  Deaf deaf(&subject);
  Interleavings explorer(&deaf, {});
  const InterleavingCounts counts = explorer.Explore([](const Subject&) { return true; });
  EXPECT_FALSE(counts.exhausted);
  EXPECT_GT(counts.diverged, 0u);
}

TEST(DporCounts, ARunOfTooManyStepsEndsTheExplorationUnexhausted) {
  const TaskCode many = [](Task& t, TaskState& s) {
    for (size_t i = 0; i <= kMostSteps / 2; ++i) s.Write(t, 0, 1);
  };
  TaskSubject subject(16, 2, {many, many});
  EXPECT_EQ(CutIntoParts(&subject, {}, 7, 10).size(), 1u);
  Interleavings explorer(&subject, {});
  const InterleavingCounts counts = explorer.Explore([](const Subject&) { return true; });
  EXPECT_FALSE(counts.exhausted);
  EXPECT_EQ(counts.too_long, 1u);
}

TEST(DporCounts, BudgetEndsTheExplorationUnexhausted) {
  TaskSubject subject(16, 2, LastZero(5));
  Meter meter(10);
  Interleavings explorer(&subject, {.meter = &meter});
  const InterleavingCounts counts = explorer.Explore([](const Subject&) { return true; });
  EXPECT_FALSE(counts.exhausted);
  EXPECT_EQ(counts.executions, 10u);
}

}  // namespace
}  // namespace iommufd_check::explore
