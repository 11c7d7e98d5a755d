// iommufd-check compare: random programs on the model and on Linux's own code.
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "fuzz/cli/command.h"
#include "fuzz/cli/image_subject.h"
#include "fuzz/cli/input_file.h"
#include "fuzz/cli/names.h"
#include "fuzz/report/event_text.h"
#include "model/program/linux/compare_subjects.h"
#include "model/program/linux/random_sequential.h"
#include "model/program/text/text_codec.h"

namespace iommufd_check::cli {
namespace {

using program::Comparison;
using program::KnownDifference;
using program::Program;
using program::SubjectDifference;

struct Options {
  std::string subjects;
  uint64_t programs = 1000;
  uint64_t seed = 1;
  std::string known = "corpus/linux/known-differences";
  uint64_t most = 5;  // that are shown
};

FlagSet FlagsOf(Options* options) {
  FlagSet flags;
  flags.Add("subjects", "A,B", "the model first, then an image", &options->subjects);
  flags.Add("programs", "N", "random programs", &options->programs);
  flags.Add("seed", "S", "which ones", &options->seed);
  flags.Add("known", "FILE", "the table of differences that are explained", &options->known);
  flags.Add("most", "N", "end after so many unexplained differences", &options->most);
  return flags;
}

struct Tally {
  uint64_t programs = 0;
  uint64_t operations = 0;
  uint64_t unexplained = 0;
  std::vector<uint64_t> explained;  // by row of the table
};

void Show(uint64_t index, const Program& program, const SubjectDifference& difference,
          const Streams& io) {
  io.out << "program " << index << ": " << difference.text << "\n";
  for (const absl::string_view line : absl::StrSplit(program::PrintProgram(program), '\n')) {
    io.out << "  " << line << "\n";
  }
}

absl::Status CompareAll(const Options& options, program::SubjectComparison& comparison,
                        Tally* tally, const Streams& io) {
  for (uint64_t i = 0; i < options.programs && tally->unexplained < options.most; ++i) {
    const Program program = program::RandomSequentialProgram(options.seed, i);
    const absl::StatusOr<Comparison> found = comparison.Compare(program);
    if (!found.ok()) return found.status();
    ++tally->programs;
    tally->operations += found->operations;
    if (!found->difference.has_value()) continue;
    if (found->difference->known.has_value()) {
      ++tally->explained[*found->difference->known];
      continue;
    }
    ++tally->unexplained;
    Show(i, comparison.Smaller(program, *found->difference), *found->difference, io);
  }
  return absl::OkStatus();
}

void Summarise(const Options& options, const std::vector<KnownDifference>& known,
               const Tally& tally, const Streams& io) {
  io.out << options.subjects << ": " << tally.programs << " programs of seed " << options.seed
         << ", " << tally.operations << " operations compared, " << tally.unexplained
         << " unexplained differences\n";
  for (size_t row = 0; row < known.size(); ++row) {
    io.out << "  explained " << tally.explained[row] << " times: " << known[row].operation << " "
           << known[row].model << " " << known[row].image << ": " << known[row].reason << "\n";
  }
}

ExitCode Compare(std::span<const std::string> arguments, const Streams& io) {
  Options options;
  std::vector<std::string> rest;
  const FlagSet flags = FlagsOf(&options);
  if (const auto code = ParseArguments(kCompareCommand, flags, arguments, io, &rest)) return *code;
  if (!rest.empty()) return UsageError(kCompareCommand, "takes no files", io);
  const std::vector<std::string> subjects = absl::StrSplit(options.subjects, ',');
  if (subjects.size() != 2 || subjects[0] != kDefaultDesign) {
    return UsageError(kCompareCommand, "which subjects? --subjects is 'reference' and an image",
                      io);
  }
  if (options.programs == 0 || options.most == 0) {
    return UsageError(kCompareCommand, "with 0 programs or differences nothing would run", io);
  }
  const absl::StatusOr<std::string> table = ReadInput(options.known, io.in);
  if (!table.ok()) return FileError(std::string(table.status().message()), io);
  const auto known = program::ParseKnownDifferences(*table, options.known);
  if (!known.ok()) return FileError(std::string(known.status().message()), io);
  const absl::StatusOr<std::unique_ptr<linux_host::Machine>> machine = LoadImage(subjects[1]);
  if (!machine.ok()) return FileError(std::string(machine.status().message()), io);

  program::SubjectComparison comparison(machine->get(), *known);
  Tally tally;
  tally.explained.resize(known->size());
  const absl::Status status = CompareAll(options, comparison, &tally, io);
  if (!status.ok()) return FileError(std::string(status.message()), io);
  Summarise(options, *known, tally, io);
  return tally.unexplained == 0 ? ExitCode::kOk : ExitCode::kViolation;
}

}  // namespace

const Command kCompareCommand{
    .name = "compare",
    .summary = "random programs on the model and on Linux's own code",
    .usage =
        "Usage: iommufd-check compare [--flags]\n"
        "\n"
        "Runs random sequential programs on both subjects and compares every answer and output,\n"
        "what devices find, and what a process leaves behind. A program that shows a difference\n"
        "is made smaller and printed. Exits 1 when one is not in the table of those explained.\n"
        "\n"
        "Example:\n"
        "  iommufd-check compare --subjects=reference,linux-6.12 --programs=100000 --seed=1\n",
    .run = &Compare,
};

}  // namespace iommufd_check::cli
