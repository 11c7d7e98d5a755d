// Places as people and files read them: "ioas: users".
#pragma once

#include <string>
#include <vector>

#include "model/sim/places.h"

namespace iommufd_check::explore {

// In the order of the vocabulary.
std::vector<std::string> TextsOf(const sim::PlaceSet& places);

// Adds the place of this text. False: there is none.
bool AddPlace(const std::string& text, sim::PlaceSet* places);

}  // namespace iommufd_check::explore
