// iommufd-check sweep: every fault that programs can meet, with certificates.
#include <string>
#include <vector>

#include "fuzz/cli/certify.h"
#include "fuzz/cli/command.h"
#include "fuzz/cli/work_flags.h"
#include "model/explore/schedules/fault_sweep.h"

namespace iommufd_check::cli {
namespace {

struct Options {
  WorkFlags work;
  explore::SweepOptions bounds;
};

FlagSet FlagsOf(Options* options) {
  FlagSet flags;
  flags.Add("sticky", "", "also fail a call and all later ones of it (default: true)",
            &options->bounds.sticky);
  flags.Add("pairs", "", "also fail every two calls", &options->bounds.pairs);
  flags.Add("preemptions", "N", "each plan under every schedule with at most N (default: 0)",
            &options->bounds.preemptions);
  options->work.AddTo("the file's, else reference", &flags);
  return flags;
}

ExitCode Sweep(std::span<const std::string> arguments, const Streams& io) {
  Options options;
  std::vector<std::string> files;
  const FlagSet flags = FlagsOf(&options);
  if (const auto code = ParseArguments(kSweepCommand, flags, arguments, io, &files)) return *code;
  if (const std::string problem = options.work.Problem(io.in); !problem.empty()) {
    return UsageError(kSweepCommand, problem, io);
  }
  if (options.bounds.preemptions < 0) {
    return UsageError(kSweepCommand, "--preemptions is not negative", io);
  }
  if (files.empty()) return UsageError(kSweepCommand, "no program to sweep", io);
  return CertifyFiles(
      kSweepCommand, files, options.work, io,
      [&](program::Executor* executor, liveupdate::Design& design, const std::string& file,
          const program::Program& program, explore::Pulse* pulse) {
        return explore::MakeSweepWork(executor, design, file, program, options.bounds, pulse);
      });
}

}  // namespace

const Command kSweepCommand{
    .name = "sweep",
    .summary = "fail every call that programs make; certify what was covered",
    .usage =
        "Usage: iommufd-check sweep [--flags] FILE...\n"
        "\n"
        "Runs each program once for each call that can fail, with exactly that one failing, with\n"
        "it and all later ones failing, and on demand with every two failing, under every\n"
        "schedule within the bound. Exits 1 on a violation, 3 when the budget ended first.\n"
        "\n"
        "Example:\n"
        "  iommufd-check sweep --pairs --design=reference corpus/explore/map-x-preserve.prog\n",
    .run = &Sweep,
};

}  // namespace iommufd_check::cli
