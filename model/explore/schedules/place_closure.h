// The places at which a program's tasks are switched: the fixpoint over explorations.
//
// An exploration that asks only at locks, calls and the beginning of system calls shows where tasks
// meet without order. Those places are added and the exploration begins again, until none is new:
// whatever is not a place then is ordered in every run, so switching there is no other behaviour.
// The result does not depend on the order of the runs, since more places only show more meetings.
//
//   const sim::PlaceSet places = ClosePlaces(&subject, {}, 1000, nullptr);
#pragma once

#include <cstdint>

#include "model/explore/schedules/interleavings.h"

namespace iommufd_check::explore {

// Looks at `executions` interleavings for each set at most, so the result may lack places that only
// a later one shows; whoever uses it compares what its own runs met. Begins with the places of
// `options`. `pulse`, which may be null, ends it early.
sim::PlaceSet ClosePlaces(Subject* subject, const InterleavingOptions& options, uint64_t executions,
                          Pulse* pulse);

}  // namespace iommufd_check::explore
