// A Machine with memfds and buffers, and a main task to use it with.
#pragma once

#include <functional>
#include <vector>

#include "model/mm/machine.h"
#include "tests/sim/task_fixture.h"

namespace iommufd_check::mm {

class MachineFixture : public sim::TaskFixture {
 public:
  MemfdHandle AddMemfd(uint64_t bytes) {
    Memfd memfd;
    memfd.inode_lock = Lock(sim::LockClass::kInodeLock);
    memfd.state.Raw().size = bytes;
    return machine.memfds.Create(std::move(memfd));
  }
  const MemfdState& StateOf(MemfdHandle h) const { return machine.memfds.Find(h)->state.Peek(); }

  // Runs `call` alone and returns its result; 1 when it did not end.
  int Call(const std::function<int(sim::Task&)>& call,
           std::span<const sim::PlannedFault> faults = {}) {
    int result = 1;
    Alone(
        [&](sim::Task& t) {
          runtime.BeginOperation(t, 0, 0);
          result = call(t);
        },
        faults);
    return result;
  }
  // Pins all pages of the memfd and lets them go again: they stay in the page cache.
  void Populate(MemfdHandle h, uint32_t pages) {
    std::vector<Pfn> pfns;
    Call([&](sim::Task& t) {
      memfd_pin_folios(t, machine, h, 0, pages, &pfns);
      unpin_pages(t, machine, pfns);
      return 0;
    });
  }

  Machine machine;
};

}  // namespace iommufd_check::mm
