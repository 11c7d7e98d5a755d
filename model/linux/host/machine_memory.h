// The physical memory of a machine that runs an image, with the descriptors that the kernel keeps
// of its pages.
//
// The first pages are the kernel's to hand out, the others are the process's: page i of buffer b is
// found at mm::UserAddressOf(b) + i pages. Of each eight neighbours the last four have changed
// places in pairs, so that what is contiguous for the process is so in memory here, and not there.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "model/linux/image/interface.h"

namespace iommufd_check::linux_host {

struct MachineConfig;

class MachineMemory {
 public:
  static constexpr uint64_t kKernelPages = 16384;

  explicit MachineMemory(int slot);
  ~MachineMemory();
  MachineMemory(const MachineMemory&) = delete;
  MachineMemory& operator=(const MachineMemory&) = delete;

  bool mapped() const { return pages_ != nullptr && descriptors_ != nullptr; }

  // As before the boot.
  void Clear(const MachineConfig& config);
  struct linux_machine Describe(const MachineConfig& config) const;

  // The page of the process at that user address, or 0.
  static uint64_t UserPage(const MachineConfig& config, uint64_t address);
  // Null where no page is.
  const uint64_t* Words(uint64_t page) const;
  uint64_t first_user_page() const { return kKernelPages; }
  uint64_t end_of_user_pages() const { return kKernelPages + user_pages_; }

  // The state to come back to, and the way back. `high`: kernel pages below it may have been
  // written to.
  void Keep(uint64_t high, size_t descriptor_bytes, uint64_t in_use);
  void Reset(uint64_t high, size_t descriptor_bytes);
  size_t kept_bytes() const;
  // Of the kernel's pages below `high`, and of all descriptors.
  uint64_t Digest(uint64_t high, size_t descriptor_bytes, uint64_t seed) const;
  uint64_t kept_in_use() const { return kept_in_use_; }

 private:
  char* pages_ = nullptr;
  char* descriptors_ = nullptr;
  uint64_t user_pages_ = 0;

  std::vector<char> kept_pages_;
  std::vector<char> kept_descriptors_;  // of the kernel's pages in use
  std::vector<char> kept_user_descriptors_;
  uint64_t kept_in_use_ = 0;
};

}  // namespace iommufd_check::linux_host
