// Single edits: what each changes, what it leaves, and that rows of operations.def are all it
// needs.

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "fuzz/mutate/draw_arguments.h"
#include "fuzz/mutate/operation_edits.h"
#include "fuzz/mutate/plan_edits.h"
#include "model/liveupdate/designs/registry.h"
#include "model/program/text/text_codec.h"
#include "tests/program/text_messages.h"

namespace iommufd_check::cli {
namespace {

using program::OpCode;
using program::Operation;
using program::Parse;
using program::Program;

constexpr Limits kLimits{.tasks = 2};

Program TwoTasks() {
  return Parse(R"(boot memfds=1 devices=1
main:
  ioas = ioas_alloc()
  other = ioas_alloc()
A:
  map(ioas, iova=0x1000, length=0x1000)
  unmap(ioas, iova=0x1000, length=0x1000)
B:
  map(ioas, iova=0x1000, length=0x1000)
fault A.1 area_alloc nth=1
switch A.2 before begin -> B
)");
}

// Results of one edit of `from` by many draws, without those that are no programs.
template <class Edit>
std::vector<Program> Results(const Program& from, Edit edit) {
  std::vector<Program> results;
  for (uint64_t seed = 0; seed < 400; ++seed) {
    Draw draw(seed);
    Program program = from;
    if (!edit(&program, draw)) {
      EXPECT_EQ(program, from) << "nothing to change, and yet changed by seed " << seed;
      continue;
    }
    if (program::FirstProblem(program).empty()) results.push_back(std::move(program));
  }
  return results;
}

template <class Edit>
std::vector<Program> OperationResults(const Program& from, Edit edit) {
  return Results(from, [&](Program* program, Draw& draw) { return edit(program, kLimits, draw); });
}

size_t Operations(const Program& program) { return program.operations.size(); }

TEST(OperationEdits, InsertKnowsEveryOperationAndWhatItNeeds) {
  std::set<OpCode> inserted;
  std::set<uint8_t> tasks;
  int complete = 0;
  int all = 0;
  for (const Program& program : OperationResults(Program{}, InsertOperation)) {
    const Operation& last = program.operations.back();
    for (const Operation& operation : program.operations) inserted.insert(operation.code);
    tasks.insert(last.task);
    const auto specs = program::SpecOf(last.code).arguments;
    for (size_t i = 0; i < specs.size(); ++i) {
      if (!program::IsObject(specs[i].kind)) continue;
      ++all;
      complete += last.arguments[i].variable.has_value() ? 1 : 0;
    }
  }
  EXPECT_EQ(inserted.size(), static_cast<size_t>(OpCode::kCount)) << "an operation is never drawn";
  EXPECT_EQ(tasks, (std::set<uint8_t>{program::kMain, 1, 2, program::kFinally}));
  EXPECT_GT(complete, all * 3 / 4) << "of " << all;
}

TEST(OperationEdits, DeleteDuplicateReorderAndMoveKeepTheRest) {
  const Program from = TwoTasks();
  for (const Program& less : OperationResults(from, DeleteOperation)) {
    EXPECT_EQ(Operations(less) + 1, Operations(from));
  }
  std::set<uint8_t> tasks;
  for (const Program& more : OperationResults(from, DuplicateOperation)) {
    ASSERT_EQ(Operations(more), Operations(from) + 1);
    EXPECT_EQ(more.faults.size(), 1u);
    EXPECT_EQ(more.operations[more.faults[0].operation].task, 1) << "it is still that of A";
    EXPECT_EQ(more.operations[more.faults[0].operation].code, OpCode::kMap);
    for (const Operation& operation : more.operations) tasks.insert(operation.task);
  }
  EXPECT_EQ(tasks.size(), 4u) << "into each task";
  const std::vector<Program> reordered = OperationResults(from, ReorderOperation);
  EXPECT_GT(reordered.size(), 50u);
  for (const Program& other : reordered) {
    EXPECT_EQ(Operations(other), Operations(from));
    EXPECT_EQ(other.operations[other.faults[0].operation].code, OpCode::kMap);
    EXPECT_EQ(other.operations[other.switches[0].operation].code, OpCode::kUnmap);
  }
  for (const Program& other : OperationResults(from, MoveToTask)) {
    EXPECT_EQ(Operations(other), Operations(from));
    EXPECT_EQ(other.operations[other.faults[0].operation].code, OpCode::kMap);
  }
}

TEST(OperationEdits, RewiredObjectsAreOfTheirKind) {
  std::set<uint16_t> named;
  for (const Program& other : OperationResults(TwoTasks(), RewireObject)) {
    for (const Operation& operation : other.operations) {
      if (operation.arguments[0].variable) named.insert(*operation.arguments[0].variable);
    }
  }
  EXPECT_EQ(named, (std::set<uint16_t>{0, 1})) << "either IOAS, and nothing else";
}

TEST(OperationEdits, NumbersComeToBoundaries) {
  std::set<uint64_t> values;
  for (const Program& other : OperationResults(TwoTasks(), NudgeNumber)) {
    for (const Operation& operation : other.operations) {
      for (const program::Argument& argument : operation.arguments) values.insert(argument.value);
    }
  }
  // Zero, one, a page, one more and less, the last address, a superpage, the end of the aperture.
  for (const uint64_t boundary :
       {uint64_t{0}, uint64_t{1}, uint64_t{0xfff}, uint64_t{0x1000}, uint64_t{0x1001},
        uint64_t{0x2000}, uint64_t{1} << 21, (uint64_t{1} << 21) - 1, uint64_t{1} << 39,
        (uint64_t{1} << 39) - 1, UINT64_MAX, uint64_t{0} - 0x1000}) {
    EXPECT_TRUE(values.contains(boundary)) << boundary;
  }
}

TEST(OperationEdits, ArgumentsAreDrawnForEveryKind) {
  // Two of everything, so that every argument of every kind has something to be another of.
  const Program base = Parse(R"(boot memfds=2 buffers=2 devices=2 iommufds=2
main:
  ioas = ioas_alloc()
  ioas2 = ioas_alloc()
  dev = device_bind(index=0)
  dev2 = device_bind(index=1)
  hwpt = hwpt_alloc(dev, ioas)
  hwpt2 = hwpt_alloc(dev2, ioas2)
  s = luo_create_session(name="a")
  s2 = luo_create_session(name="b")
)");
  for (const OpCode code : uapi::AllOperations()) {
    const auto specs = program::SpecOf(code).arguments;
    std::vector<std::set<std::string>> seen(specs.size());
    for (uint64_t seed = 0; seed < 200; ++seed) {
      Draw draw(seed);
      Program program = base;
      program.operations.push_back({.code = code});
      DrawArguments(&program, program.operations.size() - 1, draw);
      ASSERT_EQ(program::FirstProblem(program), "") << program::SpecOf(code).name;
      const Operation& drawn = program.operations.back();
      for (size_t i = 0; i < specs.size(); ++i) {
        const program::Argument& argument = drawn.arguments[i];
        seen[i].insert(drawn.name + "/" + std::to_string(argument.value) + "/" +
                       std::to_string(argument.variable.value_or(UINT16_MAX)));
      }
    }
    for (size_t i = 0; i < specs.size(); ++i) {
      EXPECT_GE(seen[i].size(), 2u) << program::SpecOf(code).name << " " << specs[i].name;
    }
  }
}

TEST(OperationEdits, BootChangesOneField) {
  std::set<uint32_t> memfds;
  for (const Program& other : OperationResults(Program{}, ChangeBoot)) {
    memfds.insert(other.boot.memfds);
    EXPECT_TRUE(other.operations.empty());
  }
  EXPECT_GT(memfds.size(), 3u);
}

TEST(OperationEdits, ASplicedTaskNamesWhatItNamed) {
  const Program other = Parse("main:\n  ioas = ioas_alloc()\n  unmap(ioas)\n");
  int own = 0;
  for (uint64_t seed = 0; seed < 200; ++seed) {
    Draw draw(seed);
    Program program = TwoTasks();
    ASSERT_TRUE(Splice(&program, other, kLimits, draw));
    if (!program::FirstProblem(program).empty()) continue;
    for (const Operation& operation : program.operations) {
      const bool its = operation.code == OpCode::kUnmap && operation.arguments[2].value != 0x1000;
      if (!its || !operation.arguments[0].variable) continue;
      const uint16_t definer = *operation.arguments[0].variable;
      EXPECT_EQ(program.operations[definer].code, OpCode::kIoasAlloc);
      own += definer > 1 ? 1 : 0;
    }
    EXPECT_EQ(program.operations[program.faults[0].operation].code, OpCode::kMap);
  }
  EXPECT_GT(own, 20) << "its own, not one of those that were there";
}

class PlanEditsTest : public testing::Test {
 protected:
  // The run of TwoTasks without its plan.
  PlanEditsTest() {
    program_.faults.clear();
    program_.switches.clear();
    executor_.Run(*liveupdate::FindDesign("reference"), program_);
  }

  program::Executor executor_;
  Program program_ = TwoTasks();
};

TEST_F(PlanEditsTest, FaultsAreAtCallsThatTheRunMade) {
  const ParentRun run = RunOf(executor_);
  const std::vector<Program> results =
      Results(program_, [&](Program* p, Draw& draw) { return AddFault(p, run, kLimits, draw); });
  ASSERT_FALSE(results.empty());
  std::set<std::pair<uint16_t, sim::FaultSite>> sites;
  for (const Program& other : results) {
    ASSERT_EQ(other.faults.size(), 1u);
    const sim::PlannedFault& fault = other.faults[0];
    const program::SiteVisit visit{fault.operation, fault.site, fault.nth};
    EXPECT_NE(std::find(run.sites.begin(), run.sites.end(), visit), run.sites.end());
    sites.insert({fault.operation, fault.site});
  }
  EXPECT_GT(sites.size(), 10u);
}

TEST_F(PlanEditsTest, SwitchesAreWhereTasksMeetAndHaveAnEffect) {
  const ParentRun run = RunOf(executor_);
  ASSERT_FALSE(ContestedPoints(run).empty());
  for (const size_t i : ContestedPoints(run)) {
    const sim::SchedulePoint& point = run.points[i];
    if (point.act.primitive != sim::Primitive::kRead) continue;
    EXPECT_TRUE(run.meetings->Contains(point.act.kind, static_cast<sim::Field>(point.act.detail)));
  }
  const std::vector<Program> results =
      Results(program_, [&](Program* p, Draw& draw) { return AddSwitch(p, run, kLimits, draw); });
  std::set<sim::Primitive> acts;
  program::Executor executor;
  for (const Program& other : results) {
    ASSERT_EQ(other.switches.size(), 1u);
    acts.insert(other.switches[0].act.primitive);
    const auto& execution = executor.Run(*liveupdate::FindDesign("reference"), other);
    EXPECT_TRUE(execution.unmet.empty()) << program::PrintProgram(other);
  }
  EXPECT_TRUE(acts.contains(sim::Primitive::kLock));
  EXPECT_TRUE(acts.contains(sim::Primitive::kOpBegin));
}

TEST_F(PlanEditsTest, MovesKeepTheirNumberAndDropsEmptyIt) {
  const ParentRun run = RunOf(executor_);
  const Program planned = TwoTasks();
  for (const Program& other : Results(planned, [&](Program* p, Draw& draw) {
         return MoveFault(p, run, kLimits, draw) && MoveSwitch(p, run, kLimits, draw);
       })) {
    EXPECT_EQ(other.faults.size(), 1u);
    EXPECT_EQ(other.switches.size(), 1u);
  }
  for (const Program& other : Results(planned, DropFault)) EXPECT_TRUE(other.faults.empty());
  for (const Program& other : Results(planned, DropSwitch)) EXPECT_TRUE(other.switches.empty());
  Draw draw(1);
  Program none = program_;
  EXPECT_FALSE(DropFault(&none, draw));
  EXPECT_FALSE(DropSwitch(&none, draw));
}

}  // namespace
}  // namespace iommufd_check::cli
