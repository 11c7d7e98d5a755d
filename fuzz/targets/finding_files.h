// Findings of a fuzzer as files of one folder, one for each identity, the smallest program of it.
//
//   findings/v1-I04-luo_preserve-5f0c1d2e.prog     `iommufd-check run` shows it again
//
// Several processes may write to one folder, as those of -fork do: a file appears whole, and who
// comes later with a larger program leaves it alone.
#pragma once

#include <cstddef>
#include <map>
#include <string>

#include "absl/status/statusor.h"
#include "model/program/identity.h"
#include "model/program/program.h"

namespace iommufd_check::cli {

// "v1-I04-luo_preserve-5f0c1d2e.prog": the last part is a hash of the whole identity.
std::string FindingFileName(const std::string& design, const program::Identity& identity);

// What makes a program smaller than another of the same finding: fewer operations, faults and
// switches.
size_t SizeOf(const program::Program& program);

class FindingFiles {
 public:
  // `folder` exists. `design`: of all findings.
  FindingFiles(std::string folder, std::string design)
      : folder_(std::move(folder)), design_(std::move(design)) {}

  // False: the folder has a program of this finding that is no larger than `size`.
  bool Lacks(const program::Identity& identity, size_t size);

  // Writes `program`, unless the folder has one that is no larger; the path of the file. FAULTS:
  // PermissionDenied.
  absl::StatusOr<std::string> Keep(const program::Program& program,
                                   const program::Identity& identity);

  std::string PathOf(const program::Identity& identity) const;
  const std::string& folder() const { return folder_; }

 private:
  const std::string folder_;
  const std::string design_;
  std::map<program::Identity, size_t> sizes_;  // of files that were seen
};

}  // namespace iommufd_check::cli
