// iommufd-check explore: all interleavings of programs, with certificates.
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "fuzz/cli/certify.h"
#include "fuzz/cli/command.h"
#include "fuzz/cli/explore_image.h"
#include "fuzz/cli/work_flags.h"
#include "model/explore/schedules/random_schedules.h"
#include "model/explore/work/explore_work.h"

namespace iommufd_check::cli {
namespace {

struct Options {
  WorkFlags work;
  std::string subject;  // an image
  std::string reduce = "dpor";
  int preemptions = -1;
  bool exact_frames = false;
  bool count_interleavings = false;
  std::string scheduler;
  explore::RandomOptions random;
};

FlagSet FlagsOf(Options* options) {
  FlagSet flags;
  flags.Add("subject", "IMAGE", "on Linux's own code, with --preemptions=N (default: 1)",
            &options->subject);
  flags.Add("reduce", "NAME", "none, sleep or dpor (default: dpor)", &options->reduce);
  flags.Add("preemptions", "N",
            "only schedules with at most N preemptions, without reduction (default: all)",
            &options->preemptions);
  flags.Add("exact_frames", "", "allocations of frames by different tasks do not commute",
            &options->exact_frames);
  flags.Add("count_interleavings", "",
            "that the traces stand for, also where that costs more than exploring them",
            &options->count_interleavings);
  flags.Add("scheduler", "NAME", "sample instead: uniform or pct", &options->scheduler);
  flags.Add("runs", "N", "of a random scheduler (default: 10000)", &options->random.runs);
  flags.Add("seed", "N", "of a random scheduler (default: 1)", &options->random.seed);
  flags.Add("depth", "N", "of bugs that pct is to find (default: 3)", &options->random.depth);
  options->work.AddTo("the file's, else reference", &flags);
  return flags;
}

// What is wrong, in one sentence, or empty.
std::string ReadBounds(const Options& options, explore::ExploreOptions* bounds,
                       std::optional<explore::RandomScheduler>* random) {
  const auto reduction = explore::ReductionFromName(options.reduce);
  if (!reduction.has_value()) {
    return absl::StrCat("unknown reduction '", options.reduce, "'; use none, sleep or dpor");
  }
  bounds->reduction = *reduction;
  bounds->exact_frames = options.exact_frames;
  if (options.count_interleavings) bounds->max_combinations = explore::kMostCombinations;
  if (options.preemptions >= 0) bounds->preemptions = options.preemptions;
  if (options.scheduler.empty()) return "";
  *random = explore::RandomSchedulerFromName(options.scheduler);
  if (!random->has_value()) {
    return absl::StrCat("unknown scheduler '", options.scheduler, "'; use uniform or pct");
  }
  if (bounds->preemptions.has_value()) return "--scheduler samples, so --preemptions has no use";
  if (options.random.runs < 1 || options.random.runs > explore::kMaxRandomRuns) {
    return absl::StrCat("--runs=", options.random.runs, " is out of range; give 1 to ",
                        explore::kMaxRandomRuns);
  }
  if (options.random.depth < 1 || options.random.depth > explore::kMaxPctDepth) {
    return absl::StrCat("--depth=", options.random.depth, " is out of range; give 1 to ",
                        explore::kMaxPctDepth);
  }
  return "";
}

ExitCode Explore(std::span<const std::string> arguments, const Streams& io) {
  Options options;
  std::vector<std::string> files;
  const FlagSet flags = FlagsOf(&options);
  if (const auto code = ParseArguments(kExploreCommand, flags, arguments, io, &files)) return *code;
  explore::ExploreOptions bounds;
  std::optional<explore::RandomScheduler> random;
  std::string problem = options.work.Problem(io.in);
  if (problem.empty()) problem = ReadBounds(options, &bounds, &random);
  if (!problem.empty()) return UsageError(kExploreCommand, problem, io);
  if (files.empty()) return UsageError(kExploreCommand, "no program to explore", io);
  if (!options.subject.empty()) {
    return ExploreOnImage({.subject = options.subject,
                           .preemptions = bounds.preemptions.value_or(1),
                           .max_executions = options.work.max_executions},
                          files, io);
  }
  return CertifyFiles(
      kExploreCommand, files, options.work, io,
      [&](program::Executor* executor, liveupdate::Design& design, const std::string& file,
          const program::Program& program, explore::Pulse* pulse) {
        if (!random.has_value()) {
          return explore::MakeExploreWork(executor, design, file, program, bounds, pulse);
        }
        explore::RandomOptions samples = options.random;
        samples.scheduler = *random;
        return explore::MakeRandomWork(executor, design, file, program, samples);
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
        "are not used. A program that is too large to exhaust can be sampled with --scheduler.\n"
        "Exits 1 on a violation, 3 when the budget ended first.\n"
        "\n"
        "Example:\n"
        "  iommufd-check explore --design=v1 corpus/explore/map-x-preserve.prog\n",
    .run = &Explore,
};

}  // namespace iommufd_check::cli
