// The memory of the machine: frames, memfds, anonymous buffers of the one process, accounting.
//
// Sources: luo_kho.md section 7 (memfd), io_pagetable.md section 8 (pinning) and 9 (accounting).
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "model/mm/file.h"
#include "model/mm/phys_memory.h"
#include "model/mm/types.h"
#include "model/sim/access.h"
#include "model/sim/locks.h"
#include "model/sim/slots.h"

namespace iommufd_check::mm {

// Index in pages -> frame, ascending by index; absent indices are holes.
using PageMap = std::vector<std::pair<uint32_t, Pfn>>;

// The frame at `index`, or 0 for a hole.
Pfn Lookup(const PageMap& map, uint32_t index);

struct MemfdState {
  uint64_t size = 0;  // bytes
  uint32_t seals = 0;
  bool frozen = false;  // by LUO (luo_kho.md section 7)
  PageMap pages;        // the page cache

  friend bool operator==(const MemfdState&, const MemfdState&) = default;
  template <class Visitor, class... Self>
  static constexpr void Visit(Visitor&& v, Self&... s) {
    v("size", s.size...);
    v("seals", s.seals...);
    v("frozen", s.frozen...);
    v("pages", s.pages...);
  }
};

struct Memfd {
  static constexpr sim::ObjectKind kKind = sim::ObjectKind::kMemfd;
  static constexpr sim::ObjectKind kDescriptor = sim::ObjectKind::kMemfd;
  sim::LockId inode_lock;
  File file;  // references: its descriptor, pages of iommufd, LUO
  sim::Shared<MemfdState, sim::Field::kMemfdState> state;

  friend bool operator==(const Memfd&, const Memfd&) = default;
  static constexpr size_t kUnseen = 1;  // which slot its lock has
  template <class Visitor, class... Self>
  static constexpr void Visit(Visitor&& v, Self&... s) {
    v("file", s.file...);
    v("", s.state...);
  }
};
using MemfdHandle = sim::Handle<Memfd>;
// Memfds exist from boot on, in the order of their descriptors; UINT16_MAX: none.
constexpr MemfdHandle MemfdAt(uint16_t index) { return {index, 0}; }

// Anonymous, writable memory of the process; frames appear when they are first pinned.
struct Buffer {
  uint64_t size = 0;  // bytes
  // Ordered by the locks of its page tables.
  sim::Shared<PageMap, sim::Field::kPins> pages;
  friend bool operator==(const Buffer&, const Buffer&) = default;
  template <class Visitor, class... Self>
  static constexpr void Visit(Visitor&& v, Self&... s) {
    v("size", s.size...);
    v("pages", s.pages...);
  }
};

// Buffer i starts at this user address, so that a user address names buffer and offset.
constexpr uint64_t UserAddressOf(uint16_t buffer) {
  return uint64_t{0x7f0000000000} + (uint64_t{buffer} << 32);
}

struct Machine {
  static constexpr uint64_t kMaxMemfdBytes = 4096 * kPageSize;

  PhysMemory phys;
  sim::Slots<Memfd> memfds;
  sim::LockId mmap_lock;  // of the one process
  std::vector<Buffer> buffers;
  // user->locked_vm, an atomic counter.
  sim::Shared<int64_t, sim::Field::kLockedPages> locked_pages;

  friend bool operator==(const Machine&, const Machine&) = default;
  static constexpr size_t kUnseen = 1;  // which slot its lock has
  template <class Visitor, class... Self>
  static constexpr void Visit(Visitor&& v, Self&... s) {
    v("phys", s.phys...);
    v("memfds", s.memfds...);
    v("buffers", s.buffers...);
    v("locked_pages", s.locked_pages...);
  }
};

// What a task sees of this layer.
struct View {
  sim::Task& t;
  Machine& mm;
};

inline Memfd& Get(sim::Task& t, Machine& mm, MemfdHandle h) { return Live(t, mm.memfds, h); }
inline Memfd& Get(View& view, MemfdHandle h) { return Get(view.t, view.mm, h); }
inline sim::Slots<Memfd>& SlotsOf(View& view, MemfdHandle) { return view.mm.memfds; }

// System calls on a memfd. Errno order as in luo_kho.md section 7, and of Linux 6.12:
// memfd_add_seals (mm/memfd.c): unknown seals EINVAL, F_SEAL_SEAL set EPERM, F_SEAL_WRITE anew
// while a page of the page cache is pinned EBUSY; F_SEAL_EXEC implies all but F_SEAL_SEAL.
// vfs_fallocate (fs/open.c), before shmem_fallocate looks at seals: offsets are signed.
int memfd_add_seals(sim::Task& t, Machine& mm, MemfdHandle h, uint32_t seals);
int memfd_punch_hole(sim::Task& t, Machine& mm, MemfdHandle h, uint64_t offset, uint64_t length);
int memfd_truncate(sim::Task& t, Machine& mm, MemfdHandle h, uint64_t size);

// The last reference of its file is gone (fput): frees the page cache.
void Release(View& view, MemfdHandle h);

// How much of the last page must lie inside the file: all of it, or its first byte. iommufd maps
// whole pages; LUO pins up to the file's last byte.
enum class LastPage : uint8_t { kWhole, kPartial };

// Pins pages [first, first+count) of the file, allocating holes; appends their pfns to `out`.
// ENOMEM, or EINVAL when the range reaches beyond the end of the file. Nothing is pinned on error.
// FAULTS: memfd_pin_folios.
int memfd_pin_folios(sim::Task& t, Machine& mm, MemfdHandle h, uint32_t first, uint32_t count,
                     std::vector<Pfn>* out, LastPage last_page = LastPage::kWhole);

// Pins user pages from `address` (page aligned); EFAULT where no buffer is. LOCKS: takes
// mmap_lock R. The memory is the calling process's, so the kernel needs the lock for pages that
// must be faulted in only (pin_user_pages_fast); which they are makes no difference to other
// readers. FAULTS: pin_user_pages.
int pin_user_pages(sim::Task& t, Machine& mm, uint64_t address, uint32_t count,
                   std::vector<Pfn>* out);

// iopt_pages_update_pinned, the counter's part. Adds commute.
void account_locked_pages(sim::Task& t, Machine& mm, int64_t pages);

void unpin_pages(sim::Task& t, Machine& mm, const std::vector<Pfn>& pfns);

}  // namespace iommufd_check::mm
