#include "fuzz/report/certificate_printer.h"

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <utility>

#include "absl/strings/str_cat.h"
#include "fuzz/cli/input_file.h"
#include "fuzz/report/verdict.h"
#include "fuzz/report/witness.h"
#include "model/explore/work/certificate_json.h"
#include "model/explore/work/certificate_text.h"
#include "model/explore/work/finding_groups.h"
#include "model/explore/work/summary.h"
#include "model/liveupdate/designs/registry.h"
#include "model/program/text/text_codec.h"

namespace iommufd_check::cli {

using explore::Certificate;

namespace {

// What a verdict keeps are the smallest programs, which is what its table shows.
bool IsVerdict(const Certificate& certificate) {
  return certificate.order == explore::WitnessOrder::kSmallestProgram;
}

}  // namespace

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

absl::Status CertificatePrinter::Add(Certificate certificate) {
  const bool is_verdict = IsVerdict(certificate);
  if (is_verdict && !options_.is_share) MinimiseFindings(&executor_, &certificate);
  differences_.push_back(DifferenceOf(certificate));
  certificates_.push_back(std::move(certificate));
  const Certificate& added = certificates_.back();
  if (!options_.json && !is_verdict) {
    out_ << explore::RenderText(added);
    PrintDifference(certificates_.size() - 1);
    if (options_.programs.empty()) PrintPrograms(added);
  }
  return options_.programs.empty() ? absl::OkStatus() : WritePrograms(added);
}

void CertificatePrinter::PrintDifference(size_t i) {
  if (differences_[i].empty()) return;
  out_ << "difference from " << previous_name_ << "\n" << differences_[i];
}

program::Program CertificatePrinter::ProgramOf(const Certificate& certificate,
                                               const explore::Finding& finding,
                                               std::vector<program::Identity> also) {
  liveupdate::Design* design = liveupdate::FindDesign(certificate.design);
  if (design == nullptr) return finding.witness;  // of another build
  return WitnessProgram(executor_, *design, finding.witness,
                        {.found_by = certificate.work,
                         .design = certificate.design,
                         .identity = finding.identity,
                         .preemptions = finding.preemptions,
                         .also = std::move(also)});
}

// Each witness once, under the first finding that it shows.
void CertificatePrinter::PrintPrograms(const Certificate& certificate) {
  std::vector<const explore::Finding*> findings;
  for (const explore::FindingGroup& group : explore::GroupsOf(certificate)) {
    findings.push_back(group.primary);
    findings.insert(findings.end(), group.others.begin(), group.others.end());
  }
  std::vector<bool> printed(findings.size(), false);
  for (size_t i = 0; i < findings.size(); ++i) {
    if (printed[i]) continue;
    std::vector<program::Identity> also;
    for (size_t k = i + 1; k < findings.size(); ++k) {
      if (printed[k] || !(findings[k]->witness == findings[i]->witness)) continue;
      printed[k] = true;
      also.push_back(findings[k]->identity);
    }
    out_ << "\n" << program::PrintProgram(ProgramOf(certificate, *findings[i], std::move(also)));
  }
}

absl::Status CertificatePrinter::WritePrograms(const Certificate& certificate) {
  const absl::Status made = MakeFolder(options_.programs);
  if (!made.ok()) return made;
  const std::string stem = std::filesystem::path(certificate.program).stem().string();
  for (const explore::Finding& finding : certificate.findings) {
    const std::string of_program =
        IsVerdict(certificate) ? "" : absl::StrCat(certificate.work, "-", stem, "-");
    const std::string path = absl::StrCat(options_.programs, "/", of_program, certificate.design,
                                          "-", FileStem(finding.identity), ".prog");
    const absl::Status written =
        WriteOutput(path, program::PrintProgram(ProgramOf(certificate, finding, {})), out_);
    if (!written.ok()) return written;
  }
  return absl::OkStatus();
}

// The table, then each finding's program.
void CertificatePrinter::PrintVerdicts() {
  std::vector<Certificate> verdicts;
  std::copy_if(certificates_.begin(), certificates_.end(), std::back_inserter(verdicts), IsVerdict);
  if (verdicts.empty()) return;
  out_ << RenderVerdict(verdicts);
  for (size_t i = 0; i < certificates_.size(); ++i) {
    if (IsVerdict(certificates_[i])) PrintDifference(i);
  }
  if (!options_.programs.empty()) return;
  for (const Certificate& verdict : verdicts) {
    for (const explore::Finding& finding : verdict.findings) {
      out_ << "\n" << program::PrintProgram(ProgramOf(verdict, finding, {}));
    }
  }
}

ExitCode CertificatePrinter::Finish() {
  if (options_.json) {
    out_ << explore::RenderJson(certificates_, differences_);
  } else {
    PrintVerdicts();
  }
  std::vector<explore::Summary> summaries;
  ExitCode code = ExitCode::kOk;
  for (const Certificate& certificate : certificates_) {
    summaries.push_back(explore::SummaryOf(certificate));
    code = Worse(code, static_cast<ExitCode>(explore::ExitCode(summaries.back())));
  }
  err_ << explore::RenderTotals(summaries);
  return code;
}

}  // namespace iommufd_check::cli
