// The project's own files, as the tidy tests see them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace iommufd_check::tidy {

// The paths of all files of the tree at `root`, relative to it and sorted: in a git checkout those
// that git tracks or would add, else everything outside of build trees.
std::vector<std::string> ListFiles(const std::string& root);

// The content of `root`/`path`; an unreadable file throws std::runtime_error.
std::string ReadFile(const std::string& root, const std::string& path);

// True for C++ sources and headers.
bool IsCode(std::string_view path);

// The lines of `text`, without their ends.
std::vector<std::string> Lines(std::string_view text);

// C++ `text` with comments and the insides of literals blanked; line numbers stay. Raw strings are
// blanked when their delimiter is empty.
std::string BlankCommentsAndLiterals(std::string_view text);

}  // namespace iommufd_check::tidy
