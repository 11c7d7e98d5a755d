// A nameless temporary file that grows by appending and is read back by offset.
//
// Threads: any number at once.
//
// FAULTS: every call can fail like the system call behind it; the message names the folder and says
// how to choose another.
//
//   absl::StatusOr<std::unique_ptr<SpillFile>> file = SpillFile::Create("");
//   absl::StatusOr<std::uint64_t> offset = (*file)->Append(bytes);
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace iommufd_check::explore {

class SpillFile {
 public:
  // In `folder`, or in /tmp when it is empty. The file is already unlinked, so it is gone however
  // the process ends.
  static absl::StatusOr<std::unique_ptr<SpillFile>> Create(const std::string& folder);
  ~SpillFile();
  SpillFile(const SpillFile&) = delete;
  SpillFile& operator=(const SpillFile&) = delete;

  absl::StatusOr<std::uint64_t> Append(std::span<const std::byte> bytes);
  // REQUIRES: the range was appended.
  absl::Status Read(std::uint64_t offset, std::span<std::byte> bytes) const;

  std::uint64_t size() const { return size_.load(std::memory_order_relaxed); }

 private:
  SpillFile(int descriptor, std::string folder);
  absl::Status Failure(const char* what) const;

  int descriptor_;
  std::string folder_;
  std::atomic<std::uint64_t> size_ = 0;  // Bytes.
};

}  // namespace iommufd_check::explore
