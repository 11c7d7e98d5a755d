// Threads, shards and resumption do not change a certificate; budgets end work where they say.

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "model/explore/schedules/fault_sweep.h"
#include "model/explore/schedules/random_schedules.h"
#include "model/explore/work/certificate_json.h"
#include "model/explore/work/certificate_text.h"
#include "model/explore/work/explore_work.h"
#include "model/explore/work/verdict_work.h"
#include "model/liveupdate/designs/registry.h"
#include "tests/explore/explore_corpus.h"
#include "tests/explore/stops.h"

namespace iommufd_check::explore {
namespace {

// Every kind of work, each with several parts; v1, so that there are findings.
enum class Kind { kReduced, kBounded, kSweep, kPairs, kUniform, kPct, kVerdict };

std::unique_ptr<Work> Make(Kind kind, const std::string& design = "v1") {
  program::Executor executor;
  liveupdate::Design& d = *liveupdate::FindDesign(design);
  const program::Program program =
      ExploreCorpusProgram(kind == Kind::kReduced ? "mark-destroy-preserve" : "map-x-preserve");
  switch (kind) {
    case Kind::kReduced:
      return MakeExploreWork(&executor, d, "a.prog", program, {.whole = 1, .shortest_up_to = 1});
    case Kind::kBounded:
      return MakeExploreWork(&executor, d, "a.prog", program, {.preemptions = 1});
    case Kind::kSweep:
      return MakeSweepWork(&executor, d, "a.prog", program, {}, nullptr);
    case Kind::kPairs:
      return MakeSweepWork(&executor, d, "a.prog", program, {.sticky = false, .pairs = true},
                           nullptr);
    case Kind::kUniform:
      return MakeRandomWork(
          &executor, d, "a.prog", program,
          {.scheduler = RandomScheduler::kUniform, .seed = 3, .runs = 300, .part_runs = 40});
    case Kind::kPct:
      return MakeRandomWork(&executor, d, "a.prog", program,
                            {.seed = 4, .runs = 300, .part_runs = 40});
    case Kind::kVerdict:
      return MakeVerdictWork(&executor, d, "corpus",
                             {program, ExploreCorpusProgram("mark-x-preserve")},
                             {.preemptions = 1});
  }
  return nullptr;
}

// Looking for places beforehand saves rounds and changes nothing else.
TEST(Work, PlacesFoundLateCostRoundsAndChangeNothing) {
  program::Executor executor;
  liveupdate::Design& v1 = *liveupdate::FindDesign("v1");
  const program::Program program = ExploreCorpusProgram("close-x-map");
  const Certificate early = ExploreProgram(&executor, v1, "a.prog", program, {});
  const Certificate late =
      ExploreProgram(&executor, v1, "a.prog", program, {.place_executions = 1});
  EXPECT_EQ(early.rounds, 1u);
  EXPECT_GT(late.rounds, 1u);
  EXPECT_TRUE(early.closed());
  EXPECT_TRUE(late.closed());
  EXPECT_EQ(early.places, late.places);
  EXPECT_EQ(early.traces, late.traces);
  EXPECT_EQ(early.digest, late.digest);
  EXPECT_EQ(early.identity, late.identity);
}

// A round that has to be done again with more places has used its executions.
TEST(Work, ABudgetIsOfAllRounds) {
  program::Executor executor;
  const auto work = MakeExploreWork(&executor, *liveupdate::FindDesign("v1"), "a.prog",
                                    ExploreCorpusProgram("close-x-map"), {.place_executions = 1});
  const Certificate whole = RunWork(*work, {});
  ASSERT_GT(whole.rounds, 1u);
  EXPECT_FALSE(RunWork(*work, {.max_executions = whole.executions}).finished)
      << "as many as the last round has alone";
  EXPECT_TRUE(RunWork(*work, {.max_executions = whole.rounds * whole.executions}).finished);
}

// One shard meets what it meets; a place that is new to it is said, not passed over.
TEST(Work, AShardThatMeetsElsewhereIsNotExhausted) {
  program::Executor executor;
  const std::unique_ptr<Work> work =
      MakeExploreWork(&executor, *liveupdate::FindDesign("v1"), "a.prog",
                      ExploreCorpusProgram("close-x-map"), {.whole = 1, .place_executions = 1});
  const Certificate c = RunWork(*work, {.shard = 0, .shards = 1});
  ASSERT_TRUE(c.closed());
  const Certificate shard = RunWork(*work, {.shard = 0, .shards = 2});
  EXPECT_FALSE(shard.closed());
  EXPECT_FALSE(shard.exhausted());
}

class WorkTest : public testing::TestWithParam<Kind> {};

TEST_P(WorkTest, HasSeveralParts) {
  const Certificate c = RunWork(*Make(GetParam()), {});
  EXPECT_GT(c.parts, 5u);
  EXPECT_TRUE(c.complete());
  EXPECT_TRUE(c.violated());
  EXPECT_GT(c.executions, 20u);
}

TEST_P(WorkTest, ThreadsMakeNoDifference) {
  const std::unique_ptr<Work> work = Make(GetParam());
  const std::string one = RenderJson({RunWork(*work, {.threads = 1})});
  EXPECT_EQ(RenderJson({RunWork(*work, {.threads = 2})}), one);
  EXPECT_EQ(RenderJson({RunWork(*work, {.threads = 5})}), one);
}

TEST_P(WorkTest, ShardsMergeToTheWholeInAnyOrder) {
  const std::unique_ptr<Work> work = Make(GetParam());
  std::vector<uint32_t> order{3, 0, 6, 1, 5, 2, 4};
  Certificate sum;
  for (const uint32_t shard : order) {
    const Certificate c = RunWork(*work, {.shard = shard, .shards = 7});
    EXPECT_TRUE(c.finished);
    EXPECT_FALSE(c.exhausted()) << "a shard is not the whole";
    if (shard == order.front()) {
      sum = c;
      continue;
    }
    ASSERT_EQ(sum.WhyNotMergeable(c), "");
    sum.Merge(c);
  }
  EXPECT_EQ(RenderJson({sum}), RenderJson({RunWork(*work, {})}));
  EXPECT_NE(sum.WhyNotMergeable(sum), "") << "no shard counts twice";
}

// The work ends after some executions, again and again, each time with what was kept.
TEST_P(WorkTest, ResumingEndsWithTheSameCertificate) {
  const std::unique_ptr<Work> work = Make(GetParam());
  const Certificate whole = RunWork(*work, {});
  std::string file;
  int sittings = 0;
  Certificate last;
  do {
    ASSERT_LT(++sittings, 1000) << "each sitting is long enough for the largest part";
    Checkpoint checkpoint;
    if (!file.empty()) {
      absl::StatusOr<Checkpoint> kept = Checkpoint::FromJson(file, "kept");
      ASSERT_TRUE(kept.ok()) << kept.status().message();
      checkpoint = *std::move(kept);
    }
    Stops sitting(whole.executions * 3 / 4);
    last = RunWork(*work, {.pulse = &sitting, .checkpoint = &checkpoint});
    EXPECT_EQ(last.ended_by, last.finished ? "" : "test");
    file = checkpoint.ToJson();
  } while (!last.finished);
  EXPECT_GT(sittings, 1);
  if (GetParam() != Kind::kReduced) {
    EXPECT_EQ(RenderJson({last}), RenderJson({whole}));
  }
  // The last sitting may end before all witnesses are as short as they get.
  EXPECT_EQ(last.digest, whole.digest);
  EXPECT_EQ(last.executions, whole.executions);
  EXPECT_EQ(last.findings.size(), whole.findings.size());
}

TEST_P(WorkTest, ABudgetOfExecutionsIsUsedInOrderWhateverTheThreads) {
  const std::unique_ptr<Work> work = Make(GetParam());
  const uint64_t all = RunWork(*work, {}).executions;
  for (const uint64_t budget : {uint64_t{1}, all / 3, all - 1}) {
    const Certificate c = RunWork(*work, {.max_executions = budget});
    EXPECT_FALSE(c.finished);
    EXPECT_EQ(c.executions, budget);
    EXPECT_EQ(c.ended_by, "max_executions");
    EXPECT_EQ(RenderJson({RunWork(*work, {.threads = 3, .max_executions = budget})}),
              RenderJson({c}));
  }
  EXPECT_TRUE(RunWork(*work, {.max_executions = all}).finished);
}

INSTANTIATE_TEST_SUITE_P(Kinds, WorkTest,
                         testing::Values(Kind::kReduced, Kind::kBounded, Kind::kSweep, Kind::kPairs,
                                         Kind::kUniform, Kind::kPct, Kind::kVerdict));

// What the parts of a verdict are, counted by the other engines.
TEST(VerdictWork, RunsWhatIsWrittenEveryInterleavingAndEveryFault) {
  program::Executor executor;
  liveupdate::Design& v1 = *liveupdate::FindDesign("v1");
  const program::Program program = ExploreCorpusProgram("mark-x-preserve");
  const uint64_t traces = ExploreProgram(&executor, v1, "a.prog", program, {}).traces;
  const Certificate plain =
      RunWork(*MakeVerdictWork(&executor, v1, "a", {program}, {.single_faults = false}), {});
  EXPECT_EQ(plain.traces, 1 + traces);
  EXPECT_EQ(plain.plans, 0u);
  EXPECT_TRUE(plain.exhausted());

  const Certificate swept =
      SweepProgram(&executor, v1, "a.prog", program, {.sticky = false, .preemptions = 0});
  const Certificate faulted =
      RunWork(*MakeVerdictWork(&executor, v1, "a", {program}, {.preemptions = 0}), {});
  EXPECT_GE(faulted.plans, swept.plans) << "some calls only happen in other interleavings";
  EXPECT_EQ(faulted.parts, 1 + faulted.plans);

  program::Program own = program;
  own.faults.push_back({.operation = 0});
  EXPECT_EQ(RunWork(*MakeVerdictWork(&executor, v1, "a", {own}, {}), {}).plans, 0u)
      << "a program with faults has said which calls fail";
}

TEST(VerdictWork, AProgramThatIsTooLargeToPlanIsNotExhausted) {
  program::Executor executor;
  const auto work = MakeVerdictWork(&executor, *liveupdate::FindDesign("reference"), "a",
                                    {ExploreCorpusProgram("map-x-preserve")},
                                    {.single_faults = false, .planned_executions = 2});
  const Certificate c = RunWork(*work, {});
  EXPECT_FALSE(c.finished);
  EXPECT_NE(c.ended_by.find("more than 2 interleavings"), std::string::npos) << c.ended_by;
  EXPECT_GT(c.executions, 2u) << "it is run all the same";
}

// Only a verdict runs programs as they are written, so only there switches are of the question.
TEST(VerdictWork, SwitchesAreOfItsIdentity) {
  program::Executor executor;
  liveupdate::Design& v1 = *liveupdate::FindDesign("v1");
  program::Program program = ExploreCorpusProgram("map-x-preserve");
  const auto identity = [&] {
    return MakeVerdictWork(&executor, v1, "a", {program}, {})->blank().identity;
  };
  const uint64_t plain = identity();
  program.switches = ExploreProgram(&executor, v1, "a", program, {}).findings[0].witness.switches;
  ASSERT_FALSE(program.switches.empty());
  EXPECT_NE(identity(), plain);
}

TEST(Work, AProgramThatEndsSoonIsOnePart) {
  program::Executor executor;
  const auto work = MakeExploreWork(&executor, *liveupdate::FindDesign("reference"), "a.prog",
                                    ExploreCorpusProgram("mark-x-preserve"), {});
  EXPECT_EQ(work->blank().parts, 1u);
}

TEST(Work, OtherProgramsAndBoundsHaveOtherIdentities) {
  const Certificate a = Make(Kind::kReduced)->blank();
  EXPECT_EQ(Make(Kind::kReduced)->blank().identity, a.identity);
  EXPECT_NE(Make(Kind::kReduced, "reference")->blank().identity, a.identity);
  EXPECT_NE(Make(Kind::kPct)->blank().identity, a.identity);
  EXPECT_NE(Make(Kind::kSweep)->blank().identity, Make(Kind::kPairs)->blank().identity);
  EXPECT_NE(a.WhyNotMergeable(Make(Kind::kPct)->blank()), "");
}

TEST(Work, AnIdentityIsOfWhatIsExploredAndOfItsParts) {
  program::Executor executor;
  liveupdate::Design& v1 = *liveupdate::FindDesign("v1");
  const auto identity = [&](const program::Program& program, const ExploreOptions& options) {
    return MakeExploreWork(&executor, v1, "a.prog", program, options)->blank().identity;
  };
  program::Program program = ExploreCorpusProgram("mark-destroy-preserve");
  const uint64_t plain = identity(program, {.whole = 1});
  program.title = "Another one.";
  program.design = "v1";
  program.expected = {{"I19", std::nullopt}};
  program.also = {"I20"};
  EXPECT_EQ(identity(program, {.whole = 1}), plain) << "what is only said of it";
  EXPECT_NE(identity(program, {.whole = 1'000'000}), plain) << "cut into other parts";
}

// The same seed gives the same runs, another one others.
TEST(RandomSchedules, DependOnTheSeedAlone) {
  program::Executor executor;
  const auto run = [&](uint64_t seed) {
    return RunWork(
        *MakeRandomWork(&executor, *liveupdate::FindDesign("reference"), "a.prog",
                        ExploreCorpusProgram("map-x-preserve"), {.seed = seed, .runs = 300}),
        {});
  };
  EXPECT_EQ(RenderJson({run(1)}), RenderJson({run(1)}));
  EXPECT_NE(run(1).digest, run(2).digest);
  EXPECT_FALSE(run(1).exhausted()) << "samples exhaust nothing";
  EXPECT_TRUE(run(1).finished);
}

// Whom the schedule chooses at `questions` questions, when tasks 1 and 2 can always run.
std::vector<sim::TaskId> Chosen(uint64_t seed, int depth, uint64_t steps, int questions) {
  PctSchedule schedule(seed, depth, steps);
  std::vector<sim::TaskId> chosen;
  sim::SchedulePoint point{.unfinished = 6, .current = 0, .runnable = 6};
  point.current = PctSchedule(seed, 1, steps).Next(point);  // the same first priorities
  for (int i = 0; i < questions; ++i) {
    point.current = schedule.Next(point);
    chosen.push_back(point.current);
  }
  return chosen;
}

TEST(RandomSchedules, PctChangesAtAnyOfTheSteps) {
  int at_first = 0, at_second = 0;
  for (uint64_t seed = 0; seed < 100; ++seed) {
    const sim::TaskId undisturbed = Chosen(seed, 1, 2, 1)[0];
    const std::vector<sim::TaskId> chosen = Chosen(seed, 2, 2, 2);
    at_first += chosen[0] != undisturbed ? 1 : 0;
    at_second += chosen[0] == undisturbed && chosen[1] != undisturbed ? 1 : 0;
  }
  EXPECT_EQ(at_first + at_second, 100) << "one change within two steps";
  EXPECT_GT(at_first, 25);
  EXPECT_GT(at_second, 25);
}

// Who lost its priority last has the lowest, so the first one goes on.
TEST(RandomSchedules, PctLowersEachTimeBelowTheLast) {
  int back = 0;
  for (uint64_t seed = 0; seed < 100; ++seed) {
    const sim::TaskId undisturbed = Chosen(seed, 1, 10, 1)[0];
    const std::vector<sim::TaskId> chosen = Chosen(seed, 3, 10, 12);
    const bool left = std::find_if(chosen.begin(), chosen.end(), [&](sim::TaskId task) {
                        return task != undisturbed;
                      }) != chosen.end();
    ASSERT_TRUE(left) << seed;
    back += chosen.back() == undisturbed ? 1 : 0;
  }
  EXPECT_GT(back, 80) << "all but those whose two changes fall together";
}

// Depth 1 never preempts on purpose; a bug that needs one preemption has depth 2.
TEST(RandomSchedules, PctFindsWhatItsDepthPromises) {
  program::Executor executor;
  const program::Program program = ExploreCorpusProgram("map-x-preserve");
  const auto find = [&](const RandomOptions& options) {
    const Certificate c = RunWork(
        *MakeRandomWork(&executor, *liveupdate::FindDesign("v1"), "a.prog", program, options), {});
    const Finding* finding = c.Find(spec::Invariant::kI04);
    if (finding == nullptr) return false;
    const program::Execution& replayed =
        executor.Run(*liveupdate::FindDesign("v1"), finding->witness);
    EXPECT_NE(replayed.Find(spec::Invariant::kI04), nullptr) << "the witness replays";
    return true;
  };
  EXPECT_FALSE(find({.runs = 500, .depth = 1}));
  EXPECT_TRUE(find({.runs = 500, .depth = 2}));
  EXPECT_TRUE(find({.scheduler = RandomScheduler::kUniform, .runs = 500}));
}

}  // namespace
}  // namespace iommufd_check::explore
