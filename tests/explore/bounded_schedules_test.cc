// Schedules within a preemption bound: how many there are, in theory and here.

#include "model/explore/schedules/bounded_schedules.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "model/liveupdate/designs/registry.h"
#include "model/program/text/text_codec.h"

namespace iommufd_check::explore {
namespace {

using program::Execution;
using program::Program;

// Tasks that never wait for each other: each looks at a memfd of its own.
Program Independent(int calls_of_a, int calls_of_b) {
  std::string text = "boot memfds=2\nA:\n";
  for (int i = 0; i < calls_of_a; ++i) text += "  memfd_seal(0, seals=seal)\n";
  text += "B:\n";
  for (int i = 0; i < calls_of_b; ++i) text += "  memfd_seal(1, seals=seal)\n";
  const absl::StatusOr<Program> program = program::ParseProgram(text, "independent");
  EXPECT_TRUE(program.ok()) << program.status().message();
  return *program;
}

uint64_t Choose(uint64_t n, uint64_t k) {
  uint64_t result = 1;
  for (uint64_t i = 0; i < k; ++i) result = k > n ? 0 : result * (n - i) / (i + 1);
  return result;
}

// Of two tasks with m and n steps: a schedule of b blocks has b - 2 preemptions, since one block
// ends because its task does; the steps of each task are cut into its blocks in any way.
uint64_t Theory(uint64_t m, uint64_t n, uint64_t preemptions) {
  uint64_t schedules = 0;
  for (uint64_t blocks = 2; blocks <= preemptions + 2; ++blocks) {
    const uint64_t first = (blocks + 1) / 2 - 1;
    const uint64_t second = blocks / 2 - 1;
    schedules += Choose(m - 1, first) * Choose(n - 1, second);
    schedules += Choose(n - 1, first) * Choose(m - 1, second);
  }
  return schedules;
}

TEST(BoundedSchedules, AreAsManyAsTheorySays) {
  for (const auto& [a, b] : std::vector<std::pair<int, int>>{{1, 1}, {2, 1}, {2, 3}}) {
    const Program program = Independent(a, b);
    for (int bound = 0; bound <= 3; ++bound) {
      program::Executor executor;
      Meter meter;
      std::set<std::vector<std::pair<sim::TaskId, uint32_t>>> seen;
      uint64_t m = 0, n = 0;
      BoundedSchedules schedules(&executor, liveupdate::FindDesign("reference"), program, bound,
                                 nullptr);
      EXPECT_TRUE(schedules.Run({}, &meter, [&](const Program&, const Execution& execution) {
        m = execution.task_steps[1];
        n = execution.task_steps[2];
        std::vector<std::pair<sim::TaskId, uint32_t>> order;
        for (const sim::SchedulePoint& point : executor.schedule_points()) {
          order.emplace_back(point.current, point.steps);
        }
        seen.insert(order);
        EXPECT_LE(PreemptionsOfLast(executor), bound);
        return true;
      }));
      EXPECT_EQ(meter.used(), Theory(m, n, static_cast<uint64_t>(bound)))
          << m << " and " << n << " steps, bound " << bound;
      EXPECT_EQ(seen.size(), meter.used()) << "no schedule twice";
    }
  }
}

TEST(BoundedSchedules, SubtreesOfChildrenMakeTheWhole) {
  const Program program = Independent(2, 2);
  program::Executor executor;
  liveupdate::Design* design = liveupdate::FindDesign("reference");
  std::multiset<uint64_t> whole, parts;
  const auto into = [](std::multiset<uint64_t>* digests) {
    return [digests](const Program&, const Execution& execution) {
      digests->insert(execution.digest);
      return true;
    };
  };
  Meter meter;
  BoundedSchedules schedules(&executor, design, program, 2, nullptr);
  EXPECT_TRUE(schedules.Run({}, &meter, into(&whole)));
  EXPECT_TRUE(schedules.RunOne({}, &meter, into(&parts)));
  for (const ScheduleNode& child : schedules.ChildrenOf({})) {
    EXPECT_TRUE(schedules.Run(child, &meter, into(&parts)));
  }
  EXPECT_GT(whole.size(), 10u);
  EXPECT_EQ(whole, parts);
}

}  // namespace
}  // namespace iommufd_check::explore
