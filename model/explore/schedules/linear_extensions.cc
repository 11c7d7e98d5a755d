#include "model/explore/schedules/linear_extensions.h"

#include <array>
#include <vector>

#include "model/sim/check.h"

namespace iommufd_check::explore {
namespace {

// The steps of one trace by task. A set of steps that can come first is how many each task took; it
// has a number in a mixed radix, where one more step of task t adds stride[t].
struct Grid {
  struct Task {
    sim::TaskId id = 0;
    size_t stride = 0;
    std::vector<size_t> steps;
  };
  std::vector<Task> tasks;
  size_t sets = 1;
};

// Of more than `most` sets, it is not complete.
Grid GridOf(const HappensBefore& order, size_t most) {
  std::array<std::vector<size_t>, sim::kMaxTasks> by_task;
  for (size_t i = 0; i < order.steps(); ++i) by_task[order.TaskOf(i)].push_back(i);
  Grid grid;
  for (sim::TaskId id = 0; id < sim::kMaxTasks; ++id) {
    if (by_task[id].empty()) continue;
    const size_t stride = grid.sets;
    grid.sets *= by_task[id].size() + 1;
    grid.tasks.push_back({id, stride, std::move(by_task[id])});
    if (grid.sets > most) break;
  }
  return grid;
}

// Everything that happens before the next step of `task` is among the first `taken` steps.
bool CanComeNext(const HappensBefore& order, const Grid::Task& task,
                 const std::array<size_t, sim::kMaxTasks>& taken) {
  const HappensBefore::Clock& clock = order.ClockOf(task.steps[taken[task.id]]);
  for (sim::TaskId other = 0; other < sim::kMaxTasks; ++other) {
    if (other != task.id && clock[other] > taken[other]) return false;
  }
  return true;
}

}  // namespace

uint128 CountInterleavings(const HappensBefore& order, size_t max_combinations) {
  const Grid grid = GridOf(order, max_combinations);
  if (grid.sets > max_combinations) return kManyInterleavings;
  std::vector<uint128> ways(grid.sets, 0);
  ways[0] = 1;
  std::array<size_t, sim::kMaxTasks> taken{};
  // A set comes after all sets that it contains, since each step makes its number greater.
  for (size_t set = 0; set < grid.sets; ++set) {
    if (ways[set] == 0) continue;
    for (const Grid::Task& task : grid.tasks) {
      taken[task.id] = set / task.stride % (task.steps.size() + 1);
    }
    for (const Grid::Task& task : grid.tasks) {
      if (taken[task.id] == task.steps.size() || !CanComeNext(order, task, taken)) continue;
      uint128& next = ways[set + task.stride];
      next = SaturatingSum(next, ways[set]);
    }
  }
  IOMMUFD_CHECK(ways.back() > 0, "a trace has at least the interleaving that was run");
  return ways.back();
}

}  // namespace iommufd_check::explore
