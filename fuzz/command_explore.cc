// iommufd-check explore: all interleavings of programs, with certificates.
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "fuzz/command.h"
#include "fuzz/explored_file.h"
#include "fuzz/names.h"
#include "fuzz/shard.h"
#include "model/explore/explore_command.h"
#include "model/liveupdate/designs/registry.h"

namespace iommufd_check::cli {
namespace {

struct Options {
  std::string design;
  std::string reduce = "dpor";
  int preemptions = -1;
  uint64_t max_executions = 0;
  std::string shard;
  bool exact_frames = false;
  bool json = false;
};

FlagSet FlagsOf(Options* options) {
  FlagSet flags;
  flags.Add("design", "NAME", "run under this design (default: the file's, else reference)",
            &options->design);
  flags.Add("reduce", "NAME", "none, sleep or dpor (default: dpor)", &options->reduce);
  flags.Add("preemptions", "N",
            "only schedules with at most N preemptions, without reduction (default: all)",
            &options->preemptions);
  flags.Add("max_executions", "N", "of each program; 0 is no limit (default: 0)",
            &options->max_executions);
  flags.Add("shard", "I/N", "only every Nth file, from the Ith (from 0)", &options->shard);
  flags.Add("exact_frames", "", "allocations of frames by different tasks do not commute",
            &options->exact_frames);
  flags.Add("json", "", "print certificates as JSON, one after the other", &options->json);
  return flags;
}

ExitCode Explore(std::span<const std::string> arguments, const Streams& io) {
  Options options;
  std::vector<std::string> files;
  const FlagSet flags = FlagsOf(&options);
  if (const auto code = ParseArguments(kExploreCommand, flags, arguments, io, &files)) return *code;
  const auto reduction = explore::ReductionFromName(options.reduce);
  if (!reduction.has_value()) {
    return UsageError(kExploreCommand,
                      absl::StrCat("unknown reduction '", options.reduce,
                                   "'; use none, sleep or dpor"),
                      io);
  }
  if (!options.design.empty() && liveupdate::FindDesign(options.design) == nullptr) {
    return UsageError(kExploreCommand, UnknownDesign(options.design), io);
  }
  if (const std::string problem = KeepShard(options.shard, &files); !problem.empty()) {
    return UsageError(kExploreCommand, problem, io);
  }
  if (files.empty()) return UsageError(kExploreCommand, "no program to explore", io);
  explore::ExploreOptions bounds;
  bounds.reduction = *reduction;
  bounds.exact_frames = options.exact_frames;
  if (options.preemptions >= 0) bounds.preemptions = options.preemptions;
  if (options.max_executions != 0) bounds.max_executions = options.max_executions;
  return CertifyFiles(files, options.design, options.json, io,
                      [&](program::Executor* executor, const ExploredFile& explored,
                          const std::string& file) {
                        return explore::ExploreProgram(executor, *explored.design, file,
                                             explored.program, bounds);
                      });
}

}  // namespace

const Command kExploreCommand{
    .name = "explore",
    .summary = "run every interleaving of programs; certify what was covered",
    .usage =
        "Usage: iommufd-check explore [--flags] FILE...\n"
        "\n"
        "Runs the tasks of each program in every order that can make a difference, and prints a\n"
        "certificate: what was exhausted, which invariants had something to say and which never\n"
        "had, and for each violation a program with the fewest preemptions. Switches in the file\n"
        "are not used. Exits 1 on a violation, 3 when the budget ended first.\n"
        "\n"
        "Example:\n"
        "  iommufd-check explore --design=v1 corpus/explore/map-x-preserve.prog\n",
    .run = &Explore,
};

}  // namespace iommufd_check::cli
