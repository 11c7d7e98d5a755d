// Random schedules of programs that are too large to exhaust: uniform, or by priorities as in PCT
// (Burckhardt, Kothari, Musuvathi, Nagarakatte, "A randomized scheduler with probabilistic
// guarantees of finding bugs", ASPLOS 2010).
//
// Under PCT the runnable task of the highest priority runs, and at depth - 1 random places the
// running task gets a priority below all others. With n tasks and k steps it shows a bug of that
// depth with a probability of at least 1 / (n * k^(depth - 1)).
//
// Run i depends on the seed and i alone; parts are ranges of i.
//
//   RunWork(*MakeRandomWork(&executor, *design, "a.prog", program, {.seed = 7}), {});
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "model/explore/work/work.h"
#include "model/sim/runtime.h"

namespace iommufd_check::explore {

enum class RandomScheduler { kUniform, kPct };

struct RandomOptions {
  RandomScheduler scheduler = RandomScheduler::kPct;
  uint64_t seed = 1;
  uint64_t runs = 10'000;  // at least 1, at most kMaxRandomRuns
  int depth = 3;           // of PCT, at least 1, at most kMaxPctDepth
  // Of one part, at least; more when there would be too many parts.
  uint64_t part_runs = 256;
};
inline constexpr uint64_t kMaxRandomRuns = uint64_t{1} << 32;
inline constexpr int kMaxPctDepth = 64;

std::optional<RandomScheduler> RandomSchedulerFromName(std::string_view name);

// Any task that can take a step, each as likely.
class UniformSchedule : public sim::Scheduler {
 public:
  explicit UniformSchedule(uint64_t seed) : random_(seed) {}
  sim::TaskId Next(const sim::SchedulePoint& point) override;

 private:
  std::mt19937_64 random_;
};

class PctSchedule : public sim::Scheduler {
 public:
  // `steps`: how often a run is expected to ask. REQUIRES: depth >= 1, steps >= 1.
  PctSchedule(uint64_t seed, int depth, uint64_t steps);
  sim::TaskId Next(const sim::SchedulePoint& point) override;

 private:
  std::vector<uint64_t> changes_;  // number of the question, ascending
  std::vector<int> priorities_;    // by task
  uint64_t asked_ = 0;
  size_t changed_ = 0;
};

// Runs the program once to see how long it is. `design` must outlive the work.
std::unique_ptr<Work> MakeRandomWork(program::Executor* executor, liveupdate::Design& design,
                                     const std::string& name, const program::Program& program,
                                     const RandomOptions& options);

}  // namespace iommufd_check::explore
