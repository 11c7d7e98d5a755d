// Edits of what fails in a program and where its schedule goes on with another task, by what its
// run came past.
//
// Each changes *program by choices of `draw` and returns false when there was nothing to change.
// `parent` is the run of that very program.
#pragma once

#include <span>
#include <vector>

#include "fuzz/mutate/draw.h"
#include "fuzz/mutate/limits.h"
#include "model/program/execute/executor.h"
#include "model/program/program.h"

namespace iommufd_check::cli {

// What an edit may know of a run; the executor's own, valid until its next one.
struct ParentRun {
  std::span<const program::SiteVisit> sites;
  std::span<const sim::SchedulePoint> points;
  std::span<const sim::Event> events;
  const sim::PlaceSet* meetings = nullptr;
};
ParentRun RunOf(const program::Executor& executor);

// At a call that the run made.
bool AddFault(program::Program* program, const ParentRun& parent, const Limits& limits, Draw& draw);
bool MoveFault(program::Program* program, const ParentRun& parent, const Limits& limits,
               Draw& draw);
bool DropFault(program::Program* program, Draw& draw);

// At one of ContestedPoints, to a task that could run there.
bool AddSwitch(program::Program* program, const ParentRun& parent, const Limits& limits,
               Draw& draw);
bool MoveSwitch(program::Program* program, const ParentRun& parent, const Limits& limits,
                Draw& draw);
bool DropSwitch(program::Program* program, Draw& draw);

// The points, by number, where the order of the tasks can matter and another task could run: before
// an access of a field at which tasks met without order, at a lock of a class that several of them
// took, and where operations begin and end.
std::vector<size_t> ContestedPoints(const ParentRun& parent);

}  // namespace iommufd_check::cli
