#include "model/explore/schedules/random_schedules.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "model/explore/schedules/place_closure.h"
#include "model/explore/schedules/program_subject.h"
#include "model/sim/check.h"
#include "model/sim/reflect.h"

namespace iommufd_check::explore {
namespace {

using program::Program;

constexpr uint64_t kMostParts = 64;

// Of the engine's whole numbers, whose sequence the standard fixes; its distributions it does not.
uint64_t Below(std::mt19937_64* random, uint64_t bound) { return (*random)() % bound; }

class RandomWork : public Work {
 public:
  RandomWork(program::Executor* executor, liveupdate::Design& design, const std::string& name,
             const Program& program, const RandomOptions& options)
      : Work("explore", name, design), design_(design), program_(program), options_(options) {
    IOMMUFD_CHECK(options.runs >= 1 && options.runs <= kMaxRandomRuns, "runs are within limits");
    ProgramSubject subject(executor, &design, program);
    blank_.places = ClosePlaces(&subject, {}, kWholeExecutions, nullptr);
    subject.UsePlaces(blank_.places);
    subject.Run({});
    questions_ = std::max<uint64_t>(1, subject.points().size());
    part_runs_ = std::max(options.part_runs, (options.runs + kMostParts - 1) / kMostParts);
    blank_.schedules =
        options.scheduler == RandomScheduler::kPct
            ? absl::StrCat(options.runs, " random schedules, pct depth ", options.depth)
            : absl::StrCat(options.runs, " random schedules, uniform");
    blank_.reduction = "none";
    blank_.seed = options.seed;
    blank_.sampled = true;
    blank_.parts = static_cast<uint32_t>((options.runs + part_runs_ - 1) / part_runs_);
    Identify({&program, 1}, &blank_);
  }

  void RunPart(uint32_t part, program::Executor* executor, Meter* meter,
               Certificate* c) const override {
    ProgramSubject subject(executor, &design_, program_);
    subject.UsePlaces(blank_.places);
    const uint64_t end = std::min(options_.runs, (part + 1) * part_runs_);
    for (uint64_t run = part * part_runs_; run < end && meter->Take(); ++run) {
      RunOne(run, &subject);
      const program::Execution& execution = subject.execution();
      const int preemptions = PreemptionsOf(subject);
      c->EnterSchedule(execution.violations.empty() ? program_ : subject.Replayable(), execution,
                       preemptions);
    }
    c->met = c->places;    // what more they met is not looked at: they are samples anyway
    c->interleavings = 0;  // some of them twice, most of them never
  }

 private:
  void RunOne(uint64_t run, ProgramSubject* subject) const {
    const uint64_t seed = sim::HashWords({options_.seed, run}).low;
    if (options_.scheduler == RandomScheduler::kPct) {
      PctSchedule schedule(seed, options_.depth, questions_);
      subject->RunUnder(&schedule);
    } else {
      UniformSchedule schedule(seed);
      subject->RunUnder(&schedule);
    }
  }

  liveupdate::Design& design_;
  const Program program_;
  const RandomOptions options_;
  uint64_t questions_ = 0;
  uint64_t part_runs_ = 0;
};

}  // namespace

std::optional<RandomScheduler> RandomSchedulerFromName(std::string_view name) {
  if (name == "uniform") return RandomScheduler::kUniform;
  if (name == "pct") return RandomScheduler::kPct;
  return std::nullopt;
}

sim::TaskId UniformSchedule::Next(const sim::SchedulePoint& point) {
  std::vector<sim::TaskId> runnable;
  for (sim::TaskId task = 0; task < sim::kMaxTasks; ++task) {
    if ((point.runnable >> task) & 1u) runnable.push_back(task);
  }
  IOMMUFD_CHECK(!runnable.empty(), "a scheduler is asked when a task can run");
  return runnable[Below(&random_, runnable.size())];
}

PctSchedule::PctSchedule(uint64_t seed, int depth, uint64_t steps) {
  IOMMUFD_CHECK(depth >= 1 && steps >= 1, "a schedule has a depth and a length");
  std::mt19937_64 random(seed);
  // Initial priorities lie above those that changes give, which are depth - 1, ..., 1.
  for (int task = 0; task < sim::kMaxTasks; ++task) priorities_.push_back(depth + task);
  for (size_t i = priorities_.size() - 1; i > 0; --i) {
    std::swap(priorities_[i], priorities_[Below(&random, i + 1)]);
  }
  for (int i = 1; i < depth; ++i) changes_.push_back(1 + Below(&random, steps));
  std::sort(changes_.begin(), changes_.end());
}

sim::TaskId PctSchedule::Next(const sim::SchedulePoint& point) {
  ++asked_;
  for (; changed_ < changes_.size() && changes_[changed_] <= asked_; ++changed_) {
    priorities_[point.current] = static_cast<int>(changes_.size() - changed_);
  }
  sim::TaskId best = sim::kMaxTasks;
  for (sim::TaskId task = 0; task < sim::kMaxTasks; ++task) {
    if (((point.runnable >> task) & 1u) == 0) continue;
    if (best == sim::kMaxTasks || priorities_[task] > priorities_[best]) best = task;
  }
  IOMMUFD_CHECK(best != sim::kMaxTasks, "a scheduler is asked when a task can run");
  return best;
}

std::unique_ptr<Work> MakeRandomWork(program::Executor* executor, liveupdate::Design& design,
                                     const std::string& name, const Program& program,
                                     const RandomOptions& options) {
  return std::make_unique<RandomWork>(executor, design, name, program, options);
}

}  // namespace iommufd_check::explore
