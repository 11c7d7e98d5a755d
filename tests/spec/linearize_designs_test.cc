// Designs whose answers are right or wrong only where calls overlap.
#include <gtest/gtest.h>

#include <array>
#include <set>
#include <string>

#include "model/explore/schedules/bounded_schedules.h"
#include "model/iommufd/object_table.h"
#include "model/program/text/text_codec.h"
#include "tests/spec/mutants/mutants.h"

namespace iommufd_check::spec {
namespace {

// What each task saw of the token before it took the lock: its local variable, between two steps.
std::array<uint64_t, sim::kMaxTasks> seen_by_task{};

// Looks at the token before the lock, and takes a change of it in between for a conflict.
int LookFirst(StepKernel& k, uint32_t hwpt_id, uint64_t token) {
  const iommufd::ObjectKey key = GetObject(k, k.ctx, hwpt_id, iommufd::ObjectType::kHwptPaging);
  if (key.null()) return -sim::kENOENT;
  seen_by_task[k.t.id()] = ReadOnce(k, key.hwpt(), &iommufd::Hwpt::token);
  PutObject(k, k.ctx, key);
  return Reference().steps().mark(k, hwpt_id, token);
}
int RefuseChanged(StepKernel& k, HwptHandle target, uint64_t token) {
  const int error = Reference().steps().check_mark(k, target, token);
  const bool changed = Read(k, target, &iommufd::Hwpt::token) != seen_by_task[k.t.id()];
  return error == 0 && changed ? -sim::kEADDRINUSE : error;
}
Revision StaleConflict() {
  return Reference().With(&Steps::mark, LookFirst).With(&Steps::check_mark, RefuseChanged);
}

program::Program TwoMarks(const std::string& tasks) {
  absl::StatusOr<program::Program> program = program::ParseProgram(kOneMarked + tasks, "test");
  EXPECT_TRUE(program.ok()) << program.status().message();
  return program.ok() ? *program : program::Program{};
}

TEST(StaleAnswer, IsSeenInNoSequentialRun) {
  Revision design = StaleConflict();
  program::Executor executor;
  for (const char* order : {"lu_mark(hwpt, token=8)\n  lu_mark(hwpt, token=9)\n",
                            "lu_mark(hwpt, token=9)\n  lu_mark(hwpt, token=8)\n"}) {
    const auto& run = executor.Run(design, TwoMarks("  " + std::string(order)));
    EXPECT_TRUE(run.violations.empty()) << run.violations.front().detail;
  }
}

TEST(StaleAnswer, IsFoundByExploring) {
  Revision design = StaleConflict();
  program::Executor executor;
  explore::Meter meter;
  const program::Program program =
      TwoMarks("A:\n  lu_mark(hwpt, token=8)\nB:\n  lu_mark(hwpt, token=9)\n");
  std::set<std::string> found;
  explore::BoundedSchedules(&executor, &design, program, 1, nullptr)
      .Run({}, &meter, [&](const program::Program&, const program::Execution& run) {
        for (const Violation& v : run.violations) {
          found.insert(std::string(IdOf(v.invariant)) + ": " + v.detail);
        }
        return true;
      });
  EXPECT_EQ(found, (std::set<std::string>{
                       "I13: the call answers EADDRINUSE that no order of the overlapping calls "
                       "documents, they document 0"}));
}

// To make immutable, then to check, and to undo it all on failure (B37 was about this order).
TEST(ImmutableBeforeTheCheck, HoldsInEverySchedule) {
  Revision design = Reference();
  program::Executor executor;
  explore::Meter meter;
  const program::Program program = TwoMarks(
      "  map(ioas, iova=0x1000, length=0x1000)\n"
      "A:\n  luo_preserve(s, iommufd, token=2)\n"
      "B:\n  map(ioas, offset=0x1000, iova=0x2000, length=0x1000)\n");
  const size_t preserve = program.operations.size() - 2;
  uint64_t refused = 0;
  explore::BoundedSchedules(&executor, &design, program, 1, nullptr)
      .Run({}, &meter, [&](const program::Program& variant, const program::Execution& run) {
        EXPECT_TRUE(run.violations.empty()) << run.violations.front().detail << "\n"
                                            << program::PrintProgram(variant);
        EXPECT_EQ(run.results[preserve].result, -sim::kEINVAL);
        refused += run.results[preserve + 1].result == -sim::kEBUSY ? 1 : 0;
        return run.violations.empty();
      });
  EXPECT_GT(refused, 0u) << "the map is refused by a preserve that fails in the end";
}

// Answers EBUSY where `reference` waits, and says so or not.
Revision RefusesMapsInFlight(uapi::Contract::MapInFlight promise) {
  return Reference()
      .With(&Facts::contract, {.map_in_flight = promise})
      .With(&Steps::wait_for_maps, [](StepKernel&, IoasHandle) { return false; });
}

// The details of what every schedule with one switch shows.
std::set<std::string> DetailsBesideAMap(liveupdate::Design* design) {
  program::Executor executor;
  explore::Meter meter;
  const program::Program program = TwoMarks(
      "  memfd_seal(0, seals=seal|shrink|grow)\n"
      "  luo_preserve(s, memfd=0, token=1)\n"
      "A:\n  map_file(ioas, memfd=0, iova=0x1000, length=0x1000)\n"
      "B:\n  luo_preserve(s, iommufd, token=2)\n");
  std::set<std::string> details;
  std::set<int> answers;
  explore::BoundedSchedules(&executor, design, program, 1, nullptr)
      .Run({}, &meter, [&](const program::Program&, const program::Execution& run) {
        for (const Violation& v : run.violations) details.insert(v.detail);
        answers.insert(run.results.back().result);
        return true;
      });
  EXPECT_EQ(answers, (std::set<int>{-sim::kEBUSY, 0}));
  return details;
}

TEST(MapInFlight, ARefusalIsAnAnswerWhereItIsPromised) {
  Revision promised = RefusesMapsInFlight(uapi::Contract::MapInFlight::kRefused);
  EXPECT_EQ(DetailsBesideAMap(&promised), std::set<std::string>{});
}

TEST(MapInFlight, ARefusalIsNoAnswerWhereAWaitIsPromised) {
  Revision silent = RefusesMapsInFlight(uapi::Contract::MapInFlight::kWaitedFor);
  EXPECT_EQ(DetailsBesideAMap(&silent),
            (std::set<std::string>{
                "the call answers EBUSY that no order of the overlapping calls documents, they "
                "document 0"}));
}

}  // namespace
}  // namespace iommufd_check::spec
