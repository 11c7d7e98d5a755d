// An image as it is loaded: a private copy of its file, so that several machines can have one each.
//
//   absl::StatusOr<ImageFile> file = ImageFile::Load("build/linux/linux-6.12/image.so");
//   const struct linux_image* image = file->Connect(&host);
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "model/linux/image/interface.h"

namespace iommufd_check::linux_host {

class ImageFile {
 public:
  // NotFound, or InvalidArgument: the file is no image, or one of another interface.
  static absl::StatusOr<ImageFile> Load(const std::string& path);

  // REQUIRES: `host` lives as long as the image is used.
  absl::StatusOr<const struct linux_image*> Connect(const struct linux_host* host) const;

  // The function that the address is in, "main.o's iommufd_destroy" as "iommufd_destroy+0x1c"; of
  // code outside of the image "?".
  std::string Describe(const void* address) const;

 private:
  struct Handle;
  explicit ImageFile(std::shared_ptr<Handle> handle) : handle_(std::move(handle)) {}
  std::shared_ptr<Handle> handle_;
};

}  // namespace iommufd_check::linux_host
