#include "tests/tidy/source_tree.h"

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>

#include "tests/support/subprocess.h"

namespace iommufd_check::tidy {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> Walk(const fs::path& root) {
  std::vector<std::string> paths;
  fs::recursive_directory_iterator entry(root);
  for (; entry != fs::recursive_directory_iterator(); ++entry) {
    const fs::path& path = entry->path();
    if (!entry->is_directory()) {
      paths.push_back(path.lexically_relative(root).string());
    } else if (path.filename() == ".git" || path.filename() == "build" ||
               fs::exists(path / "CMakeCache.txt")) {
      entry.disable_recursion_pending();
    }
  }
  return paths;
}

// The end of the literal or comment that opens at `begin`, or `begin` where none does.
std::size_t SkipOpaque(std::string_view text, std::size_t begin) {
  const auto after = [&](std::string_view closer, std::size_t from) {
    const std::size_t at = text.find(closer, from);
    return at == std::string_view::npos ? text.size() : at + closer.size();
  };
  const std::string_view rest = text.substr(begin);
  if (rest.starts_with("//")) return std::min(text.find('\n', begin), text.size());
  if (rest.starts_with("/*")) return after("*/", begin + 2);
  if (rest.starts_with("R\"(")) return after(")\"", begin + 3);
  // The apostrophe of 1'000 separates digits.
  const bool digit_before = begin > 0 && std::isalnum(static_cast<unsigned char>(text[begin - 1]));
  if (rest[0] != '"' && (rest[0] != '\'' || digit_before)) return begin;
  for (std::size_t at = begin + 1; at < text.size() && text[at] != '\n'; ++at) {
    if (text[at] == '\\') {
      ++at;
    } else if (text[at] == rest[0]) {
      return at + 1;
    }
  }
  return text.size();
}

}  // namespace

std::vector<std::string> ListFiles(const std::string& root) {
  std::vector<std::string> paths;
  // The owner of the tree may be another user, as in a container; only listing it is harmless.
  const auto git =
      test_support::RunProgram({"git", "-c", "safe.directory=*", "-C", root, "ls-files", "-z",
                                "--cached", "--others", "--exclude-standard"});
  if (fs::exists(fs::path(root) / ".git") && git.status == 0) {
    std::size_t begin = 0;
    for (std::size_t end; (end = git.out.find('\0', begin)) != std::string::npos; begin = end + 1) {
      std::string path = git.out.substr(begin, end - begin);
      // Git still lists a tracked file that was removed by hand.
      if (fs::exists(fs::path(root) / path)) paths.push_back(std::move(path));
    }
  } else {
    paths = Walk(root);
  }
  std::sort(paths.begin(), paths.end());
  paths.erase(std::unique(paths.begin(), paths.end()), paths.end());
  return paths;
}

std::string ReadFile(const std::string& root, const std::string& path) {
  std::ifstream file(root + "/" + path, std::ios::binary);
  if (!file) throw std::runtime_error(path + ": cannot be read");
  return std::string(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
}

bool IsCode(std::string_view path) {
  return path.ends_with(".cc") || path.ends_with(".h") || path.ends_with(".def");
}

std::vector<std::string> Lines(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

std::string BlankCommentsAndLiterals(std::string_view text) {
  std::string blanked(text);
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = SkipOpaque(text, at);
    if (end == at) {
      ++at;
      continue;
    }
    for (; at < end; ++at) {
      if (text[at] != '\n') blanked[at] = ' ';
    }
  }
  return blanked;
}

}  // namespace iommufd_check::tidy
