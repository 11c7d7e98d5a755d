#include "fuzz/targets/known_programs.h"

#include <filesystem>
#include <sstream>
#include <vector>

#include "absl/strings/str_cat.h"
#include "fuzz/cli/corpus_files.h"
#include "fuzz/cli/input_file.h"
#include "model/program/widths.h"

namespace iommufd_check::cli {
namespace {

absl::Status AddFindingsOf(const std::string& file, liveupdate::Design& design,
                           program::Executor* executor, std::set<program::Identity>* known) {
  std::istringstream no_input;
  const absl::StatusOr<std::string> contents = ReadInput(file, no_input);
  if (!contents.ok()) return contents.status();
  const Form form = FormOfName(file).value_or(Form::kText);
  absl::StatusOr<program::Program> program = DecodeRunnable(*contents, form, file);
  if (!program.ok()) return program.status();
  program::MaskToWidths(design, &*program);
  const program::Execution& run = executor->Run(design, *program, {.digested = false});
  for (const spec::Violation& violation : run.violations) {
    known->insert(program::IdentityOf(*program, violation));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status AddKnownFindings(const std::string& path, liveupdate::Design& design,
                              program::Executor* executor, std::set<program::Identity>* known) {
  std::error_code error;
  if (!std::filesystem::is_directory(path, error)) {
    return AddFindingsOf(path, design, executor, known);
  }
  const absl::StatusOr<std::vector<std::string>> files = ProgramFilesIn(path);
  if (!files.ok()) return files.status();
  if (files->empty()) {
    return absl::NotFoundError(absl::StrCat(path, ": has no *.prog; name a folder that has some"));
  }
  for (const std::string& file : *files) {
    const absl::Status added = AddFindingsOf(file, design, executor, known);
    if (!added.ok()) return added;
  }
  return absl::OkStatus();
}

}  // namespace iommufd_check::cli
