#include "fuzz/explored_file.h"

#include <utility>

#include "absl/status/statusor.h"
#include "fuzz/input_file.h"
#include "fuzz/names.h"
#include "model/liveupdate/designs/registry.h"
#include "model/program/text_codec.h"

namespace iommufd_check::cli {

namespace {

absl::StatusOr<ExploredFile> ReadExplored(const std::string& file, const std::string& design,
                                          std::istream& in) {
  const absl::StatusOr<std::string> contents = ReadInput(file, in);
  if (!contents.ok()) return contents.status();
  absl::StatusOr<program::Program> program =
      DecodeRunnable(*contents, FormOfName(file).value_or(Form::kText), file);
  if (!program.ok()) return program.status();
  std::string name = design.empty() ? program->design : design;
  if (name.empty()) name = kDefaultDesign;
  ExploredFile explored;
  explored.design = liveupdate::FindDesign(name);
  if (explored.design == nullptr) return absl::InvalidArgumentError(UnknownDesign(name));
  explored.program = *std::move(program);
  return explored;
}

ExitCode PublishCertificate(const explore::Certificate& certificate, bool json,
                            std::ostream& out) {
  if (json) {
    out << explore::RenderJson(certificate);
  } else {
    out << explore::RenderText(certificate);
    std::string before;
    for (const explore::Finding& finding : certificate.findings) {
      const std::string text = program::PrintProgram(finding.witness);
      if (text != before) out << "\n" << text;
      before = text;
    }
  }
  const ExitCode found = certificate.violated() ? ExitCode::kViolation : ExitCode::kOk;
  return Worse(found, certificate.exhausted ? ExitCode::kOk : ExitCode::kBudget);
}

}  // namespace

ExitCode CertifyFiles(const std::vector<std::string>& files, const std::string& design, bool json,
                      const Streams& io, const Certify& certify) {
  program::Executor executor;
  ExitCode code = ExitCode::kOk;
  for (const std::string& file : files) {
    const absl::StatusOr<ExploredFile> explored = ReadExplored(file, design, io.in);
    if (!explored.ok()) {
      code = Worse(code, FileError(std::string(explored.status().message()), io));
      continue;
    }
    code = Worse(code, PublishCertificate(certify(&executor, *explored, file), json, io.out));
  }
  return code;
}

}  // namespace iommufd_check::cli
