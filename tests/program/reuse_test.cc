// Runs that take main over from the run before (RunOptions::reuses_main) end as those that run it.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "model/liveupdate/designs/registry.h"
#include "model/program/execute/executor.h"
#include "model/program/text/text_codec.h"
#include "tests/program/corpus.h"
#include "tests/program/same_run.h"

namespace iommufd_check::program {
namespace {

std::vector<sim::Switch> RandomSwitches(std::mt19937& random, const Program& program) {
  constexpr sim::Primitive kActs[] = {sim::Primitive::kLock, sim::Primitive::kUnlock,
                                      sim::Primitive::kRead, sim::Primitive::kCall};
  std::vector<uint16_t> concurrent;
  for (size_t i = 0; i < program.operations.size(); ++i) {
    if (PhaseOf(program.operations[i].task) == 1) concurrent.push_back(static_cast<uint16_t>(i));
  }
  std::vector<sim::Switch> switches;
  for (auto i = random() % 4; i > 0; --i) {
    sim::Switch change{.act = {kActs[random() % 4], sim::kAnyDetail}};
    change.operation = concurrent[random() % concurrent.size()];
    change.nth = static_cast<uint16_t>(1 + random() % 12);
    change.to = static_cast<sim::TaskId>(3 - program.operations[change.operation].task);
    switches.push_back(change);
  }
  return switches;
}

struct Reusing {
  Executor executor;
  Executor plain;
  int compared = 0;

  void Run(liveupdate::Design& design, const Program& program, const std::string& where) {
    executor.Run(design, program, {.reuses_main = true});
    plain.Run(design, program);
    ExpectSameRun(executor, plain, where);
    ++compared;
  }
};

bool TwoTasks(const Program& program) { return TaskCount(program) == 2; }

TEST(ReuseOfMain, EveryScheduleOfTheCorpusEndsAsWithoutIt) {
  Reusing reusing;
  std::mt19937 random(7);
  for (const std::string& folder : {std::string("explore"), std::string("bugs")}) {
    for (const std::string& file : CorpusFiles(folder)) {
      Program program = CorpusProgram(file, folder);
      if (!TwoTasks(program)) continue;
      for (const std::string_view name : {"reference", "v1"}) {
        program.design = std::string(name);
        if (!FirstProblem(program).empty()) continue;
        for (int run = 0; run < 6; ++run) {
          program.switches = RandomSwitches(random, program);
          reusing.Run(*liveupdate::FindDesign(name), program,
                      file + " run " + std::to_string(run) + " under " + std::string(name));
        }
      }
    }
  }
  EXPECT_GT(reusing.compared, 300);
}

TEST(ReuseOfMain, AnotherDesignBootOperationOrFaultOfMainRunsItAgain) {
  const Program program = CorpusProgram("map-x-preserve.prog", "explore");
  std::vector<Program> others(5, program);
  others[1].boot.devices = 2;
  const auto token =
      std::find_if(others[2].operations.begin(), others[2].operations.end(),
                   [](const Operation& operation) { return operation.code == OpCode::kLuMark; });
  ASSERT_NE(token, others[2].operations.end());
  token->arguments[1].value = 9;
  others[3].faults = {{0, sim::FaultSite::kObjectAlloc, 1}};
  const auto last = static_cast<uint16_t>(program.operations.size() - 1);
  ASSERT_NE(program.operations[last].task, kMain);
  others[4].faults = {{last, sim::FaultSite::kKcalloc, 1}};
  Reusing reusing;
  liveupdate::Design& reference = *liveupdate::FindDesign("reference");
  for (const Program& first : others) {
    for (const Program& second : others) {
      for (const Program* each : {&first, &first, &first, &second, &second, &second, &first}) {
        reusing.Run(reference, *each, "one after the other");
      }
      reusing.Run(*liveupdate::FindDesign("v1"), second, "under v1");
    }
  }
  EXPECT_EQ(reusing.compared, 25 * 8);
}

TEST(ReuseOfMain, RunsInBetweenThatDoNotAskForItChangeNothing) {
  const Program program = CorpusProgram("map-x-preserve.prog", "explore");
  const Program other = CorpusProgram("two-iommufds-preserved.prog", "explore");
  liveupdate::Design& reference = *liveupdate::FindDesign("reference");
  Reusing reusing;
  for (int i = 0; i < 4; ++i) {
    reusing.Run(reference, program, "between");
    reusing.executor.Run(reference, other, {});
    Program shorter = WithoutOperation(program, program.operations.size() - 1);
    reusing.executor.Run(reference, shorter, {.keep_worlds = true, .reuses_main = true});
  }
  EXPECT_EQ(reusing.compared, 4);
}

// An oops of main is nothing to go on from.
TEST(ReuseOfMain, AMainThatEndsTheRunIsRunEachTime) {
  for (const std::string& file : CorpusFiles()) {
    const Program program = CorpusProgram(file);
    Reusing reusing;
    for (int i = 0; i < 3; ++i) reusing.Run(*liveupdate::FindDesign("v1"), program, file);
    EXPECT_EQ(reusing.compared, 3);
  }
}

}  // namespace
}  // namespace iommufd_check::program
