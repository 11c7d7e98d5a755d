// The World as a process finds it: one iommufd open, memfds open, buffers mapped, devices present.
#pragma once

#include "model/liveupdate/state.h"
#include "model/program/program.h"

namespace iommufd_check::program {

// The machine and its kernel before any process runs, with `devices` endpoints. This is also what
// the World must be again after the process's exit (I36).
liveupdate::World BootMachine(const Boot& boot);

// BootMachine, plus what the process opened. memfd i has index i, buffer i starts at
// mm::UserAddressOf(i).
liveupdate::World BootWorld(const Boot& boot);

}  // namespace iommufd_check::program
