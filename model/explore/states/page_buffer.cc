#include "model/explore/states/page_buffer.h"

#include <sys/mman.h>

#include <cstdint>
#include <utility>

#include "model/sim/check.h"

namespace iommufd_check::explore {
namespace {

constexpr std::size_t kHugePage = std::size_t{2} << 20;

}  // namespace

PageBuffer::PageBuffer(std::size_t bytes) : size_(bytes) {
  IOMMUFD_CHECK(bytes > 0, "an empty buffer needs no pages");
  const bool huge = bytes >= kHugePage;
  mapping_size_ = bytes + (huge ? kHugePage : 0);
  mapping_ = mmap(nullptr, mapping_size_, PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  IOMMUFD_CHECK(mapping_ != MAP_FAILED, "no address space for the table; lower --max_memory");
  data_ = static_cast<std::byte*>(mapping_);
  if (huge) {
    const auto address = reinterpret_cast<std::uintptr_t>(data_);
    data_ += (kHugePage - address % kHugePage) % kHugePage;
    // Advice only: without huge pages everything still works, slower.
    (void)madvise(data_, size_, MADV_HUGEPAGE);
  }
}

PageBuffer::PageBuffer(PageBuffer&& other) noexcept { *this = std::move(other); }

PageBuffer& PageBuffer::operator=(PageBuffer&& other) noexcept {
  std::swap(mapping_, other.mapping_);
  std::swap(mapping_size_, other.mapping_size_);
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

PageBuffer::~PageBuffer() {
  if (mapping_ == nullptr) return;
  const int failed = munmap(mapping_, mapping_size_);
  IOMMUFD_CHECK(failed == 0, "a buffer unmaps what it mapped");
}

void PageBuffer::Release(std::size_t begin, std::size_t end) {
  IOMMUFD_CHECK(begin <= end, "a range begins before its end");
  IOMMUFD_CHECK(end <= size_, "the range lies within the buffer");
  begin = (begin + kHugePage - 1) / kHugePage * kHugePage;
  end = end / kHugePage * kHugePage;
  if (begin >= end) return;
  const int failed = madvise(data_ + begin, end - begin, MADV_DONTNEED);
  IOMMUFD_CHECK(failed == 0, "a buffer gives back pages of its own");
}

}  // namespace iommufd_check::explore
