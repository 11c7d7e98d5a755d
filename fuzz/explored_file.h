// What `explore` and `sweep` do alike: read a program with the design it runs under, print its
// certificate, choose the exit status.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "fuzz/command.h"
#include "model/explore/certificate.h"
#include "model/liveupdate/design.h"
#include "model/program/executor.h"
#include "model/program/program.h"

namespace iommufd_check::cli {

struct ExploredFile {
  program::Program program;
  liveupdate::Design* design = nullptr;
};

// Makes the certificate of one program.
using Certify = std::function<explore::Certificate(
    program::Executor* executor, const ExploredFile& explored, const std::string& file)>;

// Certifies each file in turn and prints as text with the witnesses, or as JSON. `design` wins over
// a file's own; without either it is the reference. A file that cannot be read is said so, and the
// others still run. Returns the gravest exit code.
ExitCode CertifyFiles(const std::vector<std::string>& files, const std::string& design, bool json,
                      const Streams& io, const Certify& certify);

}  // namespace iommufd_check::cli
