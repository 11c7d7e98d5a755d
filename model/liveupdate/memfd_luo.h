// LUO's handler for memfds, "memfd-v2" (luo_kho.md section 7).
#pragma once

#include <span>

#include "model/liveupdate/kernel.h"

namespace iommufd_check::liveupdate {

// Freezes the file, pins and registers every page, writes header and folio list. *data is the
// header's physical address. Everything is undone on error.
// FAULTS: kho_alloc_preserve, memfd_pin_folios, kho_preserve_folio, kcalloc, kho_preserve_vmalloc.
int memfd_luo_preserve(Kernel& k, mm::MemfdHandle memfd, uint64_t* data);
void memfd_luo_unpreserve(Kernel& k, mm::MemfdHandle memfd, uint64_t data);

// What others may ask who depend on the memory of a memfd that is preserved, with the `data` that
// LUO keeps of it (luo_get_token_outgoing). How it is written down is this handler's own business.
// Nothing changes it until the memfd is unpreserved. LOCKS: session->mutex held.
//
// Were all of `seals` (F_SEAL_*) set when the memfd was handed over? 0 or -EINVAL.
int memfd_luo_check_seals(Kernel& k, mm::MemfdHandle memfd, PhysAddr data, uint32_t seals);
// Are the frames of `runs`, in order, those handed over for pages first_page, first_page + 1, ...
// of the file? 0 or -EINVAL.
int memfd_luo_check_pages(Kernel& k, mm::MemfdHandle memfd, PhysAddr data, uint64_t first_page,
                          std::span<const mm::PfnRun> runs);

}  // namespace iommufd_check::liveupdate
