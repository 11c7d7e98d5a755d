// Sentences about names that do not exist, with those that do.
#pragma once

#include <string>
#include <string_view>

namespace iommufd_check::cli {

inline constexpr std::string_view kDefaultDesign = "reference";

std::string UnknownDesign(std::string_view name);     // "unknown design 'v9'; did you mean 'v1'?"
std::string UnknownInvariant(std::string_view name);  // "unknown invariant 'I99'; use one of ..."

}  // namespace iommufd_check::cli
