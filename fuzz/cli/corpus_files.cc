#include "fuzz/cli/corpus_files.h"

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "absl/strings/str_cat.h"

namespace iommufd_check::cli {

absl::StatusOr<std::vector<std::string>> ProgramFilesIn(const std::string& folder) {
  std::error_code error;
  std::vector<std::string> files;
  if (!std::filesystem::exists(folder, error)) return files;
  std::filesystem::directory_iterator entry(folder, error);
  for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
    if (entry->path().extension() == ".prog") files.push_back(entry->path().string());
  }
  if (error) return absl::PermissionDeniedError(absl::StrCat(folder, ": cannot be read"));
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace iommufd_check::cli
