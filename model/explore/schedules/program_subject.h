// A program under a design as a subject of the interleaving explorer, and schedules as switches.
//
//   program::Executor executor;
//   ProgramSubject subject(&executor, design, program);
//   Interleavings(&subject, {}).Explore(...);
#pragma once

#include <vector>

#include "model/explore/schedules/subject.h"
#include "model/program/execute/executor.h"

namespace iommufd_check::explore {

class ProgramSubject : public Subject {
 public:
  // The program's own switches are not used. `executor` and `design` must outlive this.
  ProgramSubject(program::Executor* executor, liveupdate::Design* design,
                 const program::Program& program);

  void Run(std::span<const sim::TaskId> choices) override;
  void UsePlaces(const sim::PlaceSet& places) override { places_ = places; }
  const sim::PlaceSet& meetings() const override { return execution().meetings; }
  // Runs with `scheduler` choosing everywhere.
  void RunUnder(sim::Scheduler* scheduler);
  const std::vector<sim::Event>& events() const override { return executor_.events(); }
  const std::vector<sim::SchedulePoint>& points() const override {
    return executor_.schedule_points();
  }
  sim::RunEnd end() const override { return execution().end; }
  uint64_t digest() const override { return execution().digest; }

  const program::Execution& execution() const { return executor_.last(); }
  // Without switches, once it has run.
  const program::Program& program() const { return program_; }

  // The program that replays the last run: its switches are those without which the scheduler would
  // have gone on otherwise.
  program::Program Replayable() const;

 private:
  program::Executor& executor_;
  liveupdate::Design& design_;
  program::Program program_;
  sim::PlaceSet places_;
};

// Switches of the last run away from a task that could have continued.
int PreemptionsOf(const Subject& run);

}  // namespace iommufd_check::explore
