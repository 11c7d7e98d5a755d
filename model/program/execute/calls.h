// The system calls of a program, one function for each row of operations.def, with the arguments of
// that row. Each is what an open descriptor leads to: whoever calls it holds the reference that the
// descriptor gives (dispatch.cc), and k.ctx is the iommufd of the call.
//
// Returns 0 or a negative errno; `answer` is written on success alone.
#pragma once

#include "model/liveupdate/kernel.h"
#include "model/program/execute/dispatch.h"
#include "model/uapi/arguments.h"

namespace iommufd_check::program::calls {

#define A(...)
#define OPERATION(id, ...) \
  int id(liveupdate::Kernel& k, const uapi::id##Arguments& arguments, Answer* answer);
#include "model/uapi/operations.def"

}  // namespace iommufd_check::program::calls
