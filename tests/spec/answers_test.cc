// Every output of every call is compared with what the oracle predicts: a changed one is noticed at
// the call that answers it, alone and beside others. And arguments are decoded twice.
#include <gtest/gtest.h>

#include <functional>
#include <set>

#include "model/liveupdate/designs/registry.h"
#include "model/program/execute/executor.h"
#include "model/program/execute/oracle_call.h"
#include "model/program/text/text_codec.h"

namespace iommufd_check::spec {
namespace {

using program::Execution;
using program::OperationResult;
using program::Program;

Program Parse(const std::string& text) {
  absl::StatusOr<Program> program = program::ParseProgram(text, "test");
  EXPECT_TRUE(program.ok()) << program.status().message();
  return program.ok() ? *program : Program{};
}

// Changes the answer of one operation.
class Change : public program::AnswerFilter {
 public:
  using Function = std::function<void(OperationResult*)>;
  Change(size_t operation, Function change) : operation_(operation), change_(std::move(change)) {}
  void Filter(size_t operation, OperationResult* result) override {
    if (operation == operation_) change_(result);
  }

 private:
  size_t operation_;
  Function change_;
};

struct Output {
  std::string name;
  std::string operation;  // the last of the program
  Change::Function change;
  std::string detail;
};

const std::vector<Output>& Outputs() {
  static const std::vector<Output> outputs = {
      {"result", "ioas_alloc()", [](auto* r) { r->result = -sim::kENOMEM; },
       "the call answers ENOMEM, documented is 0"},
      {"ioas", "ioas_alloc()", [](auto* r) { ++r->created_id; },
       "the new object has id 5, the lowest free one is 4"},
      {"device", "device_bind(index=1)", [](auto* r) { r->created_id = 0; },
       "the new object has id 0, the lowest free one is 4"},
      {"hwpt", "hwpt_alloc(dev, ioas)", [](auto* r) { r->created_id = 9; },
       "the new object has id 9, the lowest free one is 4"},
      {"iova_of_map", "map(ioas, iova=auto, length=0x1000)", [](auto* r) { r->iova += 0x1000; },
       "the call answers iova 0x4000, documented is 0x3000"},
      {"iova_of_map_file", "map_file(ioas, memfd=0, iova=0x8000, length=0x1000)",
       [](auto* r) { r->iova = 0; }, "the call answers iova 0x0, documented is 0x8000"},
      {"unmapped", "unmap(ioas, iova=0x1000, length=0x1000)", [](auto* r) { r->unmapped = 1; },
       "the call answers that 0x1 bytes were unmapped, documented is 0x1000"},
      {"unmapped_all", "unmap(ioas)", [](auto* r) { r->unmapped += 0x1000; },
       "the call answers that 0x3000 bytes were unmapped, documented is 0x2000"},
      {"session", "luo_create_session(name=\"vm\")", [](auto* r) { ++r->created_id; },
       "the new session has number 1, the lowest free one is 0"},
      {"output_of_a_call_without_one", "device_detach(dev)", [](auto* r) { r->iova = 1; },
       "the call answers iova 0x1, documented is 0x0"},
      {"output_of_a_failing_call", "unmap(ioas, iova=0x9000, length=0x1000)",
       [](auto* r) { r->unmapped = 0x1000; },
       "the call answers that 0x1000 bytes were unmapped, documented is 0x0"},
  };
  return outputs;
}

const std::string kTwoAreas =
    "boot devices=2\nmain:\n"
    "  ioas = ioas_alloc()\n"
    "  dev = device_bind(index=0)\n"
    "  hwpt = hwpt_alloc(dev, ioas)\n"
    "  map(ioas, iova=0x1000, length=0x1000)\n"
    "  map(ioas, offset=0x1000, iova=0x2000, length=0x1000)\n";

class OutputTest : public testing::TestWithParam<Output> {};

// `program` holds, and with one output of its operation 5 changed violates I38 there.
void ExpectCompared(const Program& program, const Output& output, std::string* detail = nullptr) {
  constexpr size_t last = 5;
  program::Executor executor;
  liveupdate::Design& reference = *liveupdate::FindDesign("reference");
  EXPECT_TRUE(executor.Run(reference, program).violations.empty());
  Change change(last, output.change);
  program::RunOptions options;
  options.answers = &change;
  const Execution& run = executor.Run(reference, program, options);
  const Violation* violation = run.Find(Invariant::kI38);
  ASSERT_NE(violation, nullptr);
  EXPECT_EQ(violation->operation, last);
  if (detail != nullptr) *detail = violation->detail;
}

TEST_P(OutputTest, IsComparedAlone) {
  std::string detail;
  ExpectCompared(Parse(kTwoAreas + "  " + GetParam().operation + "\n"), GetParam(), &detail);
  EXPECT_EQ(detail, GetParam().detail);
}

TEST_P(OutputTest, IsComparedBesideAnotherCall) {
  ExpectCompared(Parse(kTwoAreas + "A:\n  " + GetParam().operation +
                       "\nB:\n  memfd_punch_hole(0, length=0x1000)\n"),
                 GetParam());
}

INSTANTIATE_TEST_SUITE_P(Each, OutputTest, testing::ValuesIn(Outputs()),
                         [](const auto& row) { return row.param.name; });

// A failure was injected, so what the call answers is open; that it writes no output is not.
TEST(Outputs, OfACallThatAnInjectedFailureEndsAreCompared) {
  const Program program = Parse(kTwoAreas +
                                "  map(ioas, iova=0x5000, length=0x1000)\n"
                                "fault main.6 area_alloc nth=1\n");
  program::Executor executor;
  liveupdate::Design& reference = *liveupdate::FindDesign("reference");
  EXPECT_TRUE(executor.Run(reference, program).violations.empty());
  ASSERT_EQ(executor.last().results[5].result, -sim::kENOMEM);
  Change change(5, [](OperationResult* r) { r->iova = 0x5000; });
  program::RunOptions options;
  options.answers = &change;
  const Violation* violation = executor.Run(reference, program, options).Find(Invariant::kI38);
  ASSERT_NE(violation, nullptr);
  EXPECT_EQ(violation->detail, "the call answers iova 0x5000, documented is 0x0");
}

// A wrong answer of main condemns main's call, and says nothing of those of the tasks.
TEST(Outputs, OfTasksAreComparedAfterAWrongAnswerOfMain) {
  const Program program = Parse(kTwoAreas +
                                "A:\n  unmap(ioas, iova=0x1000, length=0x1000)\n"
                                "B:\n  memfd_punch_hole(0, length=0x1000)\n");
  class Two : public program::AnswerFilter {
   public:
    void Filter(size_t operation, OperationResult* result) override {
      if (operation == 3) result->iova += 0x1000;
      if (operation == 5) result->unmapped = 1;
    }
  };
  Two change;
  program::RunOptions options;
  options.answers = &change;
  program::Executor executor;
  std::set<uint16_t> condemned;
  for (const Violation& violation :
       executor.Run(*liveupdate::FindDesign("reference"), program, options).violations) {
    if (violation.invariant == Invariant::kI38) condemned.insert(violation.operation);
  }
  EXPECT_EQ(condemned, (std::set<uint16_t>{3, 5}));
}

// The oracle's own decoder, argument by argument.
TEST(OracleCalls, DecodesByNameAndKind) {
  const Program program = Parse(
      "boot memfds=2 devices=2 buffers=2\nmain:\n"
      "  ioas = ioas_alloc()\n"
      "  dev = device_bind(index=1)\n"
      "  hwpt = hwpt_alloc(dev, ioas)\n"
      "  map(ioas, buffer=1, offset=0x1000, iova=0x3000, length=0x2000, prot=r)\n"
      "  map_file(ioas, memfd=1, start=0x2000, iova=auto, length=0x1000, prot=w)\n"
      "  unmap(ioas)\n"
      "  memfd_truncate(1, size=0x5000)\n"
      "  memfd_seal(1, seals=write|seal)\n"
      "  s = luo_create_session(name=\"vm\")\n"
      "  luo_preserve(s, iommufd, token=9)\n"
      "  luo_preserve(s, memfd=1, token=10)\n"
      "  lu_mark(hwpt, token=11)\n"
      "  unmap(ioas, iova=0xfffffffffffffffd, length=0x1000)\n");
  program::OracleCalls calls;
  calls.Reset(program);
  const auto created = [](uint32_t id) { return OperationResult{.ran = true, .created_id = id}; };
  calls.Answered(0, created(1));
  calls.Answered(1, created(2));
  calls.Answered(2, created(3));
  calls.Answered(8, created(1));  // session 0
  EXPECT_EQ(calls.Decode(1).index, 1);
  EXPECT_EQ(calls.Decode(2).id, 2u);
  EXPECT_EQ(calls.Decode(2).id2, 1u);
  const Call map = calls.Decode(3);
  EXPECT_EQ(map.kind, Call::Kind::kMap);
  EXPECT_EQ(map.index, 1);
  EXPECT_EQ(map.offset, 0x1000u);
  EXPECT_EQ(map.iova, 0x3000u);
  EXPECT_TRUE(map.fixed);
  EXPECT_EQ(map.length, 0x2000u);
  EXPECT_EQ(map.permissions, 1u);
  const Call map_file = calls.Decode(4);
  EXPECT_EQ(map_file.kind, Call::Kind::kMapFile);
  EXPECT_EQ(map_file.offset, 0x2000u);
  EXPECT_FALSE(map_file.fixed);
  EXPECT_EQ(map_file.permissions, 2u);
  EXPECT_EQ(calls.Decode(5).length, UINT64_MAX);
  EXPECT_EQ(calls.Decode(6).length, 0x5000u);
  EXPECT_EQ(calls.Decode(7).seals, 9u);
  EXPECT_EQ(calls.Decode(8).name, "vm");
  EXPECT_EQ(calls.Decode(9).file.kind, mm::FileRef::Kind::kIommufd);
  EXPECT_EQ(calls.Decode(9).session, 0);
  EXPECT_EQ(calls.Decode(10).file, (mm::FileRef{mm::FileRef::Kind::kMemfd, 1}));
  EXPECT_EQ(calls.Decode(10).token, 10u);
  EXPECT_EQ(calls.Decode(11).token, 11u);
  EXPECT_EQ(calls.Decode(11).id, 3u);
  EXPECT_TRUE(calls.Decode(12).fixed) << "of an unmap it is a number";
  EXPECT_EQ(calls.Decode(12).iova, UINT64_MAX - 2);
}

TEST(OracleCalls, ASessionWhoseNumberIsAnothersIsNotOpen) {
  const Program program = Parse(
      "main:\n"
      "  s = luo_create_session(name=\"a\")\n"
      "  luo_close_session(s)\n"
      "  s2 = luo_create_session(name=\"b\")\n"
      "  luo_close_session(s)\n"
      "  luo_close_session(s2)\n");
  program::OracleCalls calls;
  calls.Reset(program);
  EXPECT_EQ(calls.Decode(1).session, kNoSession);
  calls.Answered(0, {.ran = true, .created_id = 1});
  EXPECT_EQ(calls.Decode(1).session, 0);
  calls.Answered(2, {.ran = true, .created_id = 1});
  EXPECT_EQ(calls.Decode(3).session, kNoSession);
  EXPECT_EQ(calls.Decode(4).session, 0);
}

}  // namespace
}  // namespace iommufd_check::spec
