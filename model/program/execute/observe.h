// Reads the observable state out of a World for model/spec: the only place that knows both.
#pragma once

#include "model/liveupdate/design.h"
#include "model/liveupdate/state.h"
#include "model/spec/snapshot.h"

namespace iommufd_check::program {

// Overwrites *snapshot (its buffers are reused). Serialized records are parsed from memory by the
// layouts of `design`.
void Observe(const liveupdate::World& world, const liveupdate::Design& design,
             spec::Snapshot* snapshot);

}  // namespace iommufd_check::program
