#include "tests/spec/concurrent_check.h"

#include <gtest/gtest.h>

#include "model/explore/schedules/random_schedules.h"
#include "model/liveupdate/designs/registry.h"
#include "model/program/execute/executor.h"
#include "model/program/text/text_codec.h"
#include "model/spec/findings.h"
#include "tests/spec/concurrent_programs.h"

namespace iommufd_check::spec {
namespace {

using program::Execution;
using program::Program;

std::string TextOf(const Execution& run) {
  std::string text;
  for (const Violation& v : run.violations) {
    if (v.invariant == Invariant::kI20) continue;  // races have checks of their own
    text += std::string(IdOf(v.invariant)) + " at " + std::to_string(v.operation) + ": " +
            v.detail + "\n";
  }
  return text;
}

}  // namespace

void CheckConcurrentPrograms(uint64_t programs, uint64_t seed) {
  ConcurrentPrograms source(seed);
  program::Executor executor;
  liveupdate::Design& reference = *liveupdate::FindDesign("reference");
  uint64_t not_judged = 0;
  int failures = 0;
  for (uint64_t i = 0; i < programs && failures < 12; ++i) {
    const std::string text = source.Next();
    const absl::StatusOr<Program> program = program::ParseProgram(text, "random");
    ASSERT_TRUE(program.ok()) << program.status().message() << "\n" << text;
    explore::UniformSchedule schedule(source.Below(UINT64_MAX));
    program::RunOptions options;
    options.scheduler = &schedule;
    const Execution& run = executor.Run(reference, *program, options);
    not_judged += run.not_judged;
    if (TextOf(run).empty()) continue;
    ++failures;
    std::string results;
    for (size_t k = 0; k < run.results.size(); ++k) {
      if (program->operations[k].task == program::kMain) continue;
      results += program::OperationLabel(*program, k) + " " +
                 std::string(program::SpecOf(program->operations[k].code).name) + " -> " +
                 std::to_string(run.results[k].result) + " id " +
                 std::to_string(run.results[k].created_id) + " iova " +
                 spec::Hex(run.results[k].iova) + "\n";
    }
    ADD_FAILURE() << "program " << i << "\n" << TextOf(run) << text << results;
  }
  EXPECT_LE(not_judged, programs / 200) << "the search gives up too often";
  testing::Test::RecordProperty("not_judged", static_cast<int>(not_judged));
}

}  // namespace iommufd_check::spec
