// Texts of format 1, whose switches counted steps: `switch A@37 -> B`. Which event a step is, only
// a run tells, so a text is brought to the present format by running it as it was meant.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace iommufd_check::cli {

// The text has switches by steps, or says that it is of format 1.
bool IsFormatOne(std::string_view text);

// The same text with switches anchored to what happens; everything else, comments too, stays as it
// is. Switches without an effect are left out. The program runs under its own design, else under
// the reference. ERRORS: InvalidArgument, as ParseProgram, and when the run cannot be repeated.
absl::StatusOr<std::string> FromFormatOne(const std::string& text, const std::string& path);

}  // namespace iommufd_check::cli
