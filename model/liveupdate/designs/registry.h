// The designs that programs and command lines name.
#pragma once

#include <string_view>
#include <vector>

#include "model/liveupdate/revision.h"

namespace iommufd_check::liveupdate {

// In order of history. Designs are stateless; the pointers stay valid for the whole process.
const std::vector<Revision*>& AllDesigns();

// Null when there is none of this name.
Revision* FindDesign(std::string_view name);

}  // namespace iommufd_check::liveupdate
