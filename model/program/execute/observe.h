// Reads the observable state out of a World for model/spec: the only place that knows both.
#pragma once

#include <span>

#include "model/liveupdate/design.h"
#include "model/liveupdate/state.h"
#include "model/sim/event.h"
#include "model/spec/snapshot.h"

namespace iommufd_check::program {

// True: whatever these events did, between them the observable state has not changed. Each access
// is recorded (sim/shared.h), so that what wrote is seen; references that were taken and given back
// wrote nothing.
bool WroteNothing(std::span<const sim::Event> events);

// Looks at one World again and again.
class Observer {
 public:
  // From here on it may be another World, or the same after a copy over it.
  void Forget() { last_ = nullptr; }

  // Overwrites *snapshot (its buffers are reused). Serialized records are parsed from memory by the
  // layouts of `design`. What was read of tables last time is not read again when this is the same
  // snapshot, untouched since, and no word and no owner of the memory has changed. REQUIRES: the
  // same design since Forget.
  void Observe(const liveupdate::World& world, const liveupdate::Design& design,
               spec::Snapshot* snapshot);

 private:
  const spec::Snapshot* last_ = nullptr;
  uint64_t changes_ = 0;  // of the memory, then
  mm::PhysAddr flb_ = 0;  // likewise
};

}  // namespace iommufd_check::program
