// Arguments that a revision's ioctl struct cannot carry (uapi::Contract): the token of the mark is
// 32 bits wide in some. A caller cannot pass more, so a program must not either.
#pragma once

#include <cstdint>
#include <string>

#include "model/liveupdate/design.h"
#include "model/program/program.h"

namespace iommufd_check::program {

// The most that the argument can hold under `design`; UINT64_MAX when it is 64 bits wide.
uint64_t LargestArgument(OpCode code, size_t argument, const liveupdate::Design& design);

// Empty, or the first argument that is wider than its field: "main.4: argument token of lu_mark is
// 0x100000007, and design v1 carries 32 bits; write at most 0xffffffff".
std::string WidthProblem(const Program& program, const liveupdate::Design& design);

// Cuts every argument to the width of its field, for programs that nobody wrote.
void MaskToWidths(const liveupdate::Design& design, Program* program);

}  // namespace iommufd_check::program
