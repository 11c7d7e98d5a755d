// The programs of the corpus, in the order of their names.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace iommufd_check::cli {

// Paths of the *.prog files directly in `folder`, sorted. A folder that does not exist has none.
// ERRORS: one sentence, when the folder cannot be read.
absl::StatusOr<std::vector<std::string>> ProgramFilesIn(const std::string& folder);

}  // namespace iommufd_check::cli
