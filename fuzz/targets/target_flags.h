// The own flags of targets that take --design at most. (Those of programs: program_target.h.)
#pragma once

#include <string>

#include "model/liveupdate/design.h"

namespace iommufd_check::cli {

// Ends the process with 64, after a sentence, when there is a flag of two dashes.
void RefuseFlags(const std::string& target, int argc, char** argv);

// The design of --design=NAME, `reference` without it. Ends the process likewise for any other.
liveupdate::Design* DesignOfFlags(const std::string& target, int argc, char** argv);

}  // namespace iommufd_check::cli
