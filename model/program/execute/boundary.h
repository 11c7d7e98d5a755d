// What later operations depend on, between two operations of one task: a fingerprint.
//
// Two runs with equal boundaries answer, break and become the same with every operation that names
// the same objects. So it is of more than FingerprintOf(World), and of less:
//   - with the account of the invariants, which decides what later events break;
//   - with one bit for each handle, whether its object is still there: generations themselves are
//     ghosts (sim/slots.h), but what is reached through a stale handle is a use after free;
//   - without the slots that locks happen to have. Locks created in another order are the same
//     locks; no lock is held between two operations but by a bug, which is then part of it.
// The log, step counts and the lock order of the run are no part of it.
//
// Threads: a pure function.
//
//   sim::Fingerprint boundary = BoundaryOf(world, judge.account());
#pragma once

#include "model/liveupdate/state.h"
#include "model/sim/reflect.h"
#include "model/spec/account.h"

namespace iommufd_check::program {

sim::Fingerprint BoundaryOf(const liveupdate::World& world, const spec::Account& account);

}  // namespace iommufd_check::program
