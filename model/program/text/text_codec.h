// Programs as text: the form for people, corpus and reports.
//
//   # Map races the flag.                     leading comment lines are the title
//   format 2                                  may be left out; printed, so that files last
//   design v1
//   boot memfds=1 memfd_pages=4 buffers=1 buffer_pages=4 devices=1
//
//   main:                                     a section: main, A..G or finally
//     ioas = ioas_alloc()
//     s = luo_create_session(name="vm")
//   A:
//     map_file(ioas, memfd=0, iova=0x1000, length=0x2000, prot=rw)  -> 0
//   B:
//     luo_preserve(s, iommufd, token=2)  -> EBUSY
//
//   fault B.1 kho_alloc_preserve nth=1        task.operation, both as OperationLabel prints them
//   switch A.1 before lock ioas.mutex#1 -> B  there continue with B (switch_text.h)
//   expect violation I04 luo_preserve         the operation may be left out; the line may repeat
//   also I19 I20
//
// One construct stands on a line; blanks, tabs, comments after '#' and CR LF are free. `format`,
// `design` and `boot` stand before the first operation; sections come in any order and may be
// continued further down; faults and switches may stand anywhere. A variable is defined on an
// earlier line, by any task that runs before or beside its user. Arguments stand in the order of
// operations.def or as name=value, and may be left out where there is a default. An object is a
// variable or a number, its id; a file is `memfd=N` or `iommufd`; numbers are decimal or 0x hex,
// `auto` where the kernel chooses the iova; prot is r, w, rw or none; seals are joined with '|', or
// none.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "model/program/program.h"

namespace iommufd_check::program {

// Format 1 had switches by steps; iommufd-check convert reads it.
inline constexpr uint64_t kTextFormat = 2;

// The program that `text` describes; FirstProblem of it is empty. `file_name` is only for messages.
// Takes time in proportion to the text. ERRORS: InvalidArgument with the first mistake as
// "file:line:col: what is wrong; how to mend it".
absl::StatusOr<Program> ParseProgram(std::string_view text, std::string_view file_name);

// The canonical text: ParseProgram of it gives `program` again, and texts of equal programs are
// equal. Variables get the name of what they hold and an ordinal: ioas, ioas2, hwpt, dev, s.
// REQUIRES: FirstProblem(program) is empty.
std::string PrintProgram(const Program& program);

// One operation of it as there, without its task and without what it expects:
// "hwpt = hwpt_alloc(dev, ioas)".
std::string PrintOperation(const Program& program, size_t index);

}  // namespace iommufd_check::program
