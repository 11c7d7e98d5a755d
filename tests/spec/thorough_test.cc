// What the judge leaves out because its result is known (program/execute/judge.h): with the designs
// that are made to be wrong, and with calls that overlap, it finds what it finds the long way.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "model/explore/schedules/random_schedules.h"
#include "model/liveupdate/designs/registry.h"
#include "model/program/execute/executor.h"
#include "model/program/text/text_codec.h"
#include "tests/program/same_run.h"
#include "tests/spec/concurrent_programs.h"
#include "tests/spec/mutants/mutants.h"

namespace iommufd_check::spec {
namespace {

using program::Program;

class BothWays {
 public:
  // Under the schedule of this number, where the program has tasks.
  void Run(liveupdate::Design& design, const Program& program, uint64_t schedule,
           const std::string& name) {
    const std::string where =
        name + " under " + std::string(design.name()) + ", schedule " + std::to_string(schedule);
    RunOne(&shortly_, design, program, schedule, false);
    RunOne(&thoroughly_, design, program, schedule, true);
    program::ExpectSameRun(shortly_, thoroughly_, where);
    violations_ += shortly_.last().violations.size();
  }

  size_t violations() const { return violations_; }

 private:
  static void RunOne(program::Executor* executor, liveupdate::Design& design,
                     const Program& program, uint64_t seed, bool thorough) {
    explore::UniformSchedule schedule(seed);
    executor->Run(design, program, {.scheduler = &schedule, .thorough = thorough});
  }

  program::Executor shortly_;
  program::Executor thoroughly_;
  size_t violations_ = 0;
};

Program Parse(const std::string& text) {
  absl::StatusOr<Program> parsed = program::ParseProgram(text, "test");
  EXPECT_TRUE(parsed.ok()) << parsed.status().message() << text;
  return parsed.ok() ? *parsed : Program{};
}

TEST(Thorough, EveryMutantOnTheProgramsOfAll) {
  BothWays both;
  std::vector<Program> programs;
  for (const MutantCase& row : AllMutants()) programs.push_back(Parse(row.program));
  for (const MutantCase& row : AllMutants()) {
    Revision mutant = row.mutant;
    for (size_t i = 0; i < programs.size(); ++i) {
      both.Run(mutant, programs[i], i, "program of mutant " + std::to_string(i));
    }
  }
  EXPECT_GT(both.violations(), 500u);
}

// Changes what its call does not touch, and no event says it.
int SilentMark(StepKernel& k, uint32_t hwpt, uint64_t token) {
  k.s.ioas.Find(IoasHandle{0, 0})->iopt.immutable.Raw() = 1;
  return Reference().steps().mark(k, hwpt, token);
}

TEST(Thorough, WhatNoEventSaysIsFoundWhereItHappened) {
  Revision design = Reference().With(&Steps::mark, SilentMark);
  const Program program = Parse(kOneMarked + "  memfd_seal(0, seals=grow)\n");
  program::Executor shortly;
  program::Executor thoroughly;
  shortly.Run(design, program);
  thoroughly.Run(design, program, {.thorough = true});
  program::ExpectSameRun(shortly, thoroughly, "silent mark");
  const Violation* found = shortly.last().Find(Invariant::kI07);
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(found->operation, 3u);
}

// A scheduler cannot be asked twice: it is found before the exit.
TEST(Thorough, WhatNoEventSaysIsFoundUnderASchedulerToo) {
  Revision design = Reference().With(&Steps::mark, SilentMark);
  const Program program = Parse(kOneMarked + "A:\n  lu_mark(hwpt, token=7)\n");
  program::Executor executor;
  explore::UniformSchedule schedule(1);
  executor.Run(design, program, {.scheduler = &schedule});
  EXPECT_NE(executor.last().Find(Invariant::kI07), nullptr);
}

TEST(Thorough, CallsThatOverlap) {
  BothWays both;
  ConcurrentPrograms source(5);
  for (uint64_t i = 0; i < 1500; ++i) {
    const Program program = Parse(source.Next());
    for (const std::string_view name : {"reference", "v1"}) {
      both.Run(*liveupdate::FindDesign(name), program, i, "program " + std::to_string(i));
    }
  }
  EXPECT_GT(both.violations(), 200u);
}

}  // namespace
}  // namespace iommufd_check::spec
