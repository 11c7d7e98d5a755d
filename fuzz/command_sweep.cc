// iommufd-check sweep: every fault that programs can meet, with certificates.
#include <string>
#include <vector>

#include "fuzz/command.h"
#include "fuzz/explored_file.h"
#include "fuzz/names.h"
#include "fuzz/shard.h"
#include "model/explore/fault_sweep.h"
#include "model/liveupdate/designs/registry.h"

namespace iommufd_check::cli {
namespace {

struct Options {
  std::string design;
  explore::SweepOptions bounds;
  uint64_t max_executions = 0;
  std::string shard;
  bool json = false;
};

FlagSet FlagsOf(Options* options) {
  FlagSet flags;
  flags.Add("design", "NAME", "run under this design (default: the file's, else reference)",
            &options->design);
  flags.Add("sticky", "", "also fail a call and all later ones of it (default: true)",
            &options->bounds.sticky);
  flags.Add("pairs", "", "also fail every two calls", &options->bounds.pairs);
  flags.Add("preemptions", "N", "each plan under every schedule with at most N (default: 0)",
            &options->bounds.preemptions);
  flags.Add("max_executions", "N", "of each program; 0 is no limit (default: 0)",
            &options->max_executions);
  flags.Add("shard", "I/N", "only every Nth file, from the Ith (from 0)", &options->shard);
  flags.Add("json", "", "print certificates as JSON, one after the other", &options->json);
  return flags;
}

ExitCode Sweep(std::span<const std::string> arguments, const Streams& io) {
  Options options;
  std::vector<std::string> files;
  const FlagSet flags = FlagsOf(&options);
  if (const auto code = ParseArguments(kSweepCommand, flags, arguments, io, &files)) return *code;
  if (!options.design.empty() && liveupdate::FindDesign(options.design) == nullptr) {
    return UsageError(kSweepCommand, UnknownDesign(options.design), io);
  }
  if (options.bounds.preemptions < 0) {
    return UsageError(kSweepCommand, "--preemptions is not negative", io);
  }
  if (const std::string problem = KeepShard(options.shard, &files); !problem.empty()) {
    return UsageError(kSweepCommand, problem, io);
  }
  if (files.empty()) return UsageError(kSweepCommand, "no program to sweep", io);
  if (options.max_executions != 0) options.bounds.max_executions = options.max_executions;
  return CertifyFiles(files, options.design, options.json, io,
                      [&](program::Executor* executor, const ExploredFile& explored,
                          const std::string& file) {
                        return explore::SweepProgram(executor, *explored.design, file,
                                             explored.program, options.bounds);
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
