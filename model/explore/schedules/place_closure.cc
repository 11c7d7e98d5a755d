#include "model/explore/schedules/place_closure.h"

namespace iommufd_check::explore {

sim::PlaceSet ClosePlaces(Subject* subject, const InterleavingOptions& options, uint64_t executions,
                          Pulse* pulse) {
  InterleavingOptions bounds = options;
  bounds.ends_at_new_place = true;
  for (;;) {
    Meter meter(executions, pulse);
    bounds.meter = &meter;
    Interleavings explorer(subject, bounds);
    explorer.Explore([](const Subject&) { return true; });
    if (!bounds.dependency.places.Merge(explorer.meetings())) return bounds.dependency.places;
  }
}

}  // namespace iommufd_check::explore
