// From an operation of a program to a system call: resolves variables, keeps the references that an
// open descriptor keeps during a call. (oracle_call.h says the same call in the oracle's words.)
#pragma once

#include <vector>

#include "model/liveupdate/kernel.h"
#include "model/program/execute/executor.h"
#include "model/spec/oracle/oracle.h"

namespace iommufd_check::program {

// What earlier operations created, by operation index.
struct Bindings {
  std::vector<OperationResult> results;
  std::vector<liveupdate::SessionHandle> sessions;

  void Reset(size_t operations) {
    results.assign(operations, OperationResult{});
    sessions.assign(operations, liveupdate::SessionHandle{});
  }
};

// What a call gives its caller, who has it only when the call is back in user space.
struct Answer {
  OperationResult result;
  liveupdate::SessionHandle session;
};

// Runs operation `index` in the kernel. Returns 0 or a negative errno.
int Dispatch(liveupdate::Kernel& k, const Program& program, size_t index, const Bindings& bindings,
             Answer* answer);

// The process exits: every descriptor still open is closed, memory goes (task 0).
void ProcessExit(liveupdate::Kernel& k);

}  // namespace iommufd_check::program
