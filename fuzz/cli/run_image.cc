#include "fuzz/cli/run_image.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "fuzz/cli/image_subject.h"
#include "fuzz/cli/input_file.h"
#include "fuzz/report/event_text.h"
#include "model/program/linux/image_executor.h"
#include "model/program/text/text_codec.h"
#include "model/sim/errno.h"

namespace iommufd_check::cli {
namespace {

using program::ImageExecution;
using program::ImageFinding;
using program::Program;

// "main.3 map(ioas, ...)  -> 0"
std::string AnswerLine(const Program& program, const ImageExecution& run, size_t index) {
  const program::OperationResult& result = run.results[index];
  std::string answer = "unsupported";
  if (result.ran) answer = result.result == 0 ? "0" : std::string(sim::ErrnoName(result.result));
  return absl::StrFormat("  %-10s %-60s -> %s\n", program::OperationLabel(program, index),
                         program::PrintOperation(program, index), answer);
}

std::string FindingLine(const Program& program, const ImageFinding& finding) {
  return absl::StrCat("  ", OperationText(program, finding.operation), ": ", finding.text, "\n");
}

void Print(const std::string& file, const Program& program, const ImageExecution& run,
           const ImageRunOptions& options, const Streams& io) {
  if (options.digest) {
    io.out << "digest " << absl::StrFormat("0x%016x", run.digest) << "  " << file << "\n";
  }
  const size_t ran = program.operations.size() - run.unsupported;
  io.out << file << ": " << options.subject << ": "
         << (run.findings.empty() ? "ok" : "differs from the oracle") << ", " << ran
         << " operations";
  if (run.unsupported > 0) io.out << ", " << run.unsupported << " unsupported";
  io.out << "\n";
  for (const ImageFinding& finding : run.findings) io.out << FindingLine(program, finding);
  if (options.quiet) return;
  for (size_t i = 0; i < program.operations.size(); ++i) io.out << AnswerLine(program, run, i);
}

// As often as is wanted; all of them alike.
absl::StatusOr<const ImageExecution*> Repeat(program::ImageExecutor& executor,
                                             const Program& program, uint32_t times) {
  uint64_t first = 0;
  absl::StatusOr<const ImageExecution*> run = nullptr;
  for (uint32_t n = 1; n <= times; ++n) {
    run = executor.Run(program);
    if (!run.ok()) return run;
    if (n == 1) first = (*run)->digest;
    if ((*run)->digest == first) continue;
    return absl::InternalError(absl::StrCat("run ", n, " differs from run 1"));
  }
  return run;
}

ExitCode RunFile(program::ImageExecutor& executor, const std::string& file,
                 const ImageRunOptions& options, const Streams& io) {
  const absl::StatusOr<std::string> contents = ReadInput(file, io.in);
  if (!contents.ok()) return FileError(std::string(contents.status().message()), io);
  const Form form = options.bytes ? Form::kBytes : FormOfName(file).value_or(Form::kText);
  const absl::StatusOr<Program> program = DecodeRunnable(*contents, form, file);
  if (!program.ok()) return FileError(std::string(program.status().message()), io);
  const absl::StatusOr<const ImageExecution*> run = Repeat(executor, *program, options.repeat);
  if (!run.ok()) return FileError(absl::StrCat(file, ": ", run.status().message()), io);
  Print(file, *program, **run, options, io);
  if ((*run)->unsupported == program->operations.size()) {
    return FileError(absl::StrCat(file, ": the image has none of its operations"), io);
  }
  return (*run)->findings.empty() ? ExitCode::kOk : ExitCode::kViolation;
}

}  // namespace

ExitCode RunOnImage(const ImageRunOptions& options, std::span<const std::string> files,
                    const Streams& io) {
  const absl::StatusOr<std::unique_ptr<linux_host::Machine>> machine = LoadImage(options.subject);
  if (!machine.ok()) return FileError(std::string(machine.status().message()), io);
  program::ImageExecutor executor(machine->get());
  ExitCode worst = ExitCode::kOk;
  for (const std::string& file : files) worst = Worse(worst, RunFile(executor, file, options, io));
  return worst;
}

}  // namespace iommufd_check::cli
