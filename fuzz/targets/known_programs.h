// What known programs break: findings that a fuzzer goes past (--tolerate=corpus/bugs).
#pragma once

#include <set>
#include <string>

#include "absl/status/status.h"
#include "model/liveupdate/design.h"
#include "model/program/execute/executor.h"
#include "model/program/identity.h"

namespace iommufd_check::cli {

// Adds everything that the program in the file at `path`, or each *.prog of the folder there,
// breaks under `design`, whatever design it names itself. FAULTS: a file that cannot be read or is
// no program, a folder without one; one sentence that names it.
absl::Status AddKnownFindings(const std::string& path, liveupdate::Design& design,
                              program::Executor* executor, std::set<program::Identity>* known);

}  // namespace iommufd_check::cli
