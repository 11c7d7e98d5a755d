// The designs that programs and command lines name.
#pragma once

#include <string_view>
#include <vector>

#include "model/liveupdate/design.h"

namespace iommufd_check::liveupdate {

// In order of history. Designs are stateless; the pointers stay valid for the whole process.
const std::vector<Design*>& AllDesigns();

// Null when there is none of this name.
Design* FindDesign(std::string_view name);

}  // namespace iommufd_check::liveupdate
