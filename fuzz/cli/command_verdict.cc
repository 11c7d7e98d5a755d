// iommufd-check verdict: the table of designs against invariants.
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "fuzz/cli/command.h"
#include "fuzz/cli/corpus_files.h"
#include "fuzz/cli/finding_flags.h"
#include "fuzz/cli/input_file.h"
#include "fuzz/cli/names.h"
#include "fuzz/cli/verdict_engine.h"
#include "fuzz/report/verdict.h"
#include "fuzz/report/witness.h"
#include "model/liveupdate/designs/registry.h"
#include "model/program/text/text_codec.h"

namespace iommufd_check::cli {
namespace {

struct Options {
  std::vector<std::string> designs;
  std::string corpus = "corpus";
  std::string programs;
  SearchBounds bounds;
  FindingFlags findings;
};

FlagSet FlagsOf(Options* options) {
  FlagSet flags;
  flags.Add("design", "A,B", "the columns (default: every design)", &options->designs);
  flags.Add("corpus", "DIR", "programs when no FILE is given: bugs/ and seeds/ of it",
            &options->corpus);
  flags.Add("programs", "DIR", "write the programs that were found there, do not print them",
            &options->programs);
  flags.Add("preemptions", "N", "in one schedule with a fault (default: 2)",
            &options->bounds.preemptions);
  flags.Add("single_faults", "", "also runs in which one call fails (default: true)",
            &options->bounds.single_faults);
  flags.Add("max_executions", "N", "of each design; 0 is no limit (default: 0)",
            &options->bounds.max_executions);
  options->findings.AddTo(&flags);
  return flags;
}

// The designs to judge in the order given. Empty `problem` when all exist.
std::vector<liveupdate::Design*> DesignsOf(const Options& options, std::string* problem) {
  if (options.designs.empty()) return liveupdate::AllDesigns();
  std::vector<liveupdate::Design*> designs;
  for (const std::string& name : options.designs) {
    liveupdate::Design* design = liveupdate::FindDesign(name);
    if (design == nullptr && problem->empty()) *problem = UnknownDesign(name);
    for (const liveupdate::Design* other : designs) {
      if (other == design && problem->empty()) *problem = "design " + name + " is given twice";
    }
    designs.push_back(design);
  }
  return designs;
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

// Prints the found programs, or writes each as <design>-<finding>.prog.
absl::Status PublishFindings(const std::vector<DesignVerdict>& verdicts, const std::string& folder,
                             const Streams& io) {
  if (!folder.empty()) {
    if (absl::Status made = MakeFolder(folder); !made.ok()) return made;
  }
  for (const DesignVerdict& verdict : verdicts) {
    for (const explore::Finding& finding : verdict.found.findings) {
      const std::string text = program::PrintProgram(finding.witness);
      if (folder.empty()) {
        io.out << "\n" << text;
        continue;
      }
      const std::string path =
          absl::StrCat(folder, "/", verdict.design, "-", FileStem(finding.identity), ".prog");
      if (absl::Status status = WriteOutput(path, text, io.out); !status.ok()) return status;
      io.err << "wrote " << path << "\n";
    }
  }
  return absl::OkStatus();
}

ExitCode CodeOf(const std::vector<DesignVerdict>& verdicts) {
  ExitCode code = ExitCode::kOk;
  for (const DesignVerdict& verdict : verdicts) {
    if (!verdict.exhausted) code = Worse(code, ExitCode::kBudget);
    if (verdict.violated()) code = Worse(code, ExitCode::kViolation);
  }
  return code;
}

ExitCode Verdict(std::span<const std::string> arguments, const Streams& io) {
  Options options;
  std::vector<std::string> files;
  const FlagSet flags = FlagsOf(&options);
  if (const auto code = ParseArguments(kVerdictCommand, flags, arguments, io, &files)) return *code;
  std::string problem;
  const std::vector<liveupdate::Design*> designs = DesignsOf(options, &problem);
  if (problem.empty()) problem = options.findings.Read(io.in);
  if (!problem.empty()) return UsageError(kVerdictCommand, problem, io);
  options.bounds.policy = options.findings.policy;
  if (files.empty()) {
    auto found = CorpusFiles(options.corpus);
    if (!found.ok()) return FileError(std::string(found.status().message()), io);
    files = *std::move(found);
  }
  if (files.empty()) {
    return UsageError(
        kVerdictCommand,
        absl::StrCat("no program in ", options.corpus, "/bugs or /seeds, so nothing would run"),
        io);
  }
  const absl::StatusOr<std::vector<program::Program>> programs = Load(files, designs, io.in);
  if (!programs.ok()) return FileError(std::string(programs.status().message()), io);

  program::Executor executor;
  const Engine engine = MakeEngine(executor);
  std::vector<DesignVerdict> verdicts;
  for (liveupdate::Design* design : designs) {
    verdicts.push_back(JudgeDesign(engine, *design, *programs, options.bounds,
                                   [&](const std::string& line) { io.err << line << "\n"; }));
  }
  io.out << RenderVerdict(verdicts, options.bounds);
  if (absl::Status status = PublishFindings(verdicts, options.programs, io); !status.ok()) {
    return FileError(std::string(status.message()), io);
  }
  return CodeOf(verdicts);
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
