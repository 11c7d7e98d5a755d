// What a call has changed in the machine, in the kernel's words: objects as reports spell them,
// their references and flags, frames by what they are used for, registrations, sessions.
//
//   ioas1 immutable: 0 -> 1
//   users of hwpt3: 1 -> 2
//   frames of iommufd ser: 0 -> 1
//
// Threads: a pure function.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "model/liveupdate/state.h"

namespace iommufd_check::program {

// At most `limit` lines and one that says how many more there are. Empty only for equal Worlds:
// what none of the words above covers is told as the structural difference (sim/reflect.h). Locks,
// which always differ in the middle of a call, are no difference.
std::vector<std::string> WorldDifference(const liveupdate::World& before,
                                         const liveupdate::World& after, size_t limit);

}  // namespace iommufd_check::program
