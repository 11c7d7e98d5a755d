#include "fuzz/cli/certify.h"

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

struct FileUnderDesign {
  std::string file;
  program::Program program;
  liveupdate::Design* design = nullptr;
};

// The file's program for each design that it is to run under.
absl::StatusOr<std::vector<FileUnderDesign>> ReadFile(const std::string& file,
                                                      std::vector<liveupdate::Design*> designs,
                                                      std::istream& in) {
  const absl::StatusOr<std::string> contents = ReadInput(file, in);
  if (!contents.ok()) return contents.status();
  const Form form = FormOfName(file).value_or(Form::kText);
  const absl::StatusOr<program::Program> program = DecodeRunnable(*contents, form, file);
  if (!program.ok()) return program.status();
  if (designs.empty()) {
    const std::string name =
        program->design.empty() ? std::string(kDefaultDesign) : program->design;
    designs = {liveupdate::FindDesign(name)};
    if (designs[0] == nullptr) return absl::InvalidArgumentError(UnknownDesign(name));
  }
  std::vector<FileUnderDesign> all;
  for (liveupdate::Design* design : designs) {
    all.push_back({file, *program, design});
    const absl::Status fits = FitToDesign(*design, form, file, &all.back().program);
    if (!fits.ok()) return fits;
  }
  return all;
}

// The parts that fall to a shard. Shares begin at another part in each work, so that many small
// works are shared out too.
explore::WorkOptions ShareOf(const WorkFlags& flags, size_t work) {
  const EngineFlags& engine = flags.engine;
  explore::WorkOptions options;
  options.policy = flags.findings.policy;
  options.threads = engine.threads;
  options.shards = engine.shards;
  options.shard = static_cast<uint32_t>(
      (engine.shard_index + engine.shards - work % engine.shards) % engine.shards);
  if (flags.max_executions != 0) options.max_executions = flags.max_executions;
  return options;
}

ExitCode NothingToDo(const Command& command, const WorkFlags& flags, const Streams& io) {
  return UsageError(command,
                    absl::StrCat("no part falls to --shard=", flags.engine.shard,
                                 ", so nothing was run; use fewer shards"),
                    io);
}

}  // namespace

ExitCode Certify(const Command& command, const std::vector<MakeWork>& works, const WorkFlags& flags,
                 const Streams& io) {
  CertificatePrinter printer(
      {.json = flags.engine.json, .programs = flags.programs, .is_share = flags.engine.shards > 1},
      &io.out, &io.err);
  ResumeFile resume(flags.engine.resume);
  if (const absl::Status read = printer.ReadPrevious(flags.engine.previous, io.in); !read.ok()) {
    return FileError(std::string(read.message()), io);
  }
  if (const absl::Status loaded = resume.Load(); !loaded.ok()) {
    return FileError(std::string(loaded.message()), io);
  }
  WorkWatch watch({flags.engine.max_seconds, flags.max_memory}, works.size(), &io.err);
  program::Executor executor;
  for (size_t i = 0; i < works.size(); ++i) {
    const std::unique_ptr<explore::Work> work = works[i](&executor, &watch);
    explore::WorkOptions options = ShareOf(flags, i);
    if (options.shard >= work->blank().parts) continue;
    options.pulse = &watch;
    options.checkpoint = resume.checkpoint();
    options.on_part = [&](const explore::Certificate&) { resume.SaveNowAndThen(watch.seconds()); };
    if (const absl::Status added = printer.Add(explore::RunWork(*work, options)); !added.ok()) {
      return FileError(std::string(added.message()), io);
    }
    if (const absl::Status saved = resume.Save(); !saved.ok()) {
      return FileError(std::string(saved.message()), io);
    }
  }
  return printer.empty() ? NothingToDo(command, flags, io) : printer.Finish();
}

ExitCode CertifyFiles(const Command& command, const std::vector<std::string>& files,
                      const WorkFlags& flags, const Streams& io, const MakeFileWork& make_work) {
  std::vector<FileUnderDesign> all;
  ExitCode code = ExitCode::kOk;
  for (const std::string& file : files) {
    const auto read = ReadFile(file, flags.designs, io.in);
    if (read.ok()) {
      all.insert(all.end(), read->begin(), read->end());
    } else {
      code = Worse(code, FileError(std::string(read.status().message()), io));
    }
  }
  if (all.empty()) return code;
  std::vector<MakeWork> works;
  for (const FileUnderDesign& one : all) {
    works.push_back([&make_work, &one](program::Executor* executor, explore::Pulse* pulse) {
      return make_work(executor, *one.design, one.file, one.program, pulse);
    });
  }
  return Worse(code, Certify(command, works, flags, io));
}

}  // namespace iommufd_check::cli
