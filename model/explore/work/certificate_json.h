// Certificates as JSON and back, for machines: shards that merge, resumption, comparison.
//
//   const std::string text = RenderJson({c});            // an array
//   absl::StatusOr<std::vector<Certificate>> read = CertificatesFromJson(text, "a.json");
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "model/explore/work/certificate.h"

namespace iommufd_check::explore {

// `differences`: nothing, or for each certificate the lines of RenderDifference, maybe none.
std::string RenderJson(const std::vector<Certificate>& certificates,
                       const std::vector<std::string>& differences = {});

// What RenderJson wrote; derived members (rates, lists of what was never armed) are not read.
// `name` is the file's, for messages. FAULTS: InvalidArgument; `text` may be anything.
absl::StatusOr<std::vector<Certificate>> CertificatesFromJson(const std::string& text,
                                                              const std::string& name);

}  // namespace iommufd_check::explore
