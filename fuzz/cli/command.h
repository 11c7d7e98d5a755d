// A subcommand of iommufd-check, and what all of them share.
//
// To add one: a file command_<name>.cc with its Command, a declaration here, a line in
// command_line.cc and one in CMakeLists.txt.
#pragma once

#include <istream>
#include <optional>
#include <ostream>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "fuzz/cli/exit_codes.h"
#include "fuzz/cli/flag_set.h"

namespace iommufd_check::cli {

// `out` gets what is the same in every run; progress, times and complaints go to `err`.
struct Streams {
  std::istream& in;
  std::ostream& out;
  std::ostream& err;
};

struct Command {
  std::string_view name;
  std::string_view summary;  // for the list of subcommands
  std::string_view usage;    // arguments, meaning and an example; flags are added to it
  ExitCode (*run)(std::span<const std::string> arguments, const Streams& io);
};

extern const Command kRunCommand;
extern const Command kVerdictCommand;
extern const Command kMinimiseCommand;
extern const Command kConvertCommand;
extern const Command kListCommand;
extern const Command kSearchCommand;
extern const Command kExploreCommand;
extern const Command kSweepCommand;
extern const Command kMergeCommand;
extern const Command kCompareCommand;

// Reads the command's arguments. Returns the exit code when the command ends here: help was asked
// for, or something is wrong.
std::optional<ExitCode> ParseArguments(const Command& command, const FlagSet& flags,
                                       std::span<const std::string> arguments, const Streams& io,
                                       std::vector<std::string>* positional);

// One sentence and where help is; returns kUsage.
ExitCode UsageError(const Command& command, std::string_view sentence, const Streams& io);

// One sentence; returns kBadFile.
ExitCode FileError(std::string_view sentence, const Streams& io);

}  // namespace iommufd_check::cli
