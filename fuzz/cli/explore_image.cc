#include "fuzz/cli/explore_image.h"

#include <map>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "fuzz/cli/image_subject.h"
#include "fuzz/cli/input_file.h"
#include "fuzz/report/event_text.h"
#include "model/explore/schedules/image_schedules.h"

namespace iommufd_check::cli {
namespace {

using explore::ImageChoice;
using program::ImageExecution;
using program::Program;

// "B at question 12, A at 30", or that nothing is chosen.
std::string ScheduleText(const std::vector<ImageChoice>& schedule) {
  std::string text;
  for (const ImageChoice& choice : schedule) {
    absl::StrAppend(&text, text.empty() ? "" : ", ", program::TaskName(choice.task),
                    " at question ", choice.question);
  }
  return text.empty() ? "no switch" : text;
}

// Findings of one kind, with the schedule that showed it first.
struct Seen {
  uint64_t times = 0;
  std::string schedule;
};

ExitCode Summarise(const std::string& file, const explore::ImageCounts& counts,
                   const std::map<std::string, Seen>& found, const ImageExploreOptions& options,
                   const Streams& io) {
  io.out << file << ": " << options.subject << ": " << counts.executions << " executions, "
         << counts.traces << " traces, at most " << options.preemptions << " preemptions, "
         << (counts.exhausted ? "exhausted" : "NOT exhausted") << ", " << counts.findings
         << " with findings";
  if (counts.not_judged > 0) io.out << ", " << counts.not_judged << " not judged";
  io.out << "\n";
  for (const auto& [text, seen] : found) {
    io.out << "  " << seen.times << " times " << text << "\n    first: " << seen.schedule << "\n";
  }
  if (counts.findings > 0) return ExitCode::kViolation;
  return counts.exhausted ? ExitCode::kOk : ExitCode::kBudget;
}

ExitCode ExploreFile(program::ImageExecutor& executor, const std::string& file,
                     const ImageExploreOptions& options, const Streams& io) {
  const absl::StatusOr<std::string> contents = ReadInput(file, io.in);
  if (!contents.ok()) return FileError(std::string(contents.status().message()), io);
  const absl::StatusOr<Program> program =
      DecodeRunnable(*contents, FormOfName(file).value_or(Form::kText), file);
  if (!program.ok()) return FileError(std::string(program.status().message()), io);
  Program plain = *program;
  plain.switches.clear();

  std::map<std::string, Seen> found;
  uint32_t unsupported = 0;
  explore::ImageBounds bounds{.preemptions = options.preemptions};
  if (options.max_executions > 0) bounds.max_executions = options.max_executions;
  const absl::StatusOr<explore::ImageCounts> counts = explore::ExploreImage(
      &executor, plain, bounds,
      [&](const std::vector<ImageChoice>& schedule, const ImageExecution& run) {
        unsupported = run.unsupported;
        for (const program::ImageFinding& finding : run.findings) {
          const std::string where = OperationText(plain, finding.operation);
          Seen& seen = found[absl::StrCat(where, ": ", finding.text)];
          if (++seen.times == 1) seen.schedule = ScheduleText(schedule);
        }
        return true;
      });
  if (!counts.ok()) return FileError(absl::StrCat(file, ": ", counts.status().message()), io);
  const ExitCode code = Summarise(file, *counts, found, options, io);
  if (unsupported > 0) io.out << "  " << unsupported << " of its operations are unsupported\n";
  return code;
}

}  // namespace

ExitCode ExploreOnImage(const ImageExploreOptions& options, std::span<const std::string> files,
                        const Streams& io) {
  const absl::StatusOr<std::unique_ptr<linux_host::Machine>> machine = LoadImage(options.subject);
  if (!machine.ok()) return FileError(std::string(machine.status().message()), io);
  program::ImageExecutor executor(machine->get());
  ExitCode worst = ExitCode::kOk;
  for (const std::string& file : files) {
    worst = Worse(worst, ExploreFile(executor, file, options, io));
  }
  return worst;
}

}  // namespace iommufd_check::cli
