#include "model/linux/host/image_file.h"

#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <iterator>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace iommufd_check::linux_host {
namespace {

using Entry = decltype(&linux_image);

constexpr char kMend[] = "; build it again with fuzz/linux/build";

// Reads a value of the file at `offset`; false: it ends before.
template <class T>
bool ReadAt(const std::string& bytes, size_t offset, T* value) {
  if (offset > bytes.size() || sizeof(T) > bytes.size() - offset) return false;
  std::memcpy(value, bytes.data() + offset, sizeof(T));
  return true;
}

// Functions by address; the symbols that nobody else sees are in the file's own table.
std::map<uintptr_t, std::string> FunctionsOf(const std::string& bytes) {
  std::map<uintptr_t, std::string> functions;
  Elf64_Ehdr header;
  if (!ReadAt(bytes, 0, &header)) return functions;
  for (size_t i = 0; i < header.e_shnum; ++i) {
    Elf64_Shdr table;
    Elf64_Shdr names;
    if (!ReadAt(bytes, header.e_shoff + i * sizeof(table), &table)) continue;
    if (table.sh_type != SHT_SYMTAB) continue;
    if (!ReadAt(bytes, header.e_shoff + table.sh_link * sizeof(names), &names)) continue;
    for (size_t at = 0; at + sizeof(Elf64_Sym) <= table.sh_size; at += sizeof(Elf64_Sym)) {
      Elf64_Sym symbol;
      if (!ReadAt(bytes, table.sh_offset + at, &symbol)) break;
      if (ELF64_ST_TYPE(symbol.st_info) != STT_FUNC) continue;
      const size_t name = names.sh_offset + symbol.st_name;
      if (name < bytes.size()) functions[symbol.st_value] = std::string(bytes.c_str() + name);
    }
  }
  return functions;
}

// The descriptor of a memory file with these bytes, or -1.
int CopyOf(const std::string& bytes) {
  const int fd = memfd_create("image", MFD_CLOEXEC);
  if (fd < 0) return -1;
  size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t written = write(fd, bytes.data() + done, bytes.size() - done);
    if (written <= 0) {
      close(fd);
      return -1;
    }
    done += static_cast<size_t>(written);
  }
  return fd;
}

}  // namespace

struct ImageFile::Handle {
  ~Handle() {
    if (library != nullptr) dlclose(library);
    if (fd >= 0) close(fd);
  }

  std::string path;
  int fd = -1;  // open as long as the image is loaded: its name must not come to be another's
  void* library = nullptr;
  Entry entry = nullptr;
  uintptr_t base = 0;
  std::map<uintptr_t, std::string> functions;
};

absl::StatusOr<ImageFile> ImageFile::Load(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return absl::NotFoundError(absl::StrCat(path, ": no image is there", kMend));
  const std::string bytes((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  auto handle = std::make_shared<Handle>();
  handle->path = path;
  handle->functions = FunctionsOf(bytes);
  handle->fd = CopyOf(bytes);
  if (handle->fd < 0) return absl::InternalError(absl::StrCat(path, ": no memory for a copy"));
  const std::string name = absl::StrCat("/proc/self/fd/", handle->fd);
  handle->library = dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle->library == nullptr) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": is no image (", dlerror(), ")", kMend));
  }
  handle->entry = reinterpret_cast<Entry>(dlsym(handle->library, "linux_image"));
  if (handle->entry == nullptr) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": is no image, it has no linux_image"));
  }
  Dl_info info;
  if (dladdr(reinterpret_cast<const void*>(handle->entry), &info) != 0) {
    handle->base = reinterpret_cast<uintptr_t>(info.dli_fbase);
  }
  return ImageFile(std::move(handle));
}

absl::StatusOr<const struct linux_image*> ImageFile::Connect(const struct linux_host* host) const {
  const struct linux_image* image = handle_->entry(LINUX_INTERFACE, host);
  if (image != nullptr) return image;
  return absl::InvalidArgumentError(
      absl::StrCat(handle_->path, ": was built for another version of this program", kMend));
}

std::string ImageFile::Describe(const void* address) const {
  const uintptr_t at = reinterpret_cast<uintptr_t>(address) - handle_->base;
  const auto after = handle_->functions.upper_bound(at);
  if (after == handle_->functions.begin()) return "?";
  const auto& [begin, name] = *std::prev(after);
  // Beyond the last function lies what is not of the image.
  if (after == handle_->functions.end() && at - begin > 4096) return "?";
  return absl::StrFormat("%s+0x%x", name, at - begin);
}

}  // namespace iommufd_check::linux_host
