#include "model/explore/states/spill_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "model/sim/check.h"

namespace iommufd_check::explore {

absl::StatusOr<std::unique_ptr<SpillFile>> SpillFile::Create(const std::string& folder) {
  const std::string place = folder.empty() ? "/tmp" : folder;
  std::string name = absl::StrCat(place, "/frontier-XXXXXX");
  const int descriptor = mkostemp(name.data(), O_CLOEXEC);
  std::unique_ptr<SpillFile> file(new SpillFile(descriptor, place));
  if (descriptor < 0) return file->Failure("create");
  if (unlink(name.c_str()) != 0) return file->Failure("unlink");
  return file;
}

SpillFile::SpillFile(int descriptor, std::string folder)
    : descriptor_(descriptor), folder_(std::move(folder)) {}

SpillFile::~SpillFile() {
  if (descriptor_ >= 0) close(descriptor_);
}

absl::StatusOr<std::uint64_t> SpillFile::Append(std::span<const std::byte> bytes) {
  const std::uint64_t offset = size_.fetch_add(bytes.size(), std::memory_order_relaxed);
  for (std::size_t done = 0; done < bytes.size();) {
    const ssize_t wrote = pwrite(descriptor_, bytes.data() + done, bytes.size() - done,
                                 static_cast<off_t>(offset + done));
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote <= 0) return Failure("write");
    done += static_cast<std::size_t>(wrote);
  }
  return offset;
}

absl::Status SpillFile::Read(std::uint64_t offset, std::span<std::byte> bytes) const {
  IOMMUFD_CHECK(offset + bytes.size() <= size(), "only what was appended is read");
  for (std::size_t done = 0; done < bytes.size();) {
    const ssize_t got = pread(descriptor_, bytes.data() + done, bytes.size() - done,
                              static_cast<off_t>(offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return Failure("read");
    done += static_cast<std::size_t>(got);
  }
  return absl::OkStatus();
}

absl::Status SpillFile::Failure(const char* what) const {
  return absl::UnavailableError(absl::StrCat(
      "cannot ", what, " the frontier's temporary file in '", folder_, "': ", std::strerror(errno),
      "; give another folder with --spill_dir, or more memory with --max_memory"));
}

}  // namespace iommufd_check::explore
