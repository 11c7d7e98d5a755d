// An execution by schedule: what the interleaving explorer re-executes.
//
// Run(choices) lets tasks take one step each in the order of `choices`, then goes on to the end of
// the run by a fixed rule of its own. It must be a pure function of the choices. A choice that
// cannot be followed, because its task is blocked, ends the prefix; the explorer notices from the
// events.
//
//   subject.Run(std::vector<sim::TaskId>{1, 1, 2});
//   for (const sim::Event& event : subject.events()) ...
#pragma once

#include <span>
#include <vector>

#include "model/sim/runtime.h"

namespace iommufd_check::explore {

class Subject {
 public:
  virtual ~Subject() = default;
  virtual void Run(std::span<const sim::TaskId> choices) = 0;
  // From now on the accesses at these places are steps of their own, the others are not.
  virtual void UsePlaces(const sim::PlaceSet& places) = 0;
  // Where tasks of the last run met without order (spec/race_detector.h).
  virtual const sim::PlaceSet& meetings() const = 0;

  // Of the last run. Events of task 0 (what runs before and after the tasks) are not interleaved.
  virtual const std::vector<sim::Event>& events() const = 0;
  // Where the scheduler was asked, in order.
  virtual const std::vector<sim::SchedulePoint>& points() const = 0;
  virtual sim::RunEnd end() const = 0;
  // Stable fingerprint of the run, for the digest of the exploration.
  virtual uint64_t digest() const = 0;
};

}  // namespace iommufd_check::explore
