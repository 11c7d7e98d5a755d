// LUO's handler for memfds, "memfd-v2" (luo_kho.md section 7).
#pragma once

#include "model/liveupdate/kernel.h"

namespace iommufd_check::liveupdate {

// Freezes the file, pins and registers every page, writes header and folio list. *data is the
// header's physical address. Everything is undone on error.
// FAULTS: kho_alloc_preserve, memfd_pin_folios, kho_preserve_folio, kcalloc, kho_preserve_vmalloc.
int memfd_luo_preserve(Kernel& k, mm::MemfdHandle memfd, uint64_t* data);
void memfd_luo_unpreserve(Kernel& k, mm::MemfdHandle memfd, uint64_t data);

// What the serialized header says, for iommufd's check of its dependency.
struct MemfdSerialized {
  uint64_t size = 0;
  uint32_t seals = 0;
  mm::PageMap pages;  // file index -> pfn
};
MemfdSerialized ReadMemfdSerialized(const mm::PhysMemory& phys, PhysAddr data);

}  // namespace iommufd_check::liveupdate
