#include "model/linux/host/machine_memory.h"

#include <algorithm>
#include <cstring>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "model/linux/host/arena.h"
#include "model/linux/host/machine.h"
#include "model/mm/machine.h"
#include "model/sim/check.h"

namespace iommufd_check::linux_host {
namespace {

constexpr size_t kPageBytes = size_t{64 + 128} << 20;
constexpr size_t kDescriptorBytes = size_t{8} << 20;

uint64_t PagesOf(const MachineConfig& config) {
  return (uint64_t{config.buffers} * config.buffer_pages + 3) & ~uint64_t{3};
}

}  // namespace

MachineMemory::MachineMemory(int slot)
    : pages_(static_cast<char*>(MapAt(Arena::AddressOf(slot) + Arena::kBytes, kPageBytes))),
      descriptors_(static_cast<char*>(
          MapAt(Arena::AddressOf(slot) + Arena::kBytes + kPageBytes, kDescriptorBytes))) {}

MachineMemory::~MachineMemory() {
  Unmap(pages_, kPageBytes);
  Unmap(descriptors_, kDescriptorBytes);
}

void MachineMemory::Clear(const MachineConfig& config) {
  user_pages_ = PagesOf(config);
  IOMMUFD_CHECK((kKernelPages + user_pages_) * mm::kPageSize <= kPageBytes, "buffers have room");
  std::memset(descriptors_, 0, kDescriptorBytes);
}

struct linux_machine MachineMemory::Describe(const MachineConfig& config) const {
  return {.memory = pages_,
          .descriptors = descriptors_,
          .pages = kKernelPages + user_pages_,
          .kernel_pages = kKernelPages,
          .devices = config.devices};
}

uint64_t MachineMemory::UserPage(const MachineConfig& config, uint64_t address) {
  constexpr uint64_t kStride = mm::UserAddressOf(1) - mm::UserAddressOf(0);
  if (address < mm::UserAddressOf(0)) return 0;
  const uint64_t buffer = (address - mm::UserAddressOf(0)) / kStride;
  const uint64_t page = (address - mm::UserAddressOf(0)) % kStride / mm::kPageSize;
  if (buffer >= config.buffers || page >= config.buffer_pages) return 0;
  const uint64_t number = buffer * config.buffer_pages + page;
  return kKernelPages + ((number & 4) != 0 ? number ^ 1 : number);
}

const uint64_t* MachineMemory::Words(uint64_t page) const {
  if (page >= end_of_user_pages()) return nullptr;
  return reinterpret_cast<const uint64_t*>(pages_ + page * mm::kPageSize);
}

void MachineMemory::Keep(uint64_t high, size_t descriptor_bytes, uint64_t in_use) {
  IOMMUFD_CHECK(high <= kKernelPages, "the kernel has its own pages only");
  const char* user = descriptors_ + kKernelPages * descriptor_bytes;
  IOMMUFD_CHECK(end_of_user_pages() * descriptor_bytes <= kDescriptorBytes,
                "descriptors have room");
  kept_pages_.assign(pages_, pages_ + high * mm::kPageSize);
  kept_descriptors_.assign(descriptors_, descriptors_ + high * descriptor_bytes);
  kept_user_descriptors_.assign(user, user + user_pages_ * descriptor_bytes);
  kept_in_use_ = in_use;
}

// What is handed out anew is filled then, so pages above the kept ones may stay as they are; their
// descriptors may not.
void MachineMemory::Reset(uint64_t high, size_t descriptor_bytes) {
  IOMMUFD_CHECK(high * descriptor_bytes >= kept_descriptors_.size(), "pages in use only grow");
  std::memcpy(pages_, kept_pages_.data(), kept_pages_.size());
  std::memcpy(descriptors_, kept_descriptors_.data(), kept_descriptors_.size());
  std::memset(descriptors_ + kept_descriptors_.size(), 0,
              high * descriptor_bytes - kept_descriptors_.size());
  std::memcpy(descriptors_ + kKernelPages * descriptor_bytes, kept_user_descriptors_.data(),
              kept_user_descriptors_.size());
}

uint64_t MachineMemory::Digest(uint64_t high, size_t descriptor_bytes, uint64_t seed) const {
  const uint64_t digest = XXH3_64bits_withSeed(pages_, high * mm::kPageSize, seed);
  return XXH3_64bits_withSeed(descriptors_, end_of_user_pages() * descriptor_bytes, digest);
}

size_t MachineMemory::kept_bytes() const {
  return kept_pages_.size() + kept_descriptors_.size() + kept_user_descriptors_.size();
}

}  // namespace iommufd_check::linux_host
