// Certificates in print: as text with the witnesses, or as one JSON list; with what differs from
// earlier ones.
//
// The certificates of verdicts are columns of one table, which stands at the end.
//
//   CertificatePrinter printer({.json = json}, &io.out, &io.err);
//   absl::Status added = printer.Add(certificate);
//   return printer.Finish();
#pragma once

#include <istream>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "fuzz/cli/exit_codes.h"
#include "model/explore/work/certificate.h"
#include "model/program/execute/executor.h"

namespace iommufd_check::cli {

struct PrinterOptions {
  bool json = false;
  // Where each finding's program is written instead of being printed; empty: nowhere.
  std::string programs;
  // The certificates are of a share of the work: what only the whole has waits for `merge`.
  bool is_share = false;
};

class CertificatePrinter {
 public:
  // `err` gets the totals in one line at the end.
  CertificatePrinter(PrinterOptions options, std::ostream* out, std::ostream* err)
      : options_(std::move(options)), out_(*out), err_(*err) {}
  // To compare with; an empty path is nothing. ERRORS: one sentence that names the file.
  absl::Status ReadPrevious(const std::string& path, std::istream& in);
  // ERRORS: one sentence, when a program cannot be written.
  absl::Status Add(explore::Certificate certificate);
  // Prints what waits for the end. The gravest code: 1 for a violation, 3 where a budget ended.
  ExitCode Finish();
  bool empty() const { return certificates_.empty(); }

 private:
  std::string DifferenceOf(const explore::Certificate& certificate) const;
  void PrintDifference(size_t certificate);
  void PrintPrograms(const explore::Certificate& certificate);
  void PrintVerdicts();
  absl::Status WritePrograms(const explore::Certificate& certificate);
  program::Program ProgramOf(const explore::Certificate& certificate,
                             const explore::Finding& finding, std::vector<program::Identity> also);

  const PrinterOptions options_;
  std::ostream& out_;
  std::ostream& err_;
  program::Executor executor_;  // that replays witnesses
  std::string previous_name_;
  std::vector<explore::Certificate> previous_;
  std::vector<explore::Certificate> certificates_;
  std::vector<std::string> differences_;  // one for each certificate; empty: nothing to compare
};

// FAULTS: as ReadInput and CertificatesFromJson.
absl::StatusOr<std::vector<explore::Certificate>> ReadCertificates(const std::string& path,
                                                                   std::istream& in);

}  // namespace iommufd_check::cli
