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
  for (size_t i = 0; i < all.size(); ++i) {
    const sim::TaskId next = i + 1 < all.size() ? all[i + 1].current : LastTask(*this);
    if (next != all[i].by_default()) {
      replay.switches.push_back(sim::SwitchAt(all, i, events(), next));
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
