// Suggestions for misspelt words in error messages.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace iommufd_check::program {

// The known word nearest to `word` by edit distance (insert, delete, replace, swap neighbours;
// upper and lower case count as equal), the first of several; empty when none is near: at most a
// third of the longer word differs, and at least one letter agrees.
std::string_view Nearest(std::string_view word, std::span<const std::string_view> known);

// "did you mean 'map'?", or else "use one of a, b, c".
std::string Suggestion(std::string_view word, std::span<const std::string_view> known);

}  // namespace iommufd_check::program
