// What a run shows a fuzzer beside the branches that it took: answers with what led to them, and
// which operations met at which field, in which order. libFuzzer takes a byte of a section of its
// own for a counter; without libFuzzer they count for nobody.
#pragma once

#include <vector>

#include "model/program/program.h"
#include "model/sim/event.h"

namespace iommufd_check::cli {

// Of the run of `program` whose events these are. A program is new to the fuzzer when it has
//   - an (operation, errno, fault that was injected, gate that refused), or
//   - an operation that succeeded after another that did, or
//   - an ordered pair of conflicting accesses of two tasks: (field, operation and whether it
//   writes)
//     of both
// that no program before it had.
void SetExtraCounters(const program::Program& program, const std::vector<sim::Event>& events);

}  // namespace iommufd_check::cli
