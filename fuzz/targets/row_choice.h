// Which of a run's events matter to a violation: the rows of its swim lanes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "model/sim/event.h"
#include "model/spec/invariants.h"

namespace iommufd_check::cli {

// The event after which the violation was seen. REQUIRES: events is not empty.
size_t SeenAt(const std::vector<sim::Event>& events, const spec::Violation& subject);

// Counts the steps that lie hidden between two rows, as far as events tell of them.
class StepCount {
 public:
  static constexpr size_t kStart = SIZE_MAX;

  // Of the tasks in the bit set `tasks`.
  StepCount(const std::vector<sim::Event>& events, uint8_t tasks);

  // Both ends exclusive; `first` may be kStart. A step of which `last` is a part is not hidden, and
  // the end of an operation beside which nothing ran stands for all of it.
  uint32_t Between(size_t first, size_t last) const;

 private:
  std::vector<uint32_t> total_;  // steps that the tasks had taken at each event
  std::vector<size_t> opener_;   // the first event of the step to which each event belongs
  // Of an operation's end: its begin when no other task's event lies between; else the event
  // itself.
  std::vector<size_t> stands_from_;
};

// Indexes of the events to draw, ascending, never empty unless `events` is. With a line for each
// gap between two of them that hides steps they are at most `max_rows` lines.
//
// First come the violation and the start of its operation, then injected faults, begin and end of
// the calls of other tasks, what calls before and other tasks did to the offending object, what
// else touches it, where tasks change and wait and which functions lead to the violation, then the
// locks and notes of the operations that were under way, at last splats about something else; among
// equals what is nearest to the violation. An operation that ended before with nothing beside it is
// one row.
std::vector<size_t> ChooseRows(const std::vector<sim::Event>& events,
                               const spec::Violation& subject, size_t max_rows);

}  // namespace iommufd_check::cli
