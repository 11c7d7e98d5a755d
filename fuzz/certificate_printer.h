// Certificates in print: as text with the witnesses, or as one JSON list; with what differs from
// earlier ones.
//
//   CertificatePrinter printer(json, &io.out);
//   printer.Add(certificate);
//   return printer.Finish();
#pragma once

#include <istream>
#include <ostream>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "fuzz/exit_codes.h"
#include "model/explore/certificate.h"

namespace iommufd_check::cli {

class CertificatePrinter {
 public:
  CertificatePrinter(bool json, std::ostream* out) : json_(json), out_(*out) {}
  // To compare with; an empty path is nothing. ERRORS: one sentence that names the file.
  absl::Status ReadPrevious(const std::string& path, std::istream& in);
  void Add(const explore::Certificate& certificate);
  // Prints what waits for the end. The gravest code: 1 for a violation, 3 where a budget ended.
  ExitCode Finish();
  bool empty() const { return certificates_.empty(); }

 private:
  std::string DifferenceOf(const explore::Certificate& certificate) const;

  const bool json_;
  std::ostream& out_;
  std::string previous_name_;
  std::vector<explore::Certificate> previous_;
  std::vector<explore::Certificate> certificates_;
  std::vector<std::string> differences_;  // one for each certificate; empty: nothing to compare
};

// FAULTS: as ReadInput and CertificatesFromJson.
absl::StatusOr<std::vector<explore::Certificate>> ReadCertificates(const std::string& path,
                                                                   std::istream& in);

}  // namespace iommufd_check::cli
