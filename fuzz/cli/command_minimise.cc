// iommufd-check minimise: the smallest program that shows the same violation.
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "fuzz/cli/command.h"
#include "fuzz/cli/input_file.h"
#include "fuzz/cli/names.h"
#include "fuzz/report/expectations.h"
#include "fuzz/report/witness.h"
#include "model/liveupdate/designs/registry.h"
#include "model/program/execute/executor.h"
#include "model/program/identity.h"
#include "model/program/minimise.h"

namespace iommufd_check::cli {
namespace {

struct Options {
  std::string design;
  bool bytes = false;
  uint64_t max_executions = program::kMinimiseAttempts;
};

void PrintStats(const program::MinimiseStats& stats, const Streams& io) {
  for (int i = 0; i < static_cast<int>(program::Attempt::kCount); ++i) {
    const auto attempt = static_cast<program::Attempt>(i);
    const program::MinimiseStats::Counter& counter = stats.of(attempt);
    if (counter.tried == 0) continue;
    io.err << absl::StrFormat("  %-10s %d tried, %d kept\n", program::Name(attempt), counter.tried,
                              counter.kept);
  }
}

ExitCode MinimiseProgram(const program::Program& program, liveupdate::Design& design,
                         const Options& options, const std::vector<std::string>& files,
                         const Streams& io) {
  program::Executor executor;
  const program::Execution& first = executor.Run(design, program);
  const Judgement judgement = Judge(program, first, /*compare=*/false);
  if (judgement.subject == nullptr) {
    io.out << files[0] << ": violates nothing under " << design.name()
           << ", so there is nothing to minimise\n";
    return ExitCode::kDiverged;
  }
  const program::Identity identity = IdentityOf(program, *judgement.subject);
  program::MinimiseStats stats;
  program::Program small =
      SmallestWitness(executor, design, program, identity, &stats, options.max_executions);
  small = AsFinding(small, executor.Run(design, small), identity, std::string(design.name()));

  const Form form = FormOfName(files[1]).value_or(Form::kText);
  const absl::Status written = WriteOutput(files[1], EncodeProgram(small, form), io.out);
  if (!written.ok()) return FileError(std::string(written.message()), io);
  io.err << absl::StrFormat("%s: %s, %d operations from %d, %d runs%s\n", files[1],
                            TextOf(identity), small.operations.size(), program.operations.size(),
                            stats.attempts,
                            stats.budget_ended ? "; the budget ended" : "; 1-minimal");
  PrintStats(stats, io);
  return stats.budget_ended ? ExitCode::kBudget : ExitCode::kOk;
}

ExitCode Minimise(std::span<const std::string> arguments, const Streams& io) {
  Options options;
  FlagSet flags;
  flags.Add("design", "NAME", "under which the program fails (default: its own)", &options.design);
  flags.Add("bytes", "", "FILE is bytes from a fuzzer, as if it ended in .bin", &options.bytes);
  flags.Add("max_executions", "N", "runs to try at most", &options.max_executions);
  std::vector<std::string> files;
  if (auto code = ParseArguments(kMinimiseCommand, flags, arguments, io, &files)) return *code;
  if (!options.design.empty() && liveupdate::FindDesign(options.design) == nullptr) {
    return UsageError(kMinimiseCommand, UnknownDesign(options.design), io);
  }
  if (files.size() != 2) return UsageError(kMinimiseCommand, "give two files: FILE and OUT", io);

  const absl::StatusOr<std::string> contents = ReadInput(files[0], io.in);
  if (!contents.ok()) return FileError(std::string(contents.status().message()), io);
  const Form form = options.bytes ? Form::kBytes : FormOfName(files[0]).value_or(Form::kText);
  auto program = DecodeRunnable(*contents, form, files[0]);
  if (!program.ok()) return FileError(std::string(program.status().message()), io);
  std::string design = options.design.empty() ? program->design : options.design;
  if (design.empty()) design = kDefaultDesign;
  const absl::Status fits = FitToDesign(*liveupdate::FindDesign(design), form, files[0], &*program);
  if (!fits.ok()) return FileError(std::string(fits.message()), io);
  return MinimiseProgram(*program, *liveupdate::FindDesign(design), options, files, io);
}

}  // namespace

const Command kMinimiseCommand{
    .name = "minimise",
    .summary = "find the smallest program with the same violation",
    .usage =
        "Usage: iommufd-check minimise [--flags] FILE OUT\n"
        "\n"
        "Keeps the invariant and the kind of operation that breaks it. `-` is standard input or\n"
        "output. Exits 0 when OUT is 1-minimal, 3 when the budget ended, 5 when FILE violates\n"
        "nothing.\n"
        "\n"
        "Example:\n"
        "  iommufd-check minimise --design=v1 crash.bin crash.prog\n",
    .run = &Minimise,
};

}  // namespace iommufd_check::cli
