#include "fuzz/cli/explored_file.h"

#include <unistd.h>

#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "fuzz/cli/input_file.h"
#include "fuzz/cli/names.h"
#include "fuzz/cli/resume_file.h"
#include "fuzz/cli/work_watch.h"
#include "fuzz/report/certificate_printer.h"
#include "model/liveupdate/designs/registry.h"

namespace iommufd_check::cli {
namespace {

struct ExploredFile {
  program::Program program;
  liveupdate::Design* design = nullptr;
};

absl::StatusOr<ExploredFile> ReadExplored(const std::string& file, const std::string& design,
                                          std::istream& in) {
  const absl::StatusOr<std::string> contents = ReadInput(file, in);
  if (!contents.ok()) return contents.status();
  const Form form = FormOfName(file).value_or(Form::kText);
  absl::StatusOr<program::Program> program = DecodeRunnable(*contents, form, file);
  if (!program.ok()) return program.status();
  std::string name = design.empty() ? program->design : design;
  if (name.empty()) name = kDefaultDesign;
  ExploredFile explored;
  explored.design = liveupdate::FindDesign(name);
  if (explored.design == nullptr) return absl::InvalidArgumentError(UnknownDesign(name));
  explored.program = *std::move(program);
  const absl::Status fits = FitToDesign(*explored.design, form, file, &explored.program);
  if (!fits.ok()) return fits;
  return explored;
}

// The parts that fall to a shard. Shares begin at another part in each file, so that many small
// programs are shared out too.
explore::WorkOptions ShareOf(const WorkFlags& flags, size_t file) {
  explore::WorkOptions options;
  options.policy = flags.findings.policy;
  options.threads = flags.threads;
  options.shards = flags.shards;
  options.shard = static_cast<uint32_t>((flags.shard_index + flags.shards - file % flags.shards) %
                                        flags.shards);
  if (flags.max_executions != 0) options.max_executions = flags.max_executions;
  return options;
}

uint64_t PartsOf(const explore::WorkOptions& share, uint32_t parts) {
  return parts <= share.shard ? 0 : (parts - share.shard - 1) / share.shards + 1;
}

}  // namespace

ExitCode CertifyFiles(const Command& command, const std::vector<std::string>& files,
                      const WorkFlags& flags, const Streams& io, const MakeWork& make_work) {
  CertificatePrinter printer({.json = flags.json, .programs = flags.programs}, &io.out);
  ResumeFile resume(flags.resume);
  if (const absl::Status read = printer.ReadPrevious(flags.previous, io.in); !read.ok()) {
    return FileError(std::string(read.message()), io);
  }
  if (const absl::Status loaded = resume.Load(); !loaded.ok()) {
    return FileError(std::string(loaded.message()), io);
  }
  const bool watched = isatty(STDERR_FILENO) != 0;
  WorkWatch watch({flags.max_seconds, flags.max_memory}, &SteadySeconds, &PeakMemoryBytes,
                  watched ? &io.err : nullptr);
  program::Executor executor;
  ExitCode code = ExitCode::kOk;
  for (size_t i = 0; i < files.size(); ++i) {
    const absl::StatusOr<ExploredFile> explored = ReadExplored(files[i], flags.design, io.in);
    if (!explored.ok()) {
      code = Worse(code, FileError(std::string(explored.status().message()), io));
      continue;
    }
    const auto work = make_work(&executor, *explored->design, files[i], explored->program, &watch);
    explore::WorkOptions options = ShareOf(flags, i);
    const uint64_t parts = PartsOf(options, work->blank().parts);
    if (parts == 0) continue;
    watch.Begin(work->blank(), parts);
    options.pulse = &watch;
    options.checkpoint = resume.checkpoint();
    options.on_part = [&](const explore::Certificate& part) {
      watch.NotePart(part);
      resume.SaveNowAndThen(watch.seconds());
    };
    if (const absl::Status added = printer.Add(explore::RunWork(*work, options)); !added.ok()) {
      return FileError(std::string(added.message()), io);
    }
    if (const absl::Status saved = resume.Save(); !saved.ok()) {
      return FileError(std::string(saved.message()), io);
    }
  }
  if (printer.empty() && code == ExitCode::kOk) {
    return UsageError(command,
                      absl::StrCat("no part falls to --shard=", flags.shard,
                                   ", so nothing was run; use fewer shards"),
                      io);
  }
  return Worse(code, printer.Finish());
}

}  // namespace iommufd_check::cli
