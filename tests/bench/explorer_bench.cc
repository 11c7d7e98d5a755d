// Executions per CPU second of the interleaving explorer (the counter `executions`), on three tasks
// with three critical sections each. Compare with the bare runs of the same shape:
//   BM_Run      the subject alone, one schedule after the other, nobody reads the events
//   BM_Explore  the explorer: none, sleep, dpor are its reductions
// Shapes, with one mutex and so 9! / 3!^3 = 1680 traces unless it says otherwise:
//   locks       lock and unlock
//   variable    lock, read and write the variable that the mutex protects, unlock
//   mutexes     as `variable`, with a mutex and a variable for each section; every task begins with
//               another one

#include <benchmark/benchmark.h>

#include <algorithm>
#include <array>
#include <vector>

#include "model/explore/schedules/interleavings.h"
#include "model/sim/check.h"
#include "tests/explore/task_subject.h"

namespace iommufd_check::explore {
namespace {

constexpr int kTasks = 3;
constexpr int kSections = 3;
constexpr uint64_t kMostExecutions = 100'000;

enum class Shape : uint8_t { kLocks, kVariable, kMutexes };

std::vector<TaskCode> TasksOf(Shape shape) {
  std::vector<TaskCode> tasks;
  for (int task = 0; task < kTasks; ++task) {
    tasks.push_back([shape, task](sim::Task& t, TaskState& s) {
      for (int section = 0; section < kSections; ++section) {
        const int mutex = shape == Shape::kMutexes ? (task + section) % kSections : 0;
        mutex_lock(t, s.mutex(mutex));
        if (shape != Shape::kLocks) s.Write(t, mutex, s.Read(t, mutex) + 1);
        mutex_unlock(t, s.mutex(mutex));
      }
    });
  }
  return tasks;
}

TaskSubject SubjectOf(Shape shape) {
  const int mutexes = shape == Shape::kMutexes ? kSections : 1;
  return TaskSubject(mutexes, mutexes, TasksOf(shape));
}

void Report(benchmark::State& state, uint64_t executions) {
  state.counters["executions"] =
      benchmark::Counter(static_cast<double>(executions), benchmark::Counter::kIsRate);
}

// Turns of the tasks, as different as those of an exploration: one order of the nine sections after
// the other.
void BM_Run(benchmark::State& state, Shape shape) {
  TaskSubject subject = SubjectOf(shape);
  const size_t steps = shape == Shape::kLocks ? 2 : 4;
  std::array<sim::TaskId, kTasks * kSections> order{1, 1, 1, 2, 2, 2, 3, 3, 3};
  std::vector<sim::TaskId> choices;
  uint64_t executions = 0;
  for (auto _ : state) {
    choices.clear();
    for (const sim::TaskId task : order) choices.insert(choices.end(), steps, task);
    std::next_permutation(order.begin(), order.end());
    subject.Run(choices);
    benchmark::DoNotOptimize(subject.digest());
    ++executions;
  }
  Report(state, executions);
}

void BM_Explore(benchmark::State& state, Shape shape, Reduction reduction) {
  TaskSubject subject = SubjectOf(shape);
  uint64_t executions = 0;
  InterleavingCounts counts;
  for (auto _ : state) {
    Meter meter(kMostExecutions);
    Interleavings explorer(&subject, {.reduction = reduction, .meter = &meter});
    counts = explorer.Explore([](const Subject&) { return true; });
    executions += counts.executions;
  }
  const bool reduced = reduction != Reduction::kNone;
  IOMMUFD_CHECK(!reduced || shape == Shape::kMutexes || counts.traces == 1680,
                "one trace for each order of the sections");
  Report(state, executions);
  state.counters["traces"] = static_cast<double>(counts.traces);
}

#define SHAPE(name, shape)                                               \
  BENCHMARK_CAPTURE(BM_Run, name, shape);                                \
  BENCHMARK_CAPTURE(BM_Explore, name##_none, shape, Reduction::kNone);   \
  BENCHMARK_CAPTURE(BM_Explore, name##_sleep, shape, Reduction::kSleep); \
  BENCHMARK_CAPTURE(BM_Explore, name##_dpor, shape, Reduction::kDpor)
SHAPE(locks, Shape::kLocks);
SHAPE(variable, Shape::kVariable);
SHAPE(mutexes, Shape::kMutexes);
#undef SHAPE

}  // namespace
}  // namespace iommufd_check::explore

BENCHMARK_MAIN();
