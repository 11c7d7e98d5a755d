// What events say of the observable state: which parts of it they may have changed.
//
// Each access is recorded (sim/shared.h), so that what wrote is seen. A step that tasks take
// without an event changes nothing.
//
// Threads: a pure function.
//
//   const spec::PartSet written = WrittenBy(std::span(log.events()).subspan(since));
#pragma once

#include <span>

#include "model/sim/event.h"
#include "model/spec/snapshot.h"

namespace iommufd_check::program {

// References that were taken and given back wrote nothing. Words and owners of memory are not
// included: they are counted by the memory itself (mm/phys_memory.h: changes).
spec::PartSet WrittenBy(std::span<const sim::Event> events);

}  // namespace iommufd_check::program
