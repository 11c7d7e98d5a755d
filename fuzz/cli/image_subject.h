// Images by name, as --subject and --subjects take them.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "model/linux/host/machine.h"

namespace iommufd_check::cli {

// A machine with build/linux/NAME/image.so below the current folder; a name with a slash is the
// path of the image itself. ERRORS: a sentence that says how to build it.
absl::StatusOr<std::unique_ptr<linux_host::Machine>> LoadImage(const std::string& name);

}  // namespace iommufd_check::cli
