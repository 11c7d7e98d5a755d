// Program: labels, order, removal, and that every broken promise is found.

#include "model/program/program.h"

#include <gtest/gtest.h>

#include <functional>

#include "model/program/text/text_codec.h"
#include "tests/program/random_programs.h"
#include "tests/program/text_messages.h"

namespace iommufd_check::program {
namespace {

Program Rich() { return Parse(RichText()); }

TEST(Program, TaskNames) {
  EXPECT_EQ(TaskName(kMain), "main");
  EXPECT_EQ(TaskName(1), "A");
  EXPECT_EQ(TaskName(kMaxTask), "G");
  EXPECT_EQ(TaskName(kFinally), "finally");
  for (int task = 0; task <= UINT8_MAX; ++task) {
    if (task > kMaxTask && task != kFinally) continue;
    EXPECT_EQ(TaskFromName(TaskName(static_cast<uint8_t>(task))), task);
  }
  for (const std::string_view name : {"", "H", "a", "AA", "Main", "@"}) {
    EXPECT_EQ(TaskFromName(name), std::nullopt) << name;
  }
}

TEST(Program, LabelsCountWithinATask) {
  const Program program = Rich();
  EXPECT_EQ(OperationLabel(program, 0), "main.1");
  EXPECT_EQ(OperationLabel(program, 9), "main.10");
  EXPECT_EQ(OperationLabel(program, 10), "A.1");
  EXPECT_EQ(OperationLabel(program, 15), "B.1");
  EXPECT_EQ(OperationLabel(program, 17), "finally.1");
}

TEST(Program, TaskCountIsTheHighestInUse) {
  EXPECT_EQ(TaskCount(Program{}), 0);
  EXPECT_EQ(TaskCount(Parse("main:\nioas_alloc()\nfinally:\nioas_alloc()")), 0);
  EXPECT_EQ(TaskCount(Parse("D:\nioas_alloc()\nB:\nioas_alloc()")), 4);
}

TEST(Program, SortRenumbersVariablesAndFaults) {
  Program program;
  Operation close;
  close.code = OpCode::kLuoCloseSession;
  close.task = kFinally;
  close.arguments[0].variable = 2;
  Operation ioas;
  ioas.task = 1;
  Operation session;
  session.code = OpCode::kLuoCreateSession;
  program.operations = {close, ioas, session};
  program.faults = {{0, sim::FaultSite::kKcalloc, 1}, {2, sim::FaultSite::kSessionAlloc, 2}};
  SortOperations(&program);
  EXPECT_EQ(FirstProblem(program), "");
  EXPECT_EQ(PrintProgram(program),
            "format 2\nboot memfds=1 devices=1\n\nmain:\n  s = luo_create_session(name=\"\")\n"
            "A:\n  ioas = ioas_alloc()\nfinally:\n  luo_close_session(s)\n\n"
            "fault finally.1 kcalloc nth=1\nfault main.1 session_alloc nth=2\n");
  const Program sorted = program;
  SortOperations(&program);
  EXPECT_EQ(program, sorted);
}

TEST(Program, SortKeepsTheOrderWithinATask) {
  Program program;
  for (uint64_t i = 0; i < 100; ++i) {
    Operation operation;
    operation.code = OpCode::kDestroy;
    operation.task = static_cast<uint8_t>(i * 7 % 3);
    operation.arguments[0].value = i;
    program.operations.push_back(operation);
  }
  SortOperations(&program);
  for (size_t i = 1; i < program.operations.size(); ++i) {
    const Operation& a = program.operations[i - 1];
    const Operation& b = program.operations[i];
    EXPECT_LE(a.task, b.task);
    if (a.task == b.task) {
      EXPECT_LT(a.arguments[0].value, b.arguments[0].value);
    }
  }
}

TEST(Program, WithoutOperationCleansUp) {
  const Program program = Rich();
  const Program smaller = WithoutOperation(program, 0);  // ioas
  EXPECT_EQ(FirstProblem(smaller), "");
  EXPECT_EQ(smaller.operations.size(), program.operations.size() - 1);
  EXPECT_EQ(smaller.operations[2].code, OpCode::kHwptAlloc);
  EXPECT_EQ(smaller.operations[2].arguments[0].variable, 0);
  EXPECT_EQ(smaller.operations[2].arguments[1], Argument{});
  EXPECT_EQ(smaller.faults[1].operation, 2);
  EXPECT_EQ(smaller.switches.size(), 2u);
  // main.4 has the second fault.
  EXPECT_EQ(WithoutOperation(program, 3).faults.size(), 1u);
}

TEST(Program, RemovingATaskRemovesItsSwitches) {
  const Program program = Rich();
  std::vector<bool> keep;
  for (const Operation& operation : program.operations) keep.push_back(operation.task != 2);
  const Program smaller = KeepOperations(program, keep);
  EXPECT_EQ(FirstProblem(smaller), "");
  EXPECT_EQ(TaskCount(smaller), 1);
  EXPECT_TRUE(smaller.switches.empty());
  EXPECT_EQ(smaller.faults.size(), 1u);
  EXPECT_EQ(KeepOperations(program, std::vector<bool>(keep.size(), true)), program);
}

TEST(Program, RemovalKeepsRandomProgramsValid) {
  Random random(21);
  for (int i = 0; i < 500; ++i) {
    Program program = RandomProgram(random);
    while (!program.operations.empty()) {
      program = WithoutOperation(program, Below(random, program.operations.size()));
      ASSERT_EQ(FirstProblem(program), "");
    }
    EXPECT_TRUE(program.faults.empty());
    EXPECT_TRUE(program.switches.empty());
  }
}

TEST(Program, DefinitionOrderIsTheOrderWhenVariablesPointBackwards) {
  const Program program = Parse("main:\nx = ioas_alloc()\nB:\nunmap(x)\nA:\nunmap(x)");
  EXPECT_EQ(DefinitionOrder(program), (std::vector<uint16_t>{0, 1, 2}));
}

TEST(Program, DefinitionOrderLetsTasksUseEachOther) {
  const Program program = Parse(
      "A:\na = ioas_alloc()\nB:\nb = ioas_alloc()\nunmap(a)\nA:\nunmap(b)\nfinally:\nunmap(b)");
  EXPECT_EQ(DefinitionOrder(program), (std::vector<uint16_t>{0, 2, 3, 1, 4}));
}

struct Broken {
  std::string problem;
  std::function<void(Program&)> breaks;
};

std::vector<Broken> BrokenOperations() {
  return {
      {"operations are not sorted", [](Program& p) { p.operations[0].task = 1; }},
      {"operation 17 belongs to no task", [](Program& p) { p.operations[17].task = 8; }},
      {"operation 0 has a code outside the alphabet",
       [](Program& p) { p.operations[0].code = OpCode::kCount; }},
      {"operation 0 has too many arguments",
       [](Program& p) { p.operations[0].arguments[1].value = 1; }},
      {"operation 0 argument 'iommufd' names no iommufd",
       [](Program& p) { p.operations[0].arguments[0].value = WrittenIommufd(1); }},
      {"operation 3 argument 'device' names no operation",
       [](Program& p) { p.operations[3].arguments[0].variable = 999; }},
      {"operation 3 argument 'device' is a variable of the wrong kind",
       [](Program& p) { p.operations[3].arguments[0].variable = 0; }},
      {"operation 3 argument 'device' has both a variable and a value",
       [](Program& p) { p.operations[3].arguments[0].value = 1; }},
      {"operation 12 argument 'ioas' is an id of more than 32 bits",
       [](Program& p) { p.operations[12].arguments[0].value = kMaxObjectId + 1; }},
      {"operation 3 argument 'ioas' is defined by a task that runs later",
       [](Program& p) { p.operations[3].arguments[1].variable = 16; }},
      {"operation 15 argument 'token' is a variable where a value is due",
       [](Program& p) { p.operations[15].arguments[2].variable = 0; }},
      {"operation 2 argument 'index' names no device",
       [](Program& p) { p.operations[2].arguments[0].value = 2; }},
      {"operation 5 argument 'memfd' names no memfd",
       [](Program& p) { p.operations[5].arguments[0].value = 2; }},
      {"operation 5 argument 'seals' has unknown seals",
       [](Program& p) { p.operations[5].arguments[1].value = 0x40; }},
      {"operation 8 argument 'file' names no memfd",
       [](Program& p) { p.operations[8].arguments[1].value = 2; }},
      {"operation 11 argument 'buffer' names no buffer",
       [](Program& p) { p.operations[11].arguments[1].value = 1; }},
      {"operation 11 argument 'prot' is not a protection",
       [](Program& p) { p.operations[11].arguments[5].value = 4; }},
      {"operation 7 argument 'name' is a name with a value",
       [](Program& p) { p.operations[7].arguments[0].value = 1; }},
      {"operation 7 has a name that is too long or not printable",
       [](Program& p) { p.operations[7].name = std::string(kMaxNameBytes + 1, 'x'); }},
      {"operation 7 has a name that is too long or not printable",
       [](Program& p) { p.operations[7].name = "\n"; }},
      {"operation 0 has a name that it does not take",
       [](Program& p) { p.operations[0].name = "x"; }},
      {"operation 0 expects an unknown errno",
       [](Program& p) { p.operations[0].expected_errno = 3; }},
      {"operation 0 expects an unknown errno",
       [](Program& p) { p.operations[0].expected_errno = -16; }},
      {"too many operations",
       [](Program& p) { p.operations.resize(kMaxOperations + 1, p.operations[0]); }},
  };
}

std::vector<Broken> BrokenRest() {
  return {
      {"too many memfds", [](Program& p) { p.boot.memfds = 9; }},
      {"too many buffers", [](Program& p) { p.boot.buffers = 9; }},
      {"too many devices", [](Program& p) { p.boot.devices = 9; }},
      {"too many iommufds", [](Program& p) { p.boot.iommufds = 5; }},
      {"memfds are too large", [](Program& p) { p.boot.memfd_pages = 4097; }},
      {"buffers are too large", [](Program& p) { p.boot.buffer_pages = 4097; }},
      {"a fault names no operation", [](Program& p) { p.faults[0].operation = 23; }},
      {"a fault names no site", [](Program& p) { p.faults[0].site = sim::FaultSite::kCount; }},
      {"a fault counts from 1", [](Program& p) { p.faults[0].nth = 0; }},
      {"too many faults", [](Program& p) { p.faults.resize(kMaxFaults + 1); }},
      {"a switch names no operation", [](Program& p) { p.switches[0].operation = 23; }},
      {"a switch leads to its own task", [](Program& p) { p.switches[0].to = 1; }},
      {"a switch leaves an operation that runs alone",
       [](Program& p) { p.switches[0].operation = 0; }},
      {"a switch is anchored to nothing that happens",
       [](Program& p) { p.switches[0].act.primitive = sim::Primitive::kSplat; }},
      {"a switch is anchored to nothing that happens",
       [](Program& p) { p.switches[0].act.kind = sim::ObjectKind::kIoas; }},
      {"a switch is anchored to nothing that happens",
       [](Program& p) {
         p.switches[0] = {10, sim::Side::kBefore, {sim::Primitive::kOpEnd}, 1, 2};
       }},
      {"a switch counts from 1", [](Program& p) { p.switches[0].nth = 0; }},
      {"an operation begins and ends once",
       [](Program& p) { p.switches[0] = {10, sim::Side::kAfter, {sim::Primitive::kOpEnd}, 2, 2}; }},
      {"a switch leads to a task without operations", [](Program& p) { p.switches[0].to = 8; }},
      {"a switch leads to a task without operations", [](Program& p) { p.switches[0].to = 3; }},
      {"too many switches", [](Program& p) { p.switches.resize(kMaxSwitches + 1); }},
      {"the design is not a word", [](Program& p) { p.design = "1"; }},
      {"the design is not a word", [](Program& p) { p.design = "v 1"; }},
      {"an expected violation is not a word", [](Program& p) { p.expected[0].invariant = ""; }},
      {"an expected violation names no operation",
       [](Program& p) { p.expected[0].operation = OpCode::kCount; }},
      {"too many expected violations",
       [](Program& p) { p.expected.resize(kMaxExpected + 1, p.expected[0]); }},
      {"a companion is not a word", [](Program& p) { p.also[1] = "I\n"; }},
      {"too many companions", [](Program& p) { p.also.resize(kMaxAlso + 1, "I01"); }},
      {"the title is not printable", [](Program& p) { p.title = "\t"; }},
      {"the title is too long", [](Program& p) { p.title.resize(kMaxTitleBytes + 1, 'x'); }},
  };
}

TEST(Program, EveryBrokenPromiseIsFound) {
  ASSERT_EQ(FirstProblem(Rich()), "");
  for (const std::vector<Broken>& list : {BrokenOperations(), BrokenRest()}) {
    for (const Broken& broken : list) {
      Program program = Rich();
      broken.breaks(program);
      EXPECT_EQ(FirstProblem(program), broken.problem);
    }
  }
}

TEST(Program, VariablesPointBackwardsInTheirTask) {
  Program program = Parse("A:\nx = ioas_alloc()\nunmap(x)");
  std::swap(program.operations[0], program.operations[1]);
  program.operations[0].arguments[0].variable = 1;
  EXPECT_EQ(FirstProblem(program), "operation 0 argument 'ioas' is defined later in its own task");
}

TEST(Program, VariablesFormNoCycle) {
  Program program =
      Parse("A:\nunmap(0)\na = ioas_alloc()\nB:\nunmap(a)\nb = ioas_alloc()\nC:\nioas_alloc()");
  EXPECT_EQ(FirstProblem(program), "");
  program.operations[0].arguments[0].variable = 3;  // A.1 waits for B.2, which waits for A.2
  EXPECT_EQ(FirstProblem(program), "variables of concurrent tasks form a cycle");
}

}  // namespace
}  // namespace iommufd_check::program
