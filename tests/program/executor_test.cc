// Execute(design, program): phases, results, faults, switches, where a run ends, and that nothing
// else decides what happens.
#include "model/program/execute/executor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "model/liveupdate/designs/registry.h"
#include "model/program/execute/boot.h"
#include "model/program/text/text_codec.h"
#include "model/sim/errno.h"
#include "model/sim/reflect.h"
#include "tests/program/corpus.h"

namespace iommufd_check::program {
namespace {

using spec::Invariant;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr char kMarked[] =
    "boot memfds=1 devices=1\n"
    "main:\n"
    "  ioas = ioas_alloc()\n"
    "  dev = device_bind(index=0)\n"
    "  hwpt = hwpt_alloc(dev, ioas)\n"
    "  lu_mark(hwpt, token=7)\n"
    "  s = luo_create_session(name=\"vm\")\n";

Program Parse(const std::string& text) {
  const absl::StatusOr<Program> program = ParseProgram(text, "test");
  EXPECT_TRUE(program.ok()) << program.status().message();
  return program.ok() ? *program : Program{};
}

liveupdate::Design& Reference() { return *liveupdate::FindDesign("reference"); }
liveupdate::Design& V1() { return *liveupdate::FindDesign("v1"); }

class ExecutorTest : public testing::Test {
 protected:
  const Execution& Run(const std::string& text, const RunOptions& options = {},
                       liveupdate::Design& design = Reference()) {
    program_ = Parse(text);
    return executor_.Run(design, program_, options);
  }
  // "main.1 A.1", in the order in which operations began.
  std::string Order() const {
    std::string text;
    for (const sim::Event& event : executor_.events()) {
      if (event.primitive != sim::Primitive::kOpBegin) continue;
      text += (text.empty() ? "" : " ") + (event.operation == spec::kExitOperation
                                               ? "exit"
                                               : OperationLabel(program_, event.operation));
    }
    return text;
  }
  std::vector<int> Results() const {
    std::vector<int> results;
    for (const OperationResult& result : executor_.last().results) {
      results.push_back(result.ran ? result.result : 1);
    }
    return results;
  }

  Program program_;
  Executor executor_;
};

TEST_F(ExecutorTest, AnEmptyProgramBootsAndExits) {
  const Execution& run = Run("boot memfds=1 devices=1\n");
  EXPECT_EQ(run.end, sim::RunEnd::kCompleted);
  EXPECT_THAT(run.results, IsEmpty());
  EXPECT_THAT(run.violations, IsEmpty());
  EXPECT_EQ(Order(), "exit");
}

TEST_F(ExecutorTest, ResultsAndCreatedObjects) {
  const Execution& run =
      Run("boot memfds=1 devices=1\n"
          "main:\n"
          "  ioas = ioas_alloc()\n"
          "  dev = device_bind(index=0)\n"
          "  hwpt = hwpt_alloc(dev, ioas)\n"
          "  s = luo_create_session(name=\"vm\")\n"
          "  destroy(ioas)\n"
          "  destroy(77)\n");
  EXPECT_THAT(Results(), ElementsAre(0, 0, 0, 0, -sim::kEBUSY, -sim::kENOENT));
  EXPECT_EQ(run.results[0].created_id, 1u);
  EXPECT_EQ(run.results[1].created_id, 2u);
  EXPECT_EQ(run.results[2].created_id, 3u);
  EXPECT_EQ(run.results[3].created_id, 1u) << "a session's number + 1";
  EXPECT_EQ(run.results[4].created_id, 0u);
  EXPECT_THAT(run.violations, IsEmpty());
}

TEST_F(ExecutorTest, PhasesFollowEachOther) {
  const Execution& run =
      Run("boot memfds=1 devices=1\n"
          "finally:\n"
          "  memfd_seal(0, seals=grow)\n"
          "B:\n"
          "  ioas_alloc()\n"
          "A:\n"
          "  ioas_alloc()\n"
          "  ioas_alloc()\n"
          "main:\n"
          "  ioas_alloc()\n");
  EXPECT_EQ(Order(), "main.1 A.1 A.2 B.1 finally.1 exit");
  EXPECT_GT(run.task_steps[0], 0u);
  EXPECT_GT(run.task_steps[1], run.task_steps[2]);
  EXPECT_EQ(run.task_steps[3], 0u);
  EXPECT_EQ(run.steps, uint64_t{run.task_steps[0]} + run.task_steps[1] + run.task_steps[2]);
}

TEST_F(ExecutorTest, ObjectsOfOperationsThatFailedNameNothing) {
  Run("boot memfds=1 devices=1\n"
      "main:\n"
      "  dev = device_bind(index=0)\n"
      "  dev2 = device_bind(index=0)\n"
      "  device_unbind(dev2)\n");
  EXPECT_EQ(executor_.last().results[1].created_id, 0u);
  EXPECT_THAT(Results(), ElementsAre(0, testing::Lt(0), -sim::kENOENT));
}

TEST_F(ExecutorTest, AFaultFailsTheNthCallOfItsOperationOnly) {
  const std::string program =
      std::string(kMarked) + "  hwpt_alloc(dev, ioas)\n  hwpt_alloc(dev, ioas)\n";
  EXPECT_THAT(Run(program).violations, IsEmpty());
  EXPECT_THAT(Results(), ElementsAre(0, 0, 0, 0, 0, 0, 0));
  EXPECT_THAT(Run(program + "fault main.6 domain_alloc nth=1\n").violations, IsEmpty());
  EXPECT_THAT(Results(), ElementsAre(0, 0, 0, 0, 0, -sim::kENOMEM, 0));
  EXPECT_THAT(Run(program + "fault main.6 copy_to_user nth=1\n").violations, IsEmpty());
  EXPECT_THAT(Results(), ElementsAre(0, 0, 0, 0, 0, -sim::kEFAULT, 0));
  Run(program + "fault main.6 domain_alloc nth=2\n");
  EXPECT_THAT(Results(), ElementsAre(0, 0, 0, 0, 0, 0, 0)) << "there is no second one";
}

TEST_F(ExecutorTest, SitesAreWhereFaultsCanBePlanned) {
  const std::string program = std::string(kMarked) + "  luo_preserve(s, iommufd, token=2)\n";
  const std::vector<SiteVisit> sites = Run(program).sites;
  ASSERT_FALSE(sites.empty());
  const auto preserve = std::count_if(sites.begin(), sites.end(),
                                      [](const SiteVisit& visit) { return visit.operation == 5; });
  EXPECT_GE(preserve, 10);
  for (const SiteVisit& visit : sites) {
    Program variant = Parse(program);
    variant.faults = {{visit.operation, visit.site, visit.nth}};
    const Execution& run = executor_.Run(Reference(), variant);
    const std::string what = OperationLabel(variant, visit.operation) + " " +
                             std::string(Name(visit.site)) + " " + std::to_string(visit.nth);
    EXPECT_LT(run.results[visit.operation].result, 0) << what;
    EXPECT_THAT(run.violations, IsEmpty()) << what;
    EXPECT_EQ(run.end, sim::RunEnd::kCompleted) << what;
  }
}

TEST_F(ExecutorTest, SwitchesDecideTheOrderOfTasks) {
  const std::string tasks =
      "boot memfds=1 devices=1\nA:\n  ioas_alloc()\n  ioas_alloc()\nB:\n  ioas_alloc()\n";
  Run(tasks);
  EXPECT_EQ(Order(), "A.1 A.2 B.1 exit");
  const uint64_t digest = executor_.last().digest;
  const std::vector<sim::SchedulePoint> points = executor_.schedule_points();
  EXPECT_GT(points.size(), 5u);
  EXPECT_TRUE(std::all_of(points.begin(), points.end(),
                          [](const sim::SchedulePoint& p) { return p.runnable != 0; }));
  Run(tasks + "switch A.1 before begin -> B\n");
  EXPECT_EQ(Order(), "B.1 A.1 A.2 exit");
  EXPECT_EQ(executor_.last().results[2].created_id, 1u);
  EXPECT_NE(executor_.last().digest, digest);
  Run(tasks + "switch A.1 after end -> B\n");
  EXPECT_EQ(Order(), "A.1 B.1 A.2 exit");
  Run(tasks + "switch A.2 before kcalloc#1 -> B\n");
  EXPECT_EQ(executor_.last().digest, digest) << "a switch at a place that is never reached";
}

TEST_F(ExecutorTest, ARunBeyondTheStepLimitHangs) {
  const Execution& run = Run(kMarked, {.step_limit = 20});
  EXPECT_EQ(run.end, sim::RunEnd::kHung);
  EXPECT_EQ(run.steps, 21u);
  const spec::Violation* hung = run.Find(Invariant::kI37);
  ASSERT_NE(hung, nullptr);
  EXPECT_EQ(hung->detail, "step limit reached: the kernel hangs");
  EXPECT_FALSE(run.results.back().ran);
  EXPECT_EQ(Run(kMarked).end, sim::RunEnd::kCompleted) << "the next run is a new one";
}

TEST_F(ExecutorTest, AnOopsEndsTheRun) {
  const Program program = CorpusProgram("B17-error-pointer-tested-for-null.prog");
  const Execution& run = executor_.Run(V1(), program);
  EXPECT_EQ(run.end, sim::RunEnd::kOops);
  EXPECT_FALSE(run.results.back().ran);
  ASSERT_NE(run.Find(Invariant::kI21), nullptr);
  EXPECT_EQ(run.Find(Invariant::kI36), nullptr) << "there was no exit";
}

TEST_F(ExecutorTest, ADeadlockEndsTheRun) {
  const Program program = CorpusProgram("B02-abba-with-hwpt_alloc.prog");
  EXPECT_EQ(executor_.Run(V1(), program).end, sim::RunEnd::kDeadlock);
  EXPECT_EQ(executor_.Run(Reference(), program).end, sim::RunEnd::kCompleted);
}

TEST_F(ExecutorTest, StopAtEndsTheRunWhereTheInvariantBreaksFirst) {
  const Program program = CorpusProgram("B19-token-changed-after-preserve.prog");
  const Execution whole = executor_.Run(V1(), program);
  EXPECT_EQ(whole.end, sim::RunEnd::kCompleted);
  EXPECT_NE(whole.Find(Invariant::kI11), nullptr);

  const Execution stopped = executor_.Run(V1(), program, {.stop_at = Invariant::kI12});
  EXPECT_EQ(stopped.end, sim::RunEnd::kStopped);
  EXPECT_LT(stopped.steps, whole.steps);
  ASSERT_NE(stopped.Find(Invariant::kI12), nullptr);
  EXPECT_EQ(*stopped.Find(Invariant::kI12), *whole.Find(Invariant::kI12));
  EXPECT_EQ(stopped.Find(Invariant::kI11), nullptr) << "it breaks after the end";
  EXPECT_NE(stopped.Find(Invariant::kI19), nullptr) << "it broke before, and ended nothing";

  EXPECT_EQ(executor_.Run(V1(), program, {.stop_at = Invariant::kI05}).digest, whole.digest)
      << "one that holds stops nothing";
}

TEST_F(ExecutorTest, KeepWorldsSaysWhatTheViolatingOperationChanged) {
  const Program program = CorpusProgram("B19-token-changed-after-preserve.prog");
  const uint64_t digest = executor_.Run(V1(), program).digest;
  EXPECT_THAT(executor_.last().difference, IsEmpty());
  const Execution& run =
      executor_.Run(V1(), program, {.stop_at = Invariant::kI12, .keep_worlds = true});
  ASSERT_THAT(run.difference, testing::SizeIs(testing::Ge(1u)));
  EXPECT_THAT(run.difference, testing::Contains(testing::HasSubstr("token of hwpt3: 7 -> 9")));
  EXPECT_EQ(executor_.Run(V1(), program, {.keep_worlds = true}).digest, digest)
      << "watching changes nothing";
  EXPECT_THAT(executor_.Run(Reference(), program, {.keep_worlds = true}).difference, IsEmpty());
}

TEST_F(ExecutorTest, ARunDependsOnDesignAndProgramAlone) {
  for (const std::string& file : CorpusFiles()) {
    const Program program = CorpusProgram(file);
    for (liveupdate::Design* design : liveupdate::AllDesigns()) {
      const Execution first = executor_.Run(*design, program);
      const std::vector<sim::Event> events = executor_.events();
      executor_.Run(*design, program);
      EXPECT_EQ(executor_.last().digest, first.digest) << file;
      Executor fresh;
      const Execution& again = fresh.Run(*design, program);
      EXPECT_EQ(again.digest, first.digest) << file;
      EXPECT_EQ(fresh.events(), events) << file;
      EXPECT_EQ(again.results, first.results) << file;
      EXPECT_EQ(again.violations, first.violations) << file;
      EXPECT_EQ(again.armed, first.armed) << file;
      EXPECT_EQ(again.task_steps, first.task_steps) << file;
      EXPECT_EQ(again.sites, first.sites) << file;
    }
  }
}

TEST_F(ExecutorTest, ARunIsTheSameAfterOtherPrograms) {
  std::vector<Execution> alone;
  for (const std::string& file : CorpusFiles()) {
    Executor fresh;
    alone.push_back(fresh.Run(V1(), CorpusProgram(file)));
  }
  const std::vector<std::string> files = CorpusFiles();
  for (size_t i = files.size(); i-- > 0;) {  // another order, another design in between
    const Program program = CorpusProgram(files[i]);
    executor_.Run(Reference(), program, {.step_limit = 50});
    const Execution& run = executor_.Run(V1(), program);
    EXPECT_EQ(run.digest, alone[i].digest) << files[i];
    EXPECT_EQ(run.violations, alone[i].violations) << files[i];
  }
}

TEST_F(ExecutorTest, ExitRestoresTheMachineAsBooted) {
  for (const std::string& file : CorpusFiles()) {
    const Program program = CorpusProgram(file);
    executor_.Run(Reference(), program);
    const liveupdate::World machine = BootMachine(program.boot);
    EXPECT_TRUE(executor_.world() == machine) << file;
    EXPECT_THAT(sim::DiffOf(machine, executor_.world()), IsEmpty()) << file;
    EXPECT_EQ(executor_.last().armed[static_cast<size_t>(Invariant::kI36)], 1u) << file;
  }
}

TEST_F(ExecutorTest, ArmedCountsWhatTheChecksHadToCheck) {
  const auto armed = [&](Invariant invariant) {
    return executor_.last().armed[static_cast<size_t>(invariant)];
  };
  Run("boot memfds=1 devices=1\nmain:\n  ioas_alloc()\n");
  EXPECT_EQ(armed(Invariant::kI38), 1u) << "one answer";
  EXPECT_EQ(armed(Invariant::kI37), 2u) << "the call and the exit";
  EXPECT_EQ(armed(Invariant::kI36), 1u);
  for (const Invariant idle :
       {Invariant::kI01, Invariant::kI02, Invariant::kI03, Invariant::kI04, Invariant::kI05,
        Invariant::kI06, Invariant::kI10, Invariant::kI11, Invariant::kI12, Invariant::kI13,
        Invariant::kI14, Invariant::kI15, Invariant::kI18, Invariant::kI20, Invariant::kI21}) {
    EXPECT_EQ(armed(idle), 0u) << IdOf(idle);
  }
  Run(std::string(kMarked) +
      "  memfd_seal(0, seals=seal|grow|shrink)\n"
      "  map_file(ioas, memfd=0, iova=0x1000, length=0x1000)\n"
      "  luo_preserve(s, memfd=0, token=1)\n"
      "  luo_preserve(s, iommufd, token=2)\n"
      "A:\n"
      "  luo_close_session(s)\n"
      "B:\n"
      "  map_file(ioas, memfd=0, iova=0x2000, length=0x1000)\n");
  EXPECT_THAT(executor_.last().violations, IsEmpty());
  for (const Invariant busy :
       {Invariant::kI01, Invariant::kI02, Invariant::kI04, Invariant::kI06, Invariant::kI07,
        Invariant::kI08, Invariant::kI10, Invariant::kI11, Invariant::kI12, Invariant::kI13,
        Invariant::kI14, Invariant::kI15, Invariant::kI18, Invariant::kI19, Invariant::kI20,
        Invariant::kI24}) {
    EXPECT_GT(armed(busy), 0u) << IdOf(busy);
  }
}

TEST_F(ExecutorTest, WhatBreaksWasArmed) {
  for (const std::string& file : CorpusFiles()) {
    const Execution& run = executor_.Run(V1(), CorpusProgram(file));
    for (const spec::Violation& violation : run.violations) {
      EXPECT_GT(run.armed[static_cast<size_t>(violation.invariant)], 0u)
          << file << " " << IdOf(violation.invariant);
    }
  }
}

TEST_F(ExecutorTest, ProtectionsReachTheAreas) {
  program_ = Parse(
      "main:\n  ioas = ioas_alloc()\n"
      "  map(ioas, iova=0x1000, length=0x1000, prot=r)\n"
      "  map(ioas, iova=0x2000, length=0x1000, prot=w)\n"
      "  map(ioas, iova=0x3000, length=0x1000, prot=rw)\n"
      "  map(ioas, iova=0x4000, length=0x1000, prot=none)\n");
  executor_.Keep(Reference(), program_);
  EXPECT_THAT(Results(), ElementsAre(0, 0, 0, 0, -sim::kEINVAL));
  std::vector<uint64_t> permissions;
  executor_.world().kernel.iommufd.areas.ForEach(
      [&](iommufd::AreaHandle, const iommufd::Area& area) {
        permissions.push_back(area.shape.Peek().permissions);
      });
  EXPECT_THAT(permissions, ElementsAre(1u, 2u, 3u));
  EXPECT_THAT(executor_.Run(Reference(), program_).violations, IsEmpty());
}

// I26 is about what is handed over: a preserve that fails hands nothing over.
TEST_F(ExecutorTest, TheLayoutIsJudgedWhereBytesAreHandedOver) {
  const std::string preserve = "  luo_preserve(s, iommufd, token=2)\n";
  EXPECT_NE(Run(kMarked + preserve, {}, V1()).Find(Invariant::kI26), nullptr);
  const Execution& refused =
      Run(kMarked + std::string("  map(ioas, iova=0x1000, length=0x1000)\n") + preserve, {}, V1());
  ASSERT_EQ(refused.results.back().result, -sim::kEINVAL);
  EXPECT_EQ(refused.Find(Invariant::kI26), nullptr);
}

TEST_F(ExecutorTest, FindGivesTheFirstViolation) {
  const Program program = CorpusProgram("B10-preserved_state-dangles.prog");
  const Execution& run = executor_.Run(V1(), program);
  const spec::Violation* first = run.Find(Invariant::kI19);
  ASSERT_NE(first, nullptr);
  for (const spec::Violation& violation : run.violations) {
    if (violation.invariant != Invariant::kI19) continue;
    EXPECT_LE(first->event, violation.event);
  }
  EXPECT_EQ(run.Find(Invariant::kI14), nullptr);
}

}  // namespace
}  // namespace iommufd_check::program
