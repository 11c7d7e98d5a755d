// The one way in which commands run work: parts by threads, a share of them, until a budget ends,
// going on where an earlier sitting ended; then the certificates are printed and compared, and the
// exit status is chosen.
//
//   std::vector<MakeWork> works;
//   works.push_back([&](program::Executor* executor, explore::Pulse* pulse) {
//     return explore::MakeExploreWork(executor, *design, "a.prog", program, {}, pulse);
//   });
//   return Certify(kExploreCommand, works, flags, io);
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

// Cuts a work into parts, when its turn has come; `pulse` may end that too.
using MakeWork =
    std::function<std::unique_ptr<explore::Work>(program::Executor* executor, explore::Pulse*)>;

// One certificate for each work. REQUIRES: flags.Problem() is empty.
ExitCode Certify(const Command& command, const std::vector<MakeWork>& works, const WorkFlags& flags,
                 const Streams& io);

using MakeFileWork = std::function<std::unique_ptr<explore::Work>(
    program::Executor* executor, liveupdate::Design& design, const std::string& file,
    const program::Program& program, explore::Pulse* pulse)>;

// Certifies each file under each of the flags' designs; without any under its own, or else the
// reference. A file that cannot be read is said so, and the others still run. Returns the gravest
// exit code. REQUIRES: as Certify.
ExitCode CertifyFiles(const Command& command, const std::vector<std::string>& files,
                      const WorkFlags& flags, const Streams& io, const MakeFileWork& make_work);

}  // namespace iommufd_check::cli
