// The watch over an exploration: when it ends one, and what it tells a person.

#include "fuzz/cli/work_watch.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <sstream>
#include <string>

namespace iommufd_check::cli {
namespace {

// A clock and a memory that stand where the test puts them, and what a watch says of them.
struct Machine {
  double seconds = 100;
  uint64_t memory = 1000;
  std::ostringstream lines;

  Surroundings surroundings() {
    return {[this] { return seconds; }, [this] { return memory; }, 2};
  }
};

explore::Certificate Blank() {
  explore::Certificate c;
  c.work = "explore";
  c.program = "a.prog";
  c.design = "v1";
  c.parts = 10;
  return c;
}

int BeatsUntilTheEnd(WorkWatch* watch, int most) {
  int beats = 0;
  while (beats < most && watch->Beat()) ++beats;
  return beats;
}

TEST(WorkWatch, EndsWhenTheTimeIsUp) {
  Machine machine;
  WorkWatch watch({.max_seconds = 5}, 1, &machine.lines, machine.surroundings());
  EXPECT_EQ(BeatsUntilTheEnd(&watch, 1000), 1000);
  machine.seconds += 5;
  EXPECT_LT(BeatsUntilTheEnd(&watch, 1000), 1000);
  EXPECT_EQ(watch.reason(), "max_seconds");
  EXPECT_FALSE(watch.Beat()) << "it does not begin again";
}

TEST(WorkWatch, EndsWhenTheMemoryIsUsedUp) {
  Machine machine;
  WorkWatch watch({.max_memory = 2000}, 1, &machine.lines, machine.surroundings());
  EXPECT_EQ(BeatsUntilTheEnd(&watch, 1000), 1000);
  machine.memory = 2000;
  EXPECT_LT(BeatsUntilTheEnd(&watch, 1000), 1000);
  EXPECT_EQ(watch.reason(), "max_memory");
}

TEST(WorkWatch, WithoutLimitsNothingEndsIt) {
  Machine machine;
  WorkWatch watch({}, 1, &machine.lines, machine.surroundings());
  machine.seconds = 1e9;
  machine.memory = UINT64_MAX;
  EXPECT_EQ(BeatsUntilTheEnd(&watch, 1000), 1000);
}

TEST(WorkWatch, TellsAPersonNowAndThen) {
  Machine machine;
  const std::ostringstream& lines = machine.lines;
  WorkWatch watch({}, 1, &machine.lines, machine.surroundings());
  watch.Begin(Blank(), 10);
  BeatsUntilTheEnd(&watch, 640);
  EXPECT_EQ(lines.str(), "") << "not before there is something to tell";
  explore::Certificate part = Blank();
  part.traces = 300;
  part.longest = 40;
  watch.NotePart(part);
  machine.seconds += 2;
  watch.Beat();
  EXPECT_EQ(lines.str(),
            "explore  a.prog  v1  executions 641  parts 1/10  depth 40  traces 300  "
            "broken 0  | 0.3 k exec/s  about 18 s left\n");
  BeatsUntilTheEnd(&watch, 1000);
  EXPECT_EQ(lines.str().find('\n'), lines.str().size() - 1) << "one line until two seconds pass";
}

// The rounds of one work are no further works, and works to come are said beside the estimate.
TEST(WorkWatch, TheEstimateIsOfThisWork) {
  Machine machine;
  WorkWatch watch({}, 3, &machine.lines, machine.surroundings());
  explore::Certificate blank = Blank();
  watch.Begin(blank, 10);
  watch.Begin(blank, 10);
  watch.NotePart(blank);
  machine.seconds += 2;
  watch.Beat();
  EXPECT_NE(machine.lines.str().find("  about 18 s left, then 2 more\n"), std::string::npos)
      << machine.lines.str();
  blank.program = "b.prog";
  watch.Begin(blank, 10);
  machine.seconds += 2;
  watch.Beat();
  EXPECT_NE(machine.lines.str().find("b.prog  v1  executions 1  parts 0/10"), std::string::npos);
  EXPECT_NE(machine.lines.str().find(" k exec/s, then 1 more\n"), std::string::npos)
      << "nothing is estimated before a part is done";
}

TEST(WorkWatch, TellsOfASearchWithoutAnEstimate) {
  Machine machine;
  WorkWatch watch({}, 1, &machine.lines, machine.surroundings());
  watch.Report({.depth = 3, .states = 4'000'000, .transitions = 9'000'000, .set_bytes = 1 << 20});
  machine.seconds += 4;
  watch.Beat();
  EXPECT_EQ(machine.lines.str(),
            "search  depth 3  states 4,000,000  transitions 9,000,000  set 1.0 MiB  frontier 0.0 "
            "MiB  spilled 0.0 MiB  | 1.00 M states/s\n");
}

}  // namespace
}  // namespace iommufd_check::cli
