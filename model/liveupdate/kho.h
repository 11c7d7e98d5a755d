// KHO: registration of pages for the next kernel, and memory that is born registered
// (luo_kho.md section 6).
//
// All of these may sleep: they take the radix tree's mutex.
#pragma once

#include "model/liveupdate/kernel.h"

namespace iommufd_check::liveupdate {

// The kernel's convention for pointers that may carry an errno: IS_ERR, PTR_ERR, ERR_PTR.
inline constexpr uint64_t kMaxErrno = 4095;
constexpr bool IsErr(PhysAddr pointer) { return pointer >= UINT64_MAX - kMaxErrno + 1; }
constexpr int PtrErr(PhysAddr pointer) { return static_cast<int>(static_cast<int64_t>(pointer)); }
constexpr PhysAddr ErrPtr(int error) {
  return static_cast<PhysAddr>(static_cast<int64_t>(error));
}

// Sets the page's bit on behalf of `owner`; idempotent. 0 or -ENOMEM. FAULTS: `site`.
int kho_preserve_page(Kernel& k, Pfn pfn, sim::ObjectRef owner, sim::FaultSite site);
// Clears the bit; silent when it was not set.
void kho_unpreserve_page(Kernel& k, Pfn pfn, sim::ObjectRef owner);

// Zeroed, registered memory of `size` bytes rounded up to a power of two of pages.
// ERR_PTR(-EINVAL) for 0, ERR_PTR(-E2BIG) above 4 MiB, ERR_PTR(-ENOMEM). Never NULL.
// FAULTS: kho_alloc_preserve.
PhysAddr kho_alloc_preserve(Kernel& k, uint64_t size, mm::FrameOwner owner, sim::ObjectRef object);
// `size` as given to kho_alloc_preserve. NULL is ignored; an error pointer oopses.
void kho_unpreserve_free(Kernel& k, PhysAddr memory, uint64_t size, sim::ObjectRef object);

// Stores and loads of handed-over structures. A store through NULL or an error pointer, or to
// memory that is not in use, is an oops.
void store(Kernel& k, PhysAddr memory, uint64_t offset, int bytes, uint64_t value,
           sim::ObjectRef object);
uint64_t load(Kernel& k, PhysAddr memory, uint64_t offset, int bytes, sim::ObjectRef object);

}  // namespace iommufd_check::liveupdate
