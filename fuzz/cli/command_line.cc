#include "fuzz/cli/command_line.h"

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_format.h"
#include "fuzz/cli/command.h"
#include "fuzz/cli/exit_codes.h"
#include "model/program/text/spelling.h"

namespace iommufd_check::cli {
namespace {

constexpr std::array<const Command*, 10> kCommands{
    &kRunCommand,     &kVerdictCommand, &kMinimiseCommand, &kConvertCommand, &kListCommand,
    &kExploreCommand, &kSearchCommand,  &kSweepCommand,    &kMergeCommand,   &kCompareCommand,
};

std::string Help() {
  std::string text =
      "iommufd-check: finds, replays and explains violations of iommufd's live-update protocol.\n"
      "\n"
      "Usage: iommufd-check COMMAND [--flags] [arguments]\n"
      "\n"
      "Commands (iommufd-check COMMAND --help says more):\n";
  for (const Command* command : kCommands) {
    absl::StrAppendFormat(&text, "  %-10s %s\n", command->name, command->summary);
  }
  text += "\nExample:\n  iommufd-check run corpus/bugs/*.prog\n\nExit status:\n";
  for (const ExitCodeRow& row : kExitCodes) {
    absl::StrAppendFormat(&text, "  %3d  %s\n", static_cast<int>(row.code), row.meaning);
  }
  return text;
}

const Command* FindCommand(std::string_view name) {
  for (const Command* command : kCommands) {
    if (command->name == name) return command;
  }
  return nullptr;
}

bool IsHelp(std::string_view word) {
  return word == "--help" || word == "-help" || word == "-h" || word == "help";
}

ExitCode UnknownCommand(std::string_view name, std::ostream& err) {
  std::vector<std::string_view> known;
  for (const Command* command : kCommands) known.push_back(command->name);
  const std::string_view nearest = program::Nearest(name, known);
  err << "iommufd-check: unknown command '" << name << "'";
  if (!nearest.empty()) err << "; did you mean '" << nearest << "'?";
  err << "\nknown commands:";
  for (const std::string_view command : known) err << " " << command;
  err << "\n";
  return ExitCode::kUsage;
}

ExitCode Dispatch(std::span<const std::string> arguments, const Streams& io) {
  if (arguments.empty()) {
    io.err << "iommufd-check: no command was given\n" << Help();
    return ExitCode::kUsage;
  }
  const std::string& first = arguments[0];
  if (IsHelp(first) && arguments.size() == 1) {
    io.out << Help();
    return ExitCode::kOk;
  }
  const bool help_of_command = IsHelp(first);  // "help run" is "run --help"
  const std::string& name = help_of_command ? arguments[1] : first;
  const Command* command = FindCommand(name);
  if (command == nullptr) return UnknownCommand(name, io.err);
  const std::string help = "--help";
  if (help_of_command) return command->run({&help, 1}, io);
  return command->run(arguments.subspan(1), io);
}

}  // namespace

int RunCommandLine(std::span<char* const> arguments, std::istream& in, std::ostream& out,
                   std::ostream& err) {
  const std::vector<std::string> words(arguments.begin(), arguments.end());
  const ExitCode code = Dispatch(words, {in, out, err});
  out.flush();
  // A full disk or a closed pipe must not look like a clean run.
  if (!out) {
    err << "iommufd-check: standard output cannot be written\n";
    return static_cast<int>(Worse(code, ExitCode::kInternal));
  }
  return static_cast<int>(code);
}

}  // namespace iommufd_check::cli
