// iommufd-check search: all states of a small explicit protocol.
#include <unistd.h>

#include <chrono>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "fuzz/command.h"
#include "model/explore/progress_lines.h"
#include "model/explore/search_command.h"

namespace iommufd_check::cli {
namespace {

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

double SecondsNow() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

ExitCode RunSearch(std::span<const std::string> arguments, const Streams& io) {
  explore::SearchRequest request;
  std::string parameters;
  std::string operations;
  std::string tolerated;
  bool json = false;
  FlagSet flags;
  flags.Add("model", "NAME", "toy, preserve or world", &request.choice.model);
  flags.Add("parameters", "NAME=N,...", "sizes of the model", &parameters);
  flags.Add("variant", "NAME", "of the protocol", &request.choice.variant);
  flags.Add("plant", "NAME", "an assertion that does not hold", &request.choice.plant);
  flags.Add("design", "NAME", "of model world (default: reference)", &request.choice.design);
  flags.Add("operations", "NAME,...", "that model world tries in any order", &operations);
  flags.Add("tolerate", "INVARIANT,...", "that model world searches on past", &tolerated);
  flags.Add("symmetry", "", "one state for all that differ by names", &request.symmetry);
  flags.Add("threads", "N", "workers (the result does not depend on it)", &request.threads);
  flags.Add("fingerprint_bits", "N", "0 exact where there is such a key, 64 or 128",
            &request.fingerprint_bits);
  flags.Add("max_depth", "N", "steps from the start", &request.max_depth);
  flags.Add("max_states", "N", "distinct states", &request.max_states);
  flags.Add("max_memory", "BYTES", "of the search", &request.max_memory_bytes);
  flags.Add("keep_going", "", "count on after a violation", &request.keep_going);
  flags.Add("spill_dir", "DIR", "for a frontier that outgrows memory", &request.spill_folder);
  flags.Add("json", "", "the certificate as JSON", &json);
  std::vector<std::string> positional;
  if (auto code = ParseArguments(kSearchCommand, flags, arguments, io, &positional)) return *code;
  if (!positional.empty()) {
    return UsageError(kSearchCommand, "`" + positional[0] + "`: search takes only flags", io);
  }
  const std::string problem = ReadParameters(parameters, &request.choice.parameters);
  if (!problem.empty()) return UsageError(kSearchCommand, problem, io);
  request.choice.operations = Words(operations);
  request.choice.tolerated = Words(tolerated);

  explore::ProgressLines progress(&SecondsNow, [&](const std::string& line) { io.err << line; });
  const bool watched = isatty(STDERR_FILENO) != 0;
  const auto report = explore::RunSearch(request, watched ? &progress : nullptr);
  if (absl::IsInvalidArgument(report.status())) {
    return UsageError(kSearchCommand, std::string(report.status().message()), io);
  }
  if (!report.ok()) return FileError(std::string(report.status().message()), io);
  io.out << (json ? explore::RenderJson(*report) : explore::RenderText(*report));
  return static_cast<ExitCode>(explore::ExitCode(*report));
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
