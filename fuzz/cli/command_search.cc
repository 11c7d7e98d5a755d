// iommufd-check search: all states of a small explicit protocol.
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "fuzz/cli/command.h"
#include "fuzz/cli/finding_flags.h"
#include "fuzz/cli/input_file.h"
#include "fuzz/cli/work_flags.h"
#include "fuzz/cli/work_watch.h"
#include "model/explore/work/search_command.h"
#include "model/explore/work/search_difference.h"
#include "model/explore/work/summary.h"

namespace iommufd_check::cli {
namespace {

constexpr double kSecondsBetweenSaves = 10;

std::vector<std::string> Words(const std::string& text) {
  return absl::StrSplit(text, ',', absl::SkipEmpty());
}

// "workers=3,pages=2" into `parameters`; what is wrong, or empty.
std::string ReadParameters(const std::string& text, std::map<std::string, int>* parameters) {
  if (text.empty()) return "";
  for (absl::string_view pair : absl::StrSplit(absl::string_view(text.data(), text.size()), ',')) {
    const std::pair<std::string, std::string> parts = absl::StrSplit(pair, absl::MaxSplits('=', 1));
    int value = 0;
    if (!absl::SimpleAtoi(parts.second, &value)) {
      return "--parameters takes NAME=NUMBER,..., not `" + std::string(pair) + "`";
    }
    (*parameters)[parts.first] = value;
  }
  return "";
}

// Prints the certificate with what differs from an earlier one. What is wrong with that, or empty.
std::string Publish(const explore::SearchReport& report, const std::string& previous, bool json,
                    const Streams& io) {
  std::string certificate = explore::RenderJson(report);
  std::vector<std::string> lines;
  if (!previous.empty()) {
    const absl::StatusOr<std::string> before = ReadInput(previous, io.in);
    if (!before.ok()) return std::string(before.status().message());
    auto difference = explore::SearchDifference(*before, previous, certificate);
    if (!difference.ok()) return std::string(difference.status().message());
    lines = *std::move(difference);
    if (lines.empty()) lines.push_back("no difference");
    certificate = explore::RenderJson(report, lines);
  }
  io.out << (json ? certificate : explore::RenderText(report));
  if (json || previous.empty()) return "";
  io.out << "difference from " << previous << "\n";
  for (const std::string& line : lines) io.out << "  " << line << "\n";
  return "";
}

// States that two shares reach by different ways would be visited by both, and most are.
std::string WhyNoShare(const EngineFlags& engine) {
  if (engine.shards == 1) return "";
  return absl::StrCat("--shard=", engine.shard,
                      ": a search has one set of visited states, so it has no shares; give "
                      "--threads, or --resume to go on later");
}

ExitCode RunSearch(std::span<const std::string> arguments, const Streams& io) {
  explore::SearchRequest request;
  std::string parameters;
  std::string operations;
  FindingFlags findings;
  EngineFlags engine;
  FlagSet flags;
  flags.Add("model", "NAME", "toy, preserve or world", &request.choice.model);
  flags.Add("parameters", "NAME=N,...", "sizes of the model", &parameters);
  flags.Add("variant", "NAME", "of the protocol", &request.choice.variant);
  flags.Add("plant", "NAME", "an assertion that does not hold", &request.choice.plant);
  flags.Add("design", "NAME", "of model world (default: reference)", &request.choice.design);
  flags.Add("operations", "NAME,...", "that model world tries in any order", &operations);
  findings.AddTo(&flags);
  flags.Add("symmetry", "", "one state for all that differ by names", &request.symmetry);
  flags.Add("fingerprint_bits", "N", "0 exact where there is such a key, 64 or 128",
            &request.fingerprint_bits);
  flags.Add("max_depth", "N", "steps from the start", &request.max_depth);
  flags.Add("max_states", "N", "distinct states", &request.max_states);
  flags.Add("max_memory", "BYTES", "of the search", &request.max_memory_bytes);
  flags.Add("keep_going", "", "count on after a violation", &request.keep_going);
  flags.Add("spill_dir", "DIR", "for a frontier that outgrows memory", &request.spill_folder);
  engine.AddTo(&flags);
  std::vector<std::string> positional;
  if (auto code = ParseArguments(kSearchCommand, flags, arguments, io, &positional)) return *code;
  if (!positional.empty()) {
    return UsageError(kSearchCommand, "`" + positional[0] + "`: search takes only flags", io);
  }
  std::string problem = ReadParameters(parameters, &request.choice.parameters);
  if (problem.empty()) problem = engine.Problem();
  if (problem.empty()) problem = WhyNoShare(engine);
  if (problem.empty()) problem = findings.Read(io.in);
  if (!problem.empty()) return UsageError(kSearchCommand, problem, io);
  request.choice.operations = Words(operations);
  request.choice.tolerated = findings.policy.tolerate.texts();
  request.choice.only = findings.policy.only.texts();

  WorkWatch watch({.max_seconds = engine.max_seconds}, 1, &io.err);
  request.threads = engine.threads;
  request.resume = engine.resume;
  request.pulse = &watch;
  request.due = [&watch, saved_at = 0.0]() mutable {
    if (watch.seconds() - saved_at < kSecondsBetweenSaves) return false;
    saved_at = watch.seconds();
    return true;
  };
  const auto report = explore::RunSearch(request, &watch);
  if (absl::IsInvalidArgument(report.status())) {
    return UsageError(kSearchCommand, std::string(report.status().message()), io);
  }
  if (!report.ok()) return FileError(std::string(report.status().message()), io);
  const std::string unread = Publish(*report, engine.previous, engine.json, io);
  if (!unread.empty()) return FileError(unread, io);
  const explore::Summary summary = explore::SummaryOf(*report);
  io.err << explore::RenderTotals({summary});
  return static_cast<ExitCode>(explore::ExitCode(summary));
}

}  // namespace

const Command kSearchCommand{
    .name = "search",
    .summary = "visit all states of a protocol or of the machine; certify what was covered",
    .usage =
        "Usage: iommufd-check search [--flags]\n"
        "\n"
        "Visits every state of an explicit model breadth first and prints a certificate: what was\n"
        "exhausted, how many states and transitions, which invariants were armed, and the "
        "shortest\n"
        "counterexample if one breaks. Exits 1 on a violation, 3 when a bound ended first.\n"
        "\n"
        "Model world is the machine itself between operations, under one design: every sequence of "
        "the\n"
        "given operations, each checked as `run` checks it. Its counterexample is a program.\n"
        "\n"
        "Example:\n"
        "  iommufd-check search --model=preserve --variant=shared-bool\n"
        "  iommufd-check search --model=world --design=v1 --parameters=hwpts=2,tokens=2\n",
    .run = &RunSearch,
};

}  // namespace iommufd_check::cli
