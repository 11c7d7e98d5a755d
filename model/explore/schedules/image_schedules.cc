#include "model/explore/schedules/image_schedules.h"

#include <set>

#include "model/sim/check.h"

namespace iommufd_check::explore {
namespace {

struct Node {
  std::vector<ImageChoice> choices;
  size_t first_question = 0;  // children choose there or later
  int preemptions = 0;
};

std::vector<Node> ChildrenOf(const Node& node, const std::vector<sim::SchedulePoint>& points,
                             int most) {
  std::vector<Node> children;
  for (size_t i = node.first_question; i < points.size(); ++i) {
    const sim::SchedulePoint& point = points[i];
    // A task that was chosen just now and has not begun: whom to choose was asked there.
    if (point.steps == 0 && i > 0) continue;
    const int preemptions = node.preemptions + (point.leaving_preempts() ? 1 : 0);
    if (preemptions > most) continue;
    for (sim::TaskId to = 1; to < sim::kMaxTasks; ++to) {
      if (to == point.by_default() || ((point.runnable >> to) & 1u) == 0) continue;
      children.push_back({node.choices, i + 1, preemptions});
      children.back().choices.push_back({i, to});
    }
  }
  return children;
}

class Exploration {
 public:
  Exploration(program::ImageExecutor* executor, const program::Program& program,
              const ImageBounds& bounds, const ImageVisitor& visitor)
      : executor_(*executor), program_(program), bounds_(bounds), visitor_(visitor) {}

  absl::StatusOr<ImageCounts> Run() {
    std::vector<Node> level{{}};
    for (int preemptions = 0; preemptions <= bounds_.preemptions; ++preemptions) {
      std::vector<Node> next;
      while (!level.empty()) {
        const Node node = std::move(level.back());
        level.pop_back();
        const absl::StatusOr<bool> goes_on = RunOne(node);
        if (!goes_on.ok()) return goes_on.status();
        if (!*goes_on) return Counts(false);
        for (Node& child : children_) {
          (child.preemptions > preemptions ? next : level).push_back(std::move(child));
        }
      }
      level = std::move(next);
    }
    return Counts(true);
  }

 private:
  absl::StatusOr<bool> RunOne(const Node& node) {
    if (counts_.executions == bounds_.max_executions) return false;
    ++counts_.executions;
    ChoicesScheduler scheduler(node.choices);
    const absl::StatusOr<const program::ImageExecution*> run = executor_.Run(program_, &scheduler);
    if (!run.ok()) return run.status();
    digests_.insert((*run)->digest);
    counts_.not_judged += (*run)->not_judged ? 1 : 0;
    counts_.findings += (*run)->findings.empty() ? 0 : 1;
    children_ = ChildrenOf(node, scheduler.points(), bounds_.preemptions);
    return visitor_(node.choices, **run);
  }

  ImageCounts Counts(bool exhausted) {
    counts_.traces = digests_.size();
    counts_.exhausted = exhausted;
    return counts_;
  }

  program::ImageExecutor& executor_;
  const program::Program& program_;
  const ImageBounds bounds_;
  const ImageVisitor& visitor_;
  ImageCounts counts_;
  std::set<uint64_t> digests_;
  std::vector<Node> children_;  // of the last run
};

}  // namespace

sim::TaskId ChoicesScheduler::Next(const sim::SchedulePoint& point) {
  const size_t question = points_.size();
  points_.push_back(point);
  if (next_ == choices_.size() || choices_[next_].question != question) return point.by_default();
  const sim::TaskId wanted = choices_[next_++].task;
  // The run is a function of the choices, so who could go on here before can do so again.
  IOMMUFD_CHECK((point.runnable >> wanted) & 1u, "a choice is of a task that can run");
  return wanted;
}

absl::StatusOr<ImageCounts> ExploreImage(program::ImageExecutor* executor,
                                         const program::Program& program, const ImageBounds& bounds,
                                         const ImageVisitor& visitor) {
  IOMMUFD_CHECK(bounds.preemptions >= 0, "a bound is not negative");
  return Exploration(executor, program, bounds, visitor).Run();
}

}  // namespace iommufd_check::explore
