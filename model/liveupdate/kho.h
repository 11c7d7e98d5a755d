// KHO: registration of folios for the next kernel, and memory that is born registered
// (luo_kho.md section 6).
//
// All of these may sleep: they take the radix tree's mutex.
#pragma once

#include <vector>

#include "model/liveupdate/kernel.h"

namespace iommufd_check::liveupdate {

// The kernel's convention for pointers that may carry an errno: IS_ERR, PTR_ERR, ERR_PTR.
inline constexpr uint64_t kMaxErrno = 4095;
constexpr bool IsErr(PhysAddr pointer) { return pointer >= UINT64_MAX - kMaxErrno + 1; }
constexpr int PtrErr(PhysAddr pointer) { return static_cast<int>(static_cast<int64_t>(pointer)); }
constexpr PhysAddr ErrPtr(int error) { return static_cast<PhysAddr>(static_cast<int64_t>(error)); }

// kho_preserve_folio: sets the bit (order, pfn) of the folio that starts at `pfn`, on behalf of
// `owner`; idempotent. 0 or -ENOMEM; an oops when the page is not in use. FAULTS: `site`.
int kho_preserve_folio(Kernel& k, Pfn pfn, sim::ObjectRef owner, sim::FaultSite site);
// Clears the bit of the folio's order; silent when that bit was not set, also when another order
// covers the page, which then stays registered.
void kho_unpreserve_folio(Kernel& k, Pfn pfn, sim::ObjectRef owner);

// Zeroed memory of `size` bytes rounded up to a power of two of pages, one registration of that
// order. ERR_PTR(-EINVAL) for 0, ERR_PTR(-E2BIG) above 4 MiB, ERR_PTR(-ENOMEM). Never NULL.
// FAULTS: kho_alloc_preserve.
PhysAddr kho_alloc_preserve(Kernel& k, uint64_t size, mm::FrameOwner owner, sim::ObjectRef object);
// The folio knows its size. NULL is ignored; an error pointer, and a page that is not in use or is
// no record of `object`, oops.
void kho_unpreserve_free(Kernel& k, PhysAddr memory, sim::ObjectRef object);

// Stores and loads of handed-over structures of `object`. A store through NULL or an error pointer,
// to memory that is not in use or that holds somebody else's data, is an oops.
void store(Kernel& k, PhysAddr memory, uint64_t offset, int bytes, uint64_t value,
           sim::ObjectRef object);
uint64_t load(Kernel& k, PhysAddr memory, uint64_t offset, int bytes, sim::ObjectRef object);
// `count` 8-byte words from `memory` on, which is 8-byte aligned: one access for each page, so for
// long arrays.
std::vector<uint64_t> load_words(Kernel& k, PhysAddr memory, uint64_t count, sim::ObjectRef object);

}  // namespace iommufd_check::liveupdate
