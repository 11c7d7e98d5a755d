// Reading a run on top of the one before it, against reading it from scratch: the same steps,
// accesses, waiting tasks, order and races, whatever runs follow each other.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <random>
#include <utility>
#include <vector>

#include "model/explore/schedules/happens_before.h"
#include "model/explore/schedules/interleavings.h"
#include "model/explore/schedules/place_closure.h"
#include "model/explore/schedules/program_subject.h"
#include "model/liveupdate/designs/registry.h"
#include "tests/explore/explore_corpus.h"
#include "tests/explore/random_tasks.h"
#include "tests/explore/task_subject.h"

namespace iommufd_check::explore {
namespace {

// A run that is over.
class Recorded : public Subject {
 public:
  explicit Recorded(const Subject& run)
      : events_(run.events()),
        points_(run.points()),
        meetings_(run.meetings()),
        end_(run.end()),
        digest_(run.digest()) {}
  void Run(std::span<const sim::TaskId>) override {}
  void UsePlaces(const sim::PlaceSet&) override {}
  const sim::PlaceSet& meetings() const override { return meetings_; }
  const std::vector<sim::Event>& events() const override { return events_; }
  const std::vector<sim::SchedulePoint>& points() const override { return points_; }
  sim::RunEnd end() const override { return end_; }
  uint64_t digest() const override { return digest_; }

 private:
  std::vector<sim::Event> events_;
  std::vector<sim::SchedulePoint> points_;
  sim::PlaceSet meetings_;
  sim::RunEnd end_;
  uint64_t digest_;
};

// Keeps all runs of a subject, also those that the explorer's visitor does not see.
class Recorder : public Subject {
 public:
  explicit Recorder(Subject* subject) : subject_(*subject) {}
  void Run(std::span<const sim::TaskId> choices) override {
    subject_.Run(choices);
    runs.emplace_back(subject_);
  }
  void UsePlaces(const sim::PlaceSet& places) override { subject_.UsePlaces(places); }
  const sim::PlaceSet& meetings() const override { return subject_.meetings(); }
  const std::vector<sim::Event>& events() const override { return subject_.events(); }
  const std::vector<sim::SchedulePoint>& points() const override { return subject_.points(); }
  sim::RunEnd end() const override { return subject_.end(); }
  uint64_t digest() const override { return subject_.digest(); }

  std::vector<Recorded> runs;

 private:
  Subject& subject_;
};

std::vector<Recorded> RunsOf(Subject* subject, const InterleavingOptions& options) {
  Recorder recorder(subject);
  Interleavings explorer(&recorder, options);
  explorer.Explore([](const Subject&) { return true; });
  return std::move(recorder.runs);
}

using Race = std::pair<size_t, size_t>;

std::vector<Race> RacesOf(HappensBefore* order, size_t steps) {
  std::vector<Race> races;
  const auto add = [&](size_t i, size_t j) { races.emplace_back(i, j); };
  order->ForEachRace(0, steps, add);
  order->ForEachRaceOfWaiting(steps, add);
  return races;
}

void ExpectSame(const RunSteps& kept, const RunSteps& fresh) {
  ASSERT_EQ(kept.steps().size(), fresh.steps().size());
  for (size_t i = 0; i < fresh.steps().size(); ++i) {
    const Step& a = kept.steps()[i];
    const Step& b = fresh.steps()[i];
    ASSERT_EQ(a.task, b.task) << "step " << i;
    ASSERT_EQ(a.runnable, b.runnable) << "step " << i;
    ASSERT_EQ(a.exclusive, b.exclusive) << "step " << i;
    ASSERT_EQ(a.acquires, b.acquires) << "step " << i;
    ASSERT_EQ(a.releases, b.releases) << "step " << i;
    ASSERT_TRUE(std::ranges::equal(kept.AccessesOf(a), fresh.AccessesOf(b))) << "step " << i;
  }
  ASSERT_EQ(kept.cut_short(), fresh.cut_short());
  ASSERT_EQ(kept.waiting().size(), fresh.waiting().size());
  for (size_t i = 0; i < fresh.waiting().size(); ++i) {
    ASSERT_EQ(kept.waiting()[i].task, fresh.waiting()[i].task);
    ASSERT_EQ(kept.waiting()[i].lock, fresh.waiting()[i].lock);
    ASSERT_EQ(kept.waiting()[i].exclusive, fresh.waiting()[i].exclusive);
  }
}

struct Seen {
  size_t steps = 0;
  size_t kept = 0;
  size_t waiting = 0;
  size_t races = 0;
};

// Reads `runs` in order; the order of steps is not asked for after each, as in an exploration.
void ExpectReadAsFromScratch(const std::vector<Recorded>& runs, const DependencyOptions& options,
                             uint32_t seed, Seen* seen) {
  std::mt19937 random(seed);
  LocationTable table;
  RunSteps kept(&table, options);
  HappensBefore kept_order;
  uint64_t last_serial = 0;
  for (const Recorded& run : runs) {
    kept.Read(run);
    RunSteps fresh(&table, options);
    fresh.Read(run);
    ASSERT_NO_FATAL_FAILURE(ExpectSame(kept, fresh));
    const size_t n = fresh.steps().size();
    seen->steps += n;
    seen->waiting += fresh.waiting().size();
    for (const Step& step : kept.steps()) seen->kept += step.serial < last_serial ? 1 : 0;
    if (n > 0) last_serial = std::max(last_serial, kept.steps().back().serial + 1);
    if (random() % 3 == 0) continue;

    HappensBefore fresh_order;
    kept_order.Build(kept);
    fresh_order.Build(fresh);
    for (size_t j = 0; j < n; ++j) ASSERT_EQ(kept_order.ClockOf(j), fresh_order.ClockOf(j)) << j;
    const std::vector<Race> races = RacesOf(&fresh_order, n);
    ASSERT_EQ(RacesOf(&kept_order, n), races);
    ASSERT_EQ(kept_order.TraceFingerprint(table), fresh_order.TraceFingerprint(table));
    seen->races += races.size();
  }
}

// As explored, and in an order in which neighbours have little in common.
void ExpectReadAsFromScratch(Subject* subject, const InterleavingOptions& options, uint32_t seed,
                             Seen* seen) {
  std::vector<Recorded> runs = RunsOf(subject, options);
  ASSERT_NO_FATAL_FAILURE(ExpectReadAsFromScratch(runs, options.dependency, seed, seen));
  std::mt19937 random(seed);
  for (size_t i = runs.size(); i > 1; --i) std::swap(runs[i - 1], runs[random() % i]);
  Seen shuffled;
  ASSERT_NO_FATAL_FAILURE(ExpectReadAsFromScratch(runs, options.dependency, seed, &shuffled));
}

TEST(RunSteps, RandomTasksAreReadAsFromScratch) {
  Seen seen;
  for (uint32_t seed = 0; seed < 200; ++seed) {
    for (const Reduction reduction : {Reduction::kNone, Reduction::kSleep, Reduction::kDpor}) {
      TaskSubject subject(2, 2, RandomTasks(seed));
      Meter meter(200);
      ASSERT_NO_FATAL_FAILURE(
          ExpectReadAsFromScratch(&subject, {.reduction = reduction, .meter = &meter}, seed, &seen))
          << "seed " << seed;
    }
  }
  EXPECT_GT(seen.kept * 3, seen.steps) << "many steps are kept, else this tests nothing";
  EXPECT_GT(seen.waiting, 0u);
  EXPECT_GT(seen.races, 0u);
}

TEST(RunSteps, ProgramsAreReadAsFromScratch) {
  Seen seen;
  for (const std::string& name : ExploreCorpusNames()) {
    const program::Program program = ExploreCorpusProgram(name);
    for (const char* design : {"reference", "v1"}) {
      program::Executor executor;
      ProgramSubject subject(&executor, liveupdate::FindDesign(design), program);
      Meter meter(60);
      const sim::PlaceSet places = ClosePlaces(&subject, {}, 60, nullptr);
      ASSERT_NO_FATAL_FAILURE(ExpectReadAsFromScratch(
          &subject, {.meter = &meter, .dependency = {.places = places}}, 1, &seen))
          << name << " under " << design;
    }
  }
  EXPECT_GT(seen.kept, 0u);
  EXPECT_GT(seen.races, 0u);
}

Recorded RunOf(TaskSubject&& subject, const std::vector<sim::TaskId>& choices) {
  subject.Run(choices);
  return Recorded(subject);
}

// The first step's event is the same in both runs, the next one decides that the step goes on.
TEST(RunSteps, AStepThatGoesOnInTheNextRunIsReadAgain) {
  const auto run = [](bool goes_on) {
    const TaskCode code = [goes_on](sim::Task& t, TaskState& s) {
      s.Write(t, 0, 1);
      const sim::ObjectRef other{sim::ObjectKind::kBuffer, 1};
      if (goes_on) t.Access(sim::Primitive::kWrite, other, sim::Field::kPins);
      s.Write(t, 0, 2);
    };
    return RunOf(TaskSubject(2, 0, {code}), {});
  };
  Seen seen;
  ExpectReadAsFromScratch({run(false), run(true), run(false)}, {}, 0, &seen);
  EXPECT_EQ(seen.steps, 6u);
}

// Steps without events are in the questions to the scheduler alone.
TEST(RunSteps, ASilentStepElsewhereIsNoticed) {
  const TaskCode code = [](sim::Task& t, TaskState& s) {
    t.Step();
    s.Write(t, 0, t.id());
  };
  const auto run = [&](const std::vector<sim::TaskId>& choices) {
    return RunOf(TaskSubject(1, 0, {code, code}), choices);
  };
  const std::vector<Recorded> runs{run({1, 1, 2, 2}), run({2, 1, 1, 2}), run({1, 2, 1, 2})};
  ASSERT_EQ(runs[0].events(), runs[1].events());
  Seen seen;
  ExpectReadAsFromScratch(runs, {}, 0, &seen);
  EXPECT_EQ(seen.steps, 12u);
}

}  // namespace
}  // namespace iommufd_check::explore
