// iommufd-check verdict: the table of designs against invariants.
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "fuzz/cli/certify.h"
#include "fuzz/cli/command.h"
#include "fuzz/cli/corpus_files.h"
#include "fuzz/cli/input_file.h"
#include "fuzz/cli/work_flags.h"
#include "model/explore/work/verdict_work.h"
#include "model/liveupdate/designs/registry.h"

namespace iommufd_check::cli {
namespace {

struct Options {
  WorkFlags work;
  std::string corpus = "corpus";
  explore::VerdictOptions bounds;
};

FlagSet FlagsOf(Options* options) {
  FlagSet flags;
  flags.Add("corpus", "DIR", "programs when no FILE is given: bugs/ and seeds/ of it",
            &options->corpus);
  flags.Add("preemptions", "N", "in one schedule with a fault (default: 2)",
            &options->bounds.preemptions);
  flags.Add("single_faults", "", "also runs in which one call fails (default: true)",
            &options->bounds.single_faults);
  options->work.AddTo("every design", &flags);
  return flags;
}

absl::StatusOr<std::vector<std::string>> CorpusFiles(const std::string& corpus) {
  absl::StatusOr<std::vector<std::string>> files = ProgramFilesIn(corpus + "/bugs");
  if (!files.ok()) return files;
  const absl::StatusOr<std::vector<std::string>> seeds = ProgramFilesIn(corpus + "/seeds");
  if (!seeds.ok()) return seeds;
  files->insert(files->end(), seeds->begin(), seeds->end());
  return files;
}

// Every program must fit every design, since each is judged under each.
absl::StatusOr<std::vector<program::Program>> Load(const std::vector<std::string>& files,
                                                   const std::vector<liveupdate::Design*>& designs,
                                                   std::istream& in) {
  std::vector<program::Program> programs;
  for (const std::string& file : files) {
    absl::StatusOr<std::string> contents = ReadInput(file, in);
    if (!contents.ok()) return contents.status();
    const Form form = FormOfName(file).value_or(Form::kText);
    auto program = DecodeRunnable(*contents, form, file);
    if (!program.ok()) return program.status();
    for (const liveupdate::Design* design : designs) {
      const absl::Status fits = FitToDesign(*design, form, file, &*program);
      if (!fits.ok()) return fits;
    }
    programs.push_back(*std::move(program));
  }
  return programs;
}

ExitCode Verdict(std::span<const std::string> arguments, const Streams& io) {
  Options options;
  std::vector<std::string> files;
  const FlagSet flags = FlagsOf(&options);
  if (const auto code = ParseArguments(kVerdictCommand, flags, arguments, io, &files)) return *code;
  std::string problem = options.work.Problem(io.in);
  if (options.bounds.preemptions < 0) problem = "--preemptions is not negative";
  if (!problem.empty()) return UsageError(kVerdictCommand, problem, io);
  std::string name = absl::StrJoin(files, " ");
  if (files.empty()) {
    auto found = CorpusFiles(options.corpus);
    if (!found.ok()) return FileError(std::string(found.status().message()), io);
    files = *std::move(found);
    name = options.corpus;
  }
  if (files.empty()) {
    return UsageError(
        kVerdictCommand,
        absl::StrCat("no program in ", options.corpus, "/bugs or /seeds, so nothing would run"),
        io);
  }
  const auto& all = liveupdate::AllDesigns();
  std::vector<liveupdate::Design*> designs = options.work.designs;
  if (designs.empty()) designs.assign(all.begin(), all.end());
  const absl::StatusOr<std::vector<program::Program>> programs = Load(files, designs, io.in);
  if (!programs.ok()) return FileError(std::string(programs.status().message()), io);
  std::vector<MakeWork> works;
  for (liveupdate::Design* design : designs) {
    works.push_back([&, design](program::Executor* executor, explore::Pulse* pulse) {
      return explore::MakeVerdictWork(executor, *design, name, *programs, options.bounds, pulse);
    });
  }
  return Certify(kVerdictCommand, works, options.work, io);
}

}  // namespace

const Command kVerdictCommand{
    .name = "verdict",
    .summary = "search all programs under all designs; print which invariants hold",
    .usage =
        "Usage: iommufd-check verdict [--flags] [FILE...]\n"
        "\n"
        "Runs each program under each design as written, then in every interleaving that can make\n"
        "a difference, then with every single fault in every schedule within the bound.\n"
        "A cell says `held (n)` with how often the invariant had something to say, `VIOLATED`\n"
        "with the size of the smallest program found, `tolerated`, or `never armed`. Below the\n"
        "table stand the findings, each with its program. Exits 1 when any design violates an\n"
        "invariant, 3 when the budget ended before the bounds.\n"
        "\n"
        "Example:\n"
        "  iommufd-check verdict --design=v1,reference --programs=found\n",
    .run = &Verdict,
};

}  // namespace iommufd_check::cli
