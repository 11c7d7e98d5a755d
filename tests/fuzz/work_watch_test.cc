// The watch over an exploration: when it ends one, and what it tells a person.

#include "fuzz/cli/work_watch.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <sstream>
#include <string>

namespace iommufd_check::cli {
namespace {

// A clock and a memory that stand where the test puts them.
struct Machine {
  double seconds = 100;
  uint64_t memory = 1000;
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
  WorkWatch watch(
      {.max_seconds = 5}, [&] { return machine.seconds; }, [&] { return machine.memory; }, nullptr);
  EXPECT_EQ(BeatsUntilTheEnd(&watch, 1000), 1000);
  machine.seconds += 5;
  EXPECT_LT(BeatsUntilTheEnd(&watch, 1000), 1000);
  EXPECT_EQ(watch.reason(), "max_seconds");
  EXPECT_FALSE(watch.Beat()) << "it does not begin again";
}

TEST(WorkWatch, EndsWhenTheMemoryIsUsedUp) {
  Machine machine;
  WorkWatch watch(
      {.max_memory = 2000}, [&] { return machine.seconds; }, [&] { return machine.memory; },
      nullptr);
  EXPECT_EQ(BeatsUntilTheEnd(&watch, 1000), 1000);
  machine.memory = 2000;
  EXPECT_LT(BeatsUntilTheEnd(&watch, 1000), 1000);
  EXPECT_EQ(watch.reason(), "max_memory");
}

TEST(WorkWatch, WithoutLimitsNothingEndsIt) {
  Machine machine;
  WorkWatch watch({}, [&] { return machine.seconds; }, [&] { return machine.memory; }, nullptr);
  machine.seconds = 1e9;
  machine.memory = UINT64_MAX;
  EXPECT_EQ(BeatsUntilTheEnd(&watch, 1000), 1000);
}

TEST(WorkWatch, TellsAPersonNowAndThen) {
  Machine machine;
  std::ostringstream lines;
  WorkWatch watch({}, [&] { return machine.seconds; }, [&] { return machine.memory; }, &lines);
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
            "explore  a.prog  v1  executions 641  parts 1/10  frontier 9  depth 40  traces 300  "
            "broken 0  | 0.3 k exec/s  about 18 s left\n");
  BeatsUntilTheEnd(&watch, 1000);
  EXPECT_EQ(lines.str().find('\n'), lines.str().size() - 1) << "one line until two seconds pass";
}

}  // namespace
}  // namespace iommufd_check::cli
