// What `explore` and `sweep` do alike: read a program with the design it runs under, print its
// certificate, choose the exit status.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "fuzz/command.h"
#include "model/explore/certificate.h"
#include "model/liveupdate/design.h"
#include "model/program/program.h"

namespace iommufd_check::cli {

struct ExploredFile {
  program::Program program;
  liveupdate::Design* design = nullptr;
};

// `design` wins over the file's own; without either it is the reference. ERRORS: one sentence.
absl::StatusOr<ExploredFile> ReadExplored(const std::string& file, const std::string& design,
                                          std::istream& in);

// As text with the witnesses, or as JSON.
ExitCode PublishCertificate(const explore::Certificate& certificate, bool json, std::ostream& out);

}  // namespace iommufd_check::cli
