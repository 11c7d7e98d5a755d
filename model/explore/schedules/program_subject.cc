#include "model/explore/schedules/program_subject.h"

#include "model/explore/schedules/bounded_schedules.h"
#include "model/explore/schedules/choice_schedule.h"
#include "model/explore/schedules/run_steps.h"

namespace iommufd_check::explore {

ProgramSubject::ProgramSubject(program::Executor* executor, liveupdate::Design* design,
                               const program::Program& program)
    : executor_(*executor), design_(*design), program_(program) {}

void ProgramSubject::Run(std::span<const sim::TaskId> choices) {
  program_.switches.clear();
  ChoiceSchedule schedule(choices);
  executor_.Run(design_, program_,
                {.places = &places_, .scheduler = &schedule, .reuses_main = true});
}

void ProgramSubject::RunUnder(sim::Scheduler* scheduler) {
  program_.switches.clear();
  executor_.Run(design_, program_,
                {.places = &places_, .scheduler = scheduler, .reuses_main = true});
}

program::Program ProgramSubject::Replayable() const {
  program::Program replay = program_;
  replay.switches.clear();
  const std::vector<sim::SchedulePoint>& all = points();
  const auto chosen = [&](size_t i) {
    return i + 1 < all.size() ? all[i + 1].current : LastTask(*this);
  };
  const auto surprises = [&](size_t i) { return chosen(i) != all[i].by_default(); };
  // A task that waits is asked again at the same step. A switch would apply to the first question,
  // so when only a later one needs it, the first gets one that says what happens anyway.
  const auto asked_again = [&](size_t i) {
    for (size_t k = i + 1; k < all.size(); ++k) {
      const bool same = all[k].current == all[i].current && all[k].steps == all[i].steps;
      if (same && surprises(k)) return true;
    }
    return false;
  };
  for (size_t i = 0; i < all.size(); ++i) {
    const sim::TaskId next = chosen(i);
    if (next == all[i].current) continue;
    if (surprises(i) || asked_again(i)) {
      replay.switches.push_back({all[i].current, all[i].steps, next});
    }
  }
  return replay;
}

int PreemptionsOf(const Subject& subject) {
  const std::vector<sim::SchedulePoint>& points = subject.points();
  const bool leaves = !points.empty() && LastTask(subject) != points.back().current;
  return PreemptionsAmong(points) + (leaves && points.back().leaving_preempts() ? 1 : 0);
}

}  // namespace iommufd_check::explore
