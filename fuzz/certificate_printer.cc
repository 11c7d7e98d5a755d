#include "fuzz/certificate_printer.h"

#include <utility>

#include "fuzz/input_file.h"
#include "model/explore/certificate_json.h"
#include "model/explore/certificate_text.h"
#include "model/program/text_codec.h"

namespace iommufd_check::cli {

using explore::Certificate;

absl::StatusOr<std::vector<Certificate>> ReadCertificates(const std::string& path,
                                                          std::istream& in) {
  const absl::StatusOr<std::string> text = ReadInput(path, in);
  if (!text.ok()) return text.status();
  return explore::CertificatesFromJson(*text, path);
}

absl::Status CertificatePrinter::ReadPrevious(const std::string& path, std::istream& in) {
  if (path.empty()) return absl::OkStatus();
  absl::StatusOr<std::vector<Certificate>> previous = ReadCertificates(path, in);
  if (!previous.ok()) return previous.status();
  previous_name_ = path;
  previous_ = *std::move(previous);
  return absl::OkStatus();
}

// The name of the program is what the two have in common: the program itself may have changed.
std::string CertificatePrinter::DifferenceOf(const Certificate& now) const {
  if (previous_name_.empty()) return "";
  for (const Certificate& before : previous_) {
    if (before.work != now.work || before.program != now.program || before.design != now.design) {
      continue;
    }
    return explore::RenderDifference(before, now);
  }
  return "  not in it\n";
}

void CertificatePrinter::Add(const Certificate& certificate) {
  certificates_.push_back(certificate);
  differences_.push_back(DifferenceOf(certificate));
  if (json_) return;
  out_ << explore::RenderText(certificate);
  if (!differences_.back().empty()) {
    out_ << "difference from " << previous_name_ << "\n" << differences_.back();
  }
  std::string before;
  for (const explore::Finding& finding : certificate.findings) {
    const std::string text = program::PrintProgram(finding.witness);
    if (text != before) out_ << "\n" << text;
    before = text;
  }
}

ExitCode CertificatePrinter::Finish() {
  if (json_) out_ << explore::RenderJson(certificates_, differences_);
  ExitCode code = ExitCode::kOk;
  for (const Certificate& certificate : certificates_) {
    if (certificate.violated()) code = Worse(code, ExitCode::kViolation);
    if (!certificate.finished) code = Worse(code, ExitCode::kBudget);
  }
  return code;
}

}  // namespace iommufd_check::cli
