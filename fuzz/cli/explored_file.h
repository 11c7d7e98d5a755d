// What `explore` and `sweep` do alike: read a program with the design it runs under, run its parts,
// print the certificate, choose the exit status.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "fuzz/cli/command.h"
#include "fuzz/cli/work_flags.h"
#include "model/explore/work/work.h"
#include "model/liveupdate/design.h"
#include "model/program/execute/executor.h"
#include "model/program/program.h"

namespace iommufd_check::cli {

// Cuts one program's exploration into parts; `pulse` may end that too.
using MakeWork = std::function<std::unique_ptr<explore::Work>(
    program::Executor* executor, liveupdate::Design& design, const std::string& file,
    const program::Program& program, explore::Pulse* pulse)>;

// Certifies each file in turn. The flags' design wins over a file's own; without either it is the
// reference. A file that cannot be read is said so, and the others still run. Returns the gravest
// exit code. REQUIRES: flags.Problem() is empty.
ExitCode CertifyFiles(const Command& command, const std::vector<std::string>& files,
                      const WorkFlags& flags, const Streams& io, const MakeWork& make_work);

}  // namespace iommufd_check::cli
