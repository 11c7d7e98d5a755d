// iommufd-check list: what designs, steps of designs, invariants, bugs, operations and faults there
// are.
#include <algorithm>
#include <array>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "fuzz/cli/command.h"
#include "fuzz/cli/corpus_files.h"
#include "fuzz/cli/input_file.h"
#include "model/liveupdate/designs/registry.h"
#include "model/program/program.h"
#include "model/program/text/spelling.h"
#include "model/sim/errno.h"
#include "model/sim/vocabulary.h"
#include "model/spec/invariants.h"

namespace iommufd_check::cli {
namespace {

ExitCode ListDesigns(const std::string&, const Streams& io) {
  for (const liveupdate::Design* design : liveupdate::AllDesigns()) {
    io.out << absl::StrFormat("%-12s %s\n", design->name(), design->summary());
  }
  return ExitCode::kOk;
}

// A step and the designs that have it; those between two semicolons have the same function.
ExitCode ListSteps(const std::string&, const Streams& io) {
  const std::vector<liveupdate::Revision*>& designs = liveupdate::AllDesigns();
  liveupdate::VisitSteps([&]<auto kStep>(std::string_view step) {
    std::string text;
    for (auto one = designs.begin(); one != designs.end(); ++one) {
      const auto function = (*one)->steps().*kStep;
      const auto same = [&](const liveupdate::Revision* other) {
        return other->steps().*kStep == function;
      };
      if (function == nullptr || std::find_if(designs.begin(), one, same) != one) continue;
      const char* separator = text.empty() ? "" : "; ";
      for (auto other = one; other != designs.end(); ++other) {
        if (!same(*other)) continue;
        absl::StrAppend(&text, separator, std::string((*other)->name()));
        separator = " ";
      }
    }
    io.out << absl::StrFormat("%-22s %s\n", step, text.empty() ? "-" : text);
  });
  return ExitCode::kOk;
}

ExitCode ListInvariants(const std::string&, const Streams& io) {
  for (int i = 0; i < spec::kInvariants; ++i) {
    const auto invariant = static_cast<spec::Invariant>(i);
    io.out << absl::StrFormat("%s %s (%s)\n    %s\n", spec::IdOf(invariant),
                              spec::NameOf(invariant), spec::WhenOf(invariant),
                              spec::SentenceOf(invariant));
  }
  return ExitCode::kOk;
}

std::string FallbackText(const program::ArgumentSpec& argument) {
  if (!argument.fallback.has_value()) return "";
  if (*argument.fallback == program::kUnmapAll) return "=all";
  if (argument.kind == program::ArgumentKind::kProt) return "=rw";
  return absl::StrCat("=", *argument.fallback);
}

ExitCode ListOperations(const std::string&, const Streams& io) {
  for (const program::OpCode code : uapi::AllOperations()) {
    const program::OperationSpec& spec = program::SpecOf(code);
    std::string line;
    for (const program::ArgumentSpec& argument : spec.arguments) {
      if (argument.kind == program::ArgumentKind::kIommufd) continue;
      absl::StrAppend(&line, line.empty() ? "" : ", ", std::string(argument.name),
                      FallbackText(argument));
    }
    io.out << absl::StrFormat("%s(%s)", spec.name, line);
    if (spec.result != program::ResultKind::kNone) {
      io.out << " creates " << uapi::Name(spec.result);
    }
    io.out << "\n";
  }
  io.out << "calls on an iommufd also take iommufd=N; it is that of the first object they name\n";
  return ExitCode::kOk;
}

ExitCode ListFaults(const std::string&, const Streams& io) {
  for (int i = 0; i < sim::Count<sim::FaultSite>(); ++i) {
    const auto site = static_cast<sim::FaultSite>(i);
    io.out << absl::StrFormat("%-22s %s\n", sim::Name(site), sim::ErrnoName(sim::FailureOf(site)));
  }
  return ExitCode::kOk;
}

// One bug: its title, where it is from, and what it violates.
std::string BugText(const std::string& file, const program::Program& program) {
  const std::string name = std::filesystem::path(file).stem().string();
  std::string text;
  for (const absl::string_view line : absl::StrSplit(program.title, '\n')) {
    absl::StrAppend(&text, text.empty() ? "" : "    ",
                    line.empty() ? absl::string_view(name) : line, "\n");
  }
  absl::StrAppend(&text, "    ", name, " expects");
  for (const program::ExpectedViolation& expected : program.expected) {
    absl::StrAppend(&text, " ", expected.invariant);
  }
  if (program.expected.empty()) text += " nothing";
  for (const std::string& id : program.also) {
    absl::StrAppend(&text, &id == program.also.data() ? ", also " : " ", id);
  }
  if (!program.design.empty()) absl::StrAppend(&text, " of design ", program.design);
  return text + "\n";
}

ExitCode ListBugs(const std::string& corpus, const Streams& io) {
  const auto files = ProgramFilesIn(corpus + "/bugs");
  if (!files.ok()) return FileError(std::string(files.status().message()), io);
  if (files->empty()) return FileError(corpus + "/bugs: holds no program (*.prog)", io);
  ExitCode worst = ExitCode::kOk;
  for (const std::string& file : *files) {
    const absl::StatusOr<std::string> contents = ReadInput(file, io.in);
    const auto program = contents.ok() ? DecodeProgram(*contents, Form::kText, file)
                                       : absl::StatusOr<program::Program>(contents.status());
    if (program.ok()) {
      io.out << BugText(file, *program);
    } else {
      worst = FileError(std::string(program.status().message()), io);
    }
  }
  return worst;
}

struct Topic {
  std::string_view name;
  ExitCode (*list)(const std::string& corpus, const Streams& io);
};

constexpr std::array<Topic, 6> kTopics{{
    {"designs", &ListDesigns},
    {"steps", &ListSteps},
    {"invariants", &ListInvariants},
    {"bugs", &ListBugs},
    {"ops", &ListOperations},
    {"faults", &ListFaults},
}};

ExitCode List(std::span<const std::string> arguments, const Streams& io) {
  std::string corpus = "corpus";
  FlagSet flags;
  flags.Add("corpus", "DIR", "where bugs/*.prog are (default: corpus)", &corpus);
  std::vector<std::string> words;
  if (const auto code = ParseArguments(kListCommand, flags, arguments, io, &words)) return *code;
  if (words.size() != 1) return UsageError(kListCommand, "give one topic", io);
  std::vector<std::string_view> known;
  for (const Topic& topic : kTopics) {
    if (topic.name == words[0]) return topic.list(corpus, io);
    known.push_back(topic.name);
  }
  return UsageError(
      kListCommand,
      absl::StrCat("unknown topic '", words[0], "'; ", program::Suggestion(words[0], known)), io);
}

}  // namespace

const Command kListCommand{
    .name = "list",
    .summary = "print the designs, their steps, invariants, bugs, operations or faults there are",
    .usage =
        "Usage: iommufd-check list designs|steps|invariants|bugs|ops|faults\n"
        "\n"
        "Of a step: the designs that have it; those between semicolons share one function.\n"
        "\n"
        "Example:\n"
        "  iommufd-check list invariants\n",
    .run = &List,
};

}  // namespace iommufd_check::cli
