// A call that a task is in: what it runs, where it left the host's code, and how it ended. Of the
// files of the machine alone.
#pragma once

#include <csetjmp>
#include <functional>

#include "model/linux/host/machine.h"

namespace iommufd_check::linux_host {

struct Machine::Entry {
  Machine* machine = nullptr;
  sim::Task* task = nullptr;
  const std::function<long()>* call = nullptr;
  long result = 0;
  bool ended = false;  // with the run
  std::jmp_buf back = {};
};

}  // namespace iommufd_check::linux_host
