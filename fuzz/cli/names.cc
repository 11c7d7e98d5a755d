#include "fuzz/cli/names.h"

#include <vector>

#include "absl/strings/str_format.h"
#include "model/liveupdate/designs/registry.h"
#include "model/program/text/spelling.h"
#include "model/spec/invariants.h"

namespace iommufd_check::cli {

std::string UnknownDesign(std::string_view name) {
  std::vector<std::string_view> known;
  for (const liveupdate::Design* design : liveupdate::AllDesigns()) known.push_back(design->name());
  return absl::StrFormat("unknown design '%s'; %s", name, program::Suggestion(name, known));
}

std::string UnknownInvariant(std::string_view name) {
  std::vector<std::string_view> known;
  for (int i = 0; i < spec::kInvariants; ++i) {
    known.push_back(spec::IdOf(static_cast<spec::Invariant>(i)));
  }
  return absl::StrFormat("unknown invariant '%s'; %s", name, program::Suggestion(name, known));
}

}  // namespace iommufd_check::cli
