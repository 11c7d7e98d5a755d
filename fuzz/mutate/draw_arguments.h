// Arguments of one operation, drawn by the kinds of its row.
#pragma once

#include <cstddef>

#include "fuzz/mutate/draw.h"
#include "model/program/program.h"

namespace iommufd_check::cli {

// An object for an argument of that kind in operation `index` of `task`: mostly one that an earlier
// operation creates, now and then one of a task beside it, else a raw id.
program::Argument DrawObject(const program::Program& program, size_t index, uint8_t task,
                             program::ArgumentKind kind, Draw& draw);

// All arguments of operation `index`. What may be left out often is, and a number is often one that
// the program has already, so that calls are about the same pages and tokens. REQUIRES: the
// operation is possible with its boot.
void DrawArguments(program::Program* program, size_t index, Draw& draw);

}  // namespace iommufd_check::cli
