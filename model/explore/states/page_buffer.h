// Zeroed memory straight from the operating system, for tables that are read at random.
//
// Huge pages are asked for, since a look-up in a table of small pages pays for the page walk too.
// A range that is no longer needed can be given back early, so that copying a table into a larger
// one does not need both in full.
//
// Threads: as a plain array. Not copyable.
//
//   PageBuffer table(64 << 20);
//   table.data()[0];                // Zero.
//   table.Release(0, 32 << 20);     // The first half now occupies nothing, and reads as zero.
#pragma once

#include <cstddef>

namespace iommufd_check::explore {

class PageBuffer {
 public:
  PageBuffer() = default;
  // Ends the process when the system has no memory: callers keep to a budget of their own.
  explicit PageBuffer(std::size_t bytes);
  PageBuffer(PageBuffer&& other) noexcept;
  PageBuffer& operator=(PageBuffer&& other) noexcept;
  PageBuffer(const PageBuffer&) = delete;
  PageBuffer& operator=(const PageBuffer&) = delete;
  ~PageBuffer();

  std::byte* data() const { return data_; }
  std::size_t size() const { return size_; }

  // Gives back the huge pages that lie wholly within the range.
  // REQUIRES: begin <= end <= size().
  void Release(std::size_t begin, std::size_t end);

 private:
  void* mapping_ = nullptr;       // What the system gave, with slack for the alignment.
  std::size_t mapping_size_ = 0;  // Bytes.
  std::byte* data_ = nullptr;     // Aligned to a huge page when the buffer is that large.
  std::size_t size_ = 0;          // Bytes.
};

}  // namespace iommufd_check::explore
