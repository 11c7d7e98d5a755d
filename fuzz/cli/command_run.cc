// iommufd-check run: replays programs and reports what they violate.
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "fuzz/cli/command.h"
#include "fuzz/cli/finding_flags.h"
#include "fuzz/cli/input_file.h"
#include "fuzz/cli/names.h"
#include "fuzz/cli/run_image.h"
#include "fuzz/report/event_text.h"
#include "fuzz/report/expectations.h"
#include "fuzz/report/report_json.h"
#include "model/liveupdate/designs/registry.h"
#include "model/program/execute/executor.h"
#include "model/program/text/switch_text.h"

namespace iommufd_check::cli {
namespace {

using Json = nlohmann::ordered_json;

struct Options {
  std::string design;
  std::string subject;  // an image
  std::string stop_at;
  bool bytes = false;
  bool events = false;
  bool quiet = false;
  bool digest = false;
  bool json = false;
  uint32_t repeat = 1;
  std::optional<spec::Invariant> stop_invariant;
  FindingFlags findings;
};

// One file: its program, the design it runs under, and whether its expectations are about that.
struct Replay {
  std::string file;
  program::Program program;
  liveupdate::Design* design = nullptr;
  bool compare = true;
};

FlagSet FlagsOf(Options* options) {
  FlagSet flags;
  flags.Add("design", "NAME", "run under this design; expectations about another are not compared",
            &options->design);
  flags.Add("subject", "IMAGE", "run on Linux's own code; no faults or switches",
            &options->subject);
  flags.Add("stop_at", "INVARIANT", "end the run where this one is first violated",
            &options->stop_at);
  flags.Add("bytes", "", "files are bytes from a fuzzer, as those ending in .bin", &options->bytes);
  flags.Add("events", "", "print every event of the run", &options->events);
  flags.Add("quiet", "", "one line for each file, no report", &options->quiet);
  flags.Add("digest", "", "print the digest of all events of each file", &options->digest);
  flags.Add("repeat", "N", "run N times; all digests must be equal", &options->repeat);
  flags.Add("json", "", "print everything as one JSON list", &options->json);
  options->findings.AddTo(&flags);
  return flags;
}

// Empty, or what is wrong.
std::string CheckOptions(Options* options, std::istream& in) {
  if (!options->design.empty() && liveupdate::FindDesign(options->design) == nullptr) {
    return UnknownDesign(options->design);
  }
  if (!options->stop_at.empty()) {
    options->stop_invariant = spec::InvariantFromName(options->stop_at);
    if (!options->stop_invariant.has_value()) return UnknownInvariant(options->stop_at);
  }
  if (!options->subject.empty()) {
    const bool other = !options->design.empty() || !options->stop_at.empty() || options->events ||
                       options->json || !options->findings.Arguments().empty();
    if (other) return "--subject goes with --bytes, --quiet, --digest and --repeat only";
  }
  if (options->repeat == 0) return "--repeat=0 would run nothing";
  if (options->json && options->events) return "--json has no --events; give one of them";
  return options->findings.Read(in);
}

absl::StatusOr<Replay> Load(const std::string& file, const Options& options, std::istream& in) {
  absl::StatusOr<std::string> contents = ReadInput(file, in);
  if (!contents.ok()) return contents.status();
  const Form form = options.bytes ? Form::kBytes : FormOfName(file).value_or(Form::kText);
  absl::StatusOr<program::Program> program = DecodeRunnable(*contents, form, file);
  if (!program.ok()) return program.status();

  Replay replay{.file = file, .program = *std::move(program)};
  const std::string own =
      replay.program.design.empty() ? std::string(kDefaultDesign) : replay.program.design;
  const std::string& name = options.design.empty() ? own : options.design;
  replay.design = liveupdate::FindDesign(name);
  const absl::Status fits = FitToDesign(*replay.design, form, file, &replay.program);
  if (!fits.ok()) return fits;
  // A design that bytes name is one of theirs, but they expect nothing.
  replay.compare = name == own && form == Form::kText;
  return replay;
}

// Arguments of `run` that give this result again.
std::string ReplayArguments(const Replay& replay, const Options& options) {
  std::string arguments;
  if (!options.design.empty()) absl::StrAppend(&arguments, "--design=", options.design, " ");
  if (!options.stop_at.empty()) absl::StrAppend(&arguments, "--stop_at=", options.stop_at, " ");
  arguments += options.findings.Arguments();
  if (options.bytes) arguments += "--bytes ";
  return arguments + replay.file;
}

std::string DigestText(uint64_t digest) { return absl::StrFormat("0x%016x", digest); }

std::string VerdictLine(const Replay& replay, const Judgement& judgement) {
  std::string line = replay.file + ": ";
  if (judgement.subject == nullptr) {
    return line + (judgement.divergences.empty() ? "ok\n" : "diverged\n");
  }
  absl::StrAppend(&line, "violates ", std::string(spec::IdOf(judgement.subject->invariant)), " at ",
                  OperationText(replay.program, judgement.subject->operation));
  if (replay.compare) line += judgement.expected ? " (as expected)" : " UNEXPECTED";
  return line + "\n";
}

// The difference between the worlds for `subject`. A run keeps the one for the violation seen
// first; when the report is about another, a run that stops there has it.
std::vector<std::string> DifferenceOf(program::Executor& executor, const Replay& replay,
                                      const program::Execution& execution,
                                      const spec::Violation& subject) {
  if (execution.violations.front() == subject) return execution.difference;
  const program::RunOptions until{.stop_at = subject.invariant, .keep_worlds = true};
  const program::Execution& stopped = executor.Run(*replay.design, replay.program, until);
  const spec::Violation* first = stopped.Find(subject.invariant);
  const bool same = first != nullptr && first->event == subject.event;
  return same ? stopped.difference : std::vector<std::string>{};
}

// Switches that changed nothing; a file can outlive what they are anchored to.
std::vector<std::string> Unmet(const program::Program& program,
                               const program::Execution& execution) {
  std::vector<std::string> unmet;
  for (const uint16_t index : execution.unmet) {
    unmet.push_back(program::SwitchText(program, program.switches[index]));
  }
  return unmet;
}

// What a replay showed.
struct Outcome {
  Judgement judgement;  // its subject is of `execution`
  program::Execution execution;
  std::optional<Report> report;  // of the subject, unless quiet
  std::string details;           // with --events

  ExitCode code() const {
    const ExitCode code = judgement.subject == nullptr ? ExitCode::kOk : ExitCode::kViolation;
    return judgement.divergences.empty() ? code : Worse(code, ExitCode::kDiverged);
  }
};

// Runs the program as often as is wanted. How digests differ, or empty.
std::string Repeat(program::Executor& executor, const Replay& replay, const Options& options) {
  const program::RunOptions run_options{.stop_at = options.stop_invariant,
                                        .keep_worlds = !options.quiet};
  uint64_t first = 0;
  for (uint32_t n = 1; n <= options.repeat; ++n) {
    const uint64_t digest = executor.Run(*replay.design, replay.program, run_options).digest;
    if (n == 1) first = digest;
    if (digest == first) continue;
    return absl::StrFormat("the digest of run %d is %s, of run 1 %s", n, DigestText(digest),
                           DigestText(first));
  }
  return "";
}

void RunOne(program::Executor& executor, const Replay& replay, const Options& options,
            Outcome* outcome) {
  const std::string unstable = Repeat(executor, replay, options);
  program::Execution& execution = outcome->execution = executor.last();
  const std::vector<sim::Event> events = executor.events();

  // A run that was stopped early cannot meet expectations about its end.
  const bool stopped =
      options.stop_invariant.has_value() && execution.Find(*options.stop_invariant) != nullptr;
  Judgement& judgement = outcome->judgement =
      Judge(replay.program, execution, replay.compare && !stopped, options.stop_invariant,
            options.findings.policy);
  if (!unstable.empty()) judgement.divergences.push_back(unstable);
  if (options.events) outcome->details = RenderDetails(replay.program, events);
  if (judgement.subject == nullptr || options.quiet) return;
  execution.difference = DifferenceOf(executor, replay, execution, *judgement.subject);
  outcome->report = MakeReport(
      replay.program, execution, events, *judgement.subject,
      {.design = std::string(replay.design->name()), .replay = ReplayArguments(replay, options)});
}

void Print(const Replay& replay, const Outcome& outcome, const Options& options,
           const Streams& io) {
  if (options.digest) {
    io.out << "digest " << DigestText(outcome.execution.digest) << "  " << replay.file << "\n";
  }
  io.out << VerdictLine(replay, outcome.judgement);
  for (const std::string& unmet : Unmet(replay.program, outcome.execution)) {
    io.out << "  unmet: switch " << unmet << "\n";
  }
  for (const std::string& divergence : outcome.judgement.divergences) {
    io.out << "  diverged: " << divergence << "\n";
  }
  for (const std::string& finding : outcome.judgement.tolerated) {
    io.out << "  tolerated: " << finding << "\n";
  }
  if (outcome.report.has_value()) io.out << RenderText(*outcome.report);
  io.out << outcome.details;
}

Json ToJson(const Replay& replay, const Outcome& outcome) {
  Json json{{"file", replay.file},
            {"design", std::string(replay.design->name())},
            {"digest", DigestText(outcome.execution.digest)},
            {"violated", outcome.judgement.subject != nullptr},
            {"expected", outcome.judgement.expected},
            {"unmet", Unmet(replay.program, outcome.execution)},
            {"diverged", outcome.judgement.divergences},
            {"tolerated", outcome.judgement.tolerated}};
  if (outcome.report.has_value()) json["report"] = ToJson(*outcome.report);
  return json;
}

ExitCode Run(std::span<const std::string> arguments, const Streams& io) {
  Options options;
  std::vector<std::string> files;
  const FlagSet flags = FlagsOf(&options);
  if (const auto code = ParseArguments(kRunCommand, flags, arguments, io, &files)) return *code;
  if (const std::string problem = CheckOptions(&options, io.in); !problem.empty()) {
    return UsageError(kRunCommand, problem, io);
  }
  if (files.empty()) return UsageError(kRunCommand, "no file was given, so nothing would run", io);
  if (!options.subject.empty()) {
    return RunOnImage({.subject = options.subject,
                       .bytes = options.bytes,
                       .quiet = options.quiet,
                       .digest = options.digest,
                       .repeat = options.repeat},
                      files, io);
  }

  program::Executor executor;
  Json all = Json::array();
  ExitCode worst = ExitCode::kOk;
  for (const std::string& file : files) {
    const absl::StatusOr<Replay> replay = Load(file, options, io.in);
    if (!replay.ok()) {
      worst = Worse(worst, FileError(std::string(replay.status().message()), io));
      continue;
    }
    Outcome outcome;
    RunOne(executor, *replay, options, &outcome);
    worst = Worse(worst, outcome.code());
    if (options.json) {
      all.push_back(ToJson(*replay, outcome));
    } else {
      Print(*replay, outcome, options, io);
    }
  }
  if (options.json) io.out << all.dump(2, ' ', false, Json::error_handler_t::replace) << "\n";
  return worst;
}

}  // namespace

const Command kRunCommand{
    .name = "run",
    .summary = "replay programs and report what they violate",
    .usage =
        "Usage: iommufd-check run [--flags] FILE...\n"
        "\n"
        "Runs each program under its own design (default: reference) and compares what it "
        "violates\n"
        "and returns with what the file expects. `-` is standard input. Exits 0 when every "
        "program\n"
        "ran clean, 1 after a violation, expected or not, and 5 when an expectation is not met.\n"
        "A switch whose place did not come, or whose task could not run there, is called unmet.\n"
        "\n"
        "Example:\n"
        "  iommufd-check run --events corpus/bugs/B05-map-races-page-check.prog\n",
    .run = &Run,
};

}  // namespace iommufd_check::cli
