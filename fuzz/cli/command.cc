#include "fuzz/cli/command.h"

namespace iommufd_check::cli {
namespace {

bool AsksForHelp(std::span<const std::string> arguments) {
  for (const std::string& argument : arguments) {
    if (argument == "--") return false;
    if (argument == "--help" || argument == "-help" || argument == "-h") return true;
  }
  return false;
}

}  // namespace

std::optional<ExitCode> ParseArguments(const Command& command, const FlagSet& flags,
                                       std::span<const std::string> arguments, const Streams& io,
                                       std::vector<std::string>* positional) {
  if (AsksForHelp(arguments)) {
    io.out << command.usage;
    if (const std::string help = flags.Help(); !help.empty()) io.out << "\nFlags:\n" << help;
    return ExitCode::kOk;
  }
  const std::string problem = flags.Parse(arguments, positional);
  if (!problem.empty()) return UsageError(command, problem, io);
  return std::nullopt;
}

ExitCode UsageError(const Command& command, std::string_view sentence, const Streams& io) {
  io.err << "iommufd-check " << command.name << ": " << sentence << "\n"
         << "see iommufd-check " << command.name << " --help\n";
  return ExitCode::kUsage;
}

ExitCode FileError(std::string_view sentence, const Streams& io) {
  io.err << sentence << "\n";
  return ExitCode::kBadFile;
}

}  // namespace iommufd_check::cli
