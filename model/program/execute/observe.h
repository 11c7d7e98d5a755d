// Reads the observable state out of a World for model/spec: the only place that knows both.
#pragma once

#include "model/liveupdate/design.h"
#include "model/liveupdate/state.h"
#include "model/spec/snapshot.h"

namespace iommufd_check::program {

// Looks at one World again and again.
class Observer {
 public:
  // From here on it may be another World, or the same after a copy over it.
  void Forget() { last_ = nullptr; }

  // Overwrites *snapshot (its buffers are reused). Serialized records are parsed from memory by the
  // layouts of `design`. When this is the same snapshot as last time, untouched since, only what
  // was `written` since is read again, and what is in memory when a word or an owner of it has
  // changed. Returns the parts that are not, or may not be, what they were. REQUIRES: the same
  // design since Forget.
  spec::PartSet Observe(const liveupdate::World& world, const liveupdate::Design& design,
                        spec::Snapshot* snapshot, spec::PartSet written = spec::kAllParts);

 private:
  const spec::Snapshot* last_ = nullptr;
  uint64_t changes_ = 0;  // of the memory, then
  mm::PhysAddr flb_ = 0;  // likewise
};

}  // namespace iommufd_check::program
