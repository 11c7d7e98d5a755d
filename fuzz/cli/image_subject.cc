#include "fuzz/cli/image_subject.h"

#include <filesystem>

#include "absl/strings/str_cat.h"

namespace iommufd_check::cli {

absl::StatusOr<std::unique_ptr<linux_host::Machine>> LoadImage(const std::string& name) {
  const bool is_path = name.find('/') != std::string::npos;
  const std::string path = is_path ? name : absl::StrCat("build/linux/", name, "/image.so");
  std::error_code ignored;
  if (is_path || std::filesystem::exists(path, ignored)) return linux_host::Machine::Load(path);
  std::string package = name;
  if (name.starts_with("linux-")) package = absl::StrCat("linux-source-", name.substr(6));
  return absl::NotFoundError(absl::StrCat("unknown subject '", name, "': there is no ", path,
                                          "; build it with fuzz/linux/build --package=", package,
                                          ", or --tree=DIR --name=", name));
}

}  // namespace iommufd_check::cli
