// A finding's program as a file of its own: a heading that says what it shows, the design, and
// `expect` and `also` lines, so that `iommufd-check run` accepts it as it is.
//
//   # explore: v1 violates I04 in-flight-exclusion at luo_preserve, with 1 preemption.
//   # I04@luo_preserve:area:check_iopt_pages_preserved:null-area-pages
//   design v1
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "model/liveupdate/design.h"
#include "model/program/execute/executor.h"
#include "model/program/identity.h"
#include "model/program/minimise.h"
#include "model/program/program.h"

namespace iommufd_check::cli {

// What a heading says of a witness.
struct Heading {
  std::string found_by;  // "explore", "sweep", "verdict"
  std::string design;
  program::Identity identity;
  int preemptions = -1;                 // -1: not said
  std::vector<program::Identity> also;  // findings with the same program
};

std::string HeadingText(const Heading& heading);

// `witness` as such a file. It runs once more, to expect everything that it breaks; when it does
// not show the finding any more, as after a change of the design, it expects nothing.
program::Program WitnessProgram(program::Executor& executor, liveupdate::Design& design,
                                program::Program witness, const Heading& heading);

// As small as it can be while it still shows the finding, without expectations, which are about
// the program as it was written. `stats` may be null.
program::Program SmallestWitness(program::Executor& executor, liveupdate::Design& design,
                                 program::Program witness, const program::Identity& identity,
                                 program::MinimiseStats* stats = nullptr,
                                 uint64_t max_executions = program::kMinimiseAttempts);

// "I04-luo_preserve-area-check_iopt_pages_preserved-null-area-pages".
std::string FileStem(const program::Identity& identity);

// Creates the folder with those above it. ERRORS: PermissionDenied, one sentence that names it.
absl::Status MakeFolder(const std::string& folder);

}  // namespace iommufd_check::cli
