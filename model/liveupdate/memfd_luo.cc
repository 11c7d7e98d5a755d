#include "model/liveupdate/memfd_luo.h"

#include <algorithm>

#include "model/liveupdate/kho.h"
#include "model/liveupdate/layout.h"
#include "model/sim/check.h"

namespace iommufd_check::liveupdate {
namespace {

constexpr uint64_t kPfnShift = 12;   // pfn:52 above flags:12
constexpr uint64_t kFolioFlags = 3;  // DIRTY | UPTODATE

uint64_t ArrayPages(uint64_t folios) {
  return (folios * kFolioSize + mm::kPageSize - 1) >> mm::kPageShift;
}

// Undo of PreserveFolios and PreserveArray from whatever the header names.
void UnregisterFolios(Kernel& k, const std::vector<Pfn>& folios, size_t registered,
                      sim::ObjectRef ref) {
  while (registered > 0) kho_unpreserve_folio(k, folios[--registered], ref);
}

// The folio list, registered like a vmalloc area; 0 with *error set on failure.
PhysAddr PreserveArray(Kernel& k, const std::vector<Pfn>& folios, sim::ObjectRef ref, int* error) {
  const uint64_t pages = ArrayPages(folios.size());
  IOMMUFD_CHECK(pages > 0, "an empty file has no folio list");
  *error = fail(k, sim::FaultSite::kKcalloc, ref);
  if (*error != 0) return 0;
  *error = -sim::kENOMEM;
  const auto first = k.mm.phys.Alloc(k.t, mm::FrameOwner::kMemfdSer, pages);
  if (!first.has_value()) return 0;
  for (uint64_t i = 0; i < pages; ++i) {
    *error = kho_preserve_folio(k, *first + i, ref, sim::FaultSite::kKhoPreserveVmalloc);
    if (*error == 0) continue;
    for (uint64_t done = 0; done < i; ++done) kho_unpreserve_folio(k, *first + done, ref);
    for (uint64_t page = 0; page < pages; ++page) k.mm.phys.Put(k.t, *first + page);
    return 0;
  }
  const PhysAddr array = mm::AddressOf(*first);
  for (size_t i = 0; i < folios.size(); ++i) {
    const PhysAddr element = array + i * kFolioSize;
    store(k, element, kFolioPfnFlags.offset, 8, folios[i] << kPfnShift | kFolioFlags, ref);
    store(k, element, kFolioIndex.offset, 8, i, ref);
  }
  return array;
}

int PreserveFolios(Kernel& k, const std::vector<Pfn>& folios, sim::ObjectRef ref, PhysAddr* array) {
  for (size_t i = 0; i < folios.size(); ++i) {
    const int error = kho_preserve_folio(k, folios[i], ref, sim::FaultSite::kKhoPreserveFolio);
    if (error == 0) continue;
    UnregisterFolios(k, folios, i, ref);
    return error;
  }
  int error = 0;
  *array = PreserveArray(k, folios, ref, &error);
  if (*array == 0) UnregisterFolios(k, folios, folios.size(), ref);
  return *array == 0 ? error : 0;
}

int PreserveContents(Kernel& k, mm::MemfdHandle memfd, PhysAddr header, uint64_t size) {
  const uint64_t pages = (size + mm::kPageSize - 1) >> mm::kPageShift;
  std::vector<Pfn> folios;
  int error = memfd_pin_folios(k.t, k.mm, memfd, 0, static_cast<uint32_t>(pages), &folios,
                               mm::LastPage::kPartial);
  if (error != 0) return error;
  IOMMUFD_CHECK(folios.size() == pages, "every page of the file is pinned, holes too");
  PhysAddr array = 0;
  error = PreserveFolios(k, folios, Ref(memfd), &array);
  if (error != 0) {
    unpin_pages(k.t, k.mm, folios);
    return error;
  }
  store(k, header, kMemfdFolios.offset, 8, pages, Ref(memfd));
  store(k, header, kMemfdArray.offset, 8, array, Ref(memfd));
  return 0;
}

// Steps under the inode lock; the file is frozen by the caller.
int PreserveLocked(Kernel& k, mm::MemfdHandle memfd, uint64_t* data) {
  const sim::ObjectRef ref = Ref(memfd);
  const PhysAddr header = kho_alloc_preserve(k, kMemfdSerSize, mm::FrameOwner::kMemfdSer, ref);
  if (IsErr(header)) return PtrErr(header);
  const mm::MemfdState state = Read(k, memfd, &mm::Memfd::state, sim::kAccessMarked);
  const uint64_t size = state.size;
  const uint32_t seals = state.seals;
  store(k, header, kMemfdSize.offset, kMemfdSize.bytes, size, ref);
  store(k, header, kMemfdSeals.offset, kMemfdSeals.bytes, seals, ref);
  const int error = size > 0 ? PreserveContents(k, memfd, header, size) : 0;
  if (error != 0) {
    kho_unpreserve_free(k, header, ref);
    return error;
  }
  *data = header;
  return 0;
}

void SetFrozen(Kernel& k, mm::MemfdHandle memfd, bool frozen) {
  Update(
      k, memfd, &mm::Memfd::state, [&](mm::MemfdState& state) { state.frozen = frozen; },
      sim::kAccessMarked);
}

}  // namespace

int memfd_luo_preserve(Kernel& k, mm::MemfdHandle memfd, uint64_t* data) {
  const sim::Scope scope(k, sim::Fn::kMemfdLuoPreserve, memfd);
  mutex_lock(k, memfd, &mm::Memfd::inode_lock);
  SetFrozen(k, memfd, true);
  const int error = PreserveLocked(k, memfd, data);
  if (error != 0) SetFrozen(k, memfd, false);
  mutex_unlock(k, memfd, &mm::Memfd::inode_lock);
  return error;
}

void memfd_luo_unpreserve(Kernel& k, mm::MemfdHandle memfd, uint64_t data) {
  const sim::Scope scope(k, sim::Fn::kMemfdLuoUnpreserve, memfd);
  const sim::ObjectRef ref = Ref(memfd);
  mutex_lock(k, memfd, &mm::Memfd::inode_lock);
  SetFrozen(k, memfd, false);
  // Whatever the header says by now is believed, as the kernel does; a wild list ends in an oops.
  const uint64_t folios = load(k, data, kMemfdFolios.offset, kMemfdFolios.bytes, ref);
  const PhysAddr array = load(k, data, kMemfdArray.offset, kMemfdArray.bytes, ref);
  for (uint64_t i = 0; i < folios; ++i) {
    const Pfn pfn = load(k, array, i * kFolioSize + kFolioPfnFlags.offset, 8, ref) >> kPfnShift;
    kho_unpreserve_folio(k, pfn, ref);
    unpin_pages(k.t, k.mm, {pfn});
  }
  for (uint64_t i = 0; i < ArrayPages(folios); ++i) {
    kho_unpreserve_folio(k, mm::PfnOf(array) + i, ref);
    k.mm.phys.Put(k.t, mm::PfnOf(array) + i);
  }
  kho_unpreserve_free(k, data, ref);
  mutex_unlock(k, memfd, &mm::Memfd::inode_lock);
}

int memfd_luo_check_seals(Kernel& k, mm::MemfdHandle memfd, PhysAddr data, uint32_t seals) {
  const sim::Scope scope(k, sim::Fn::kMemfdLuoCheckSeals, memfd);
  const uint64_t had = load(k, data, kMemfdSeals.offset, kMemfdSeals.bytes, Ref(memfd));
  return (had & seals) == seals ? 0 : -sim::kEINVAL;
}

int memfd_luo_check_pages(Kernel& k, mm::MemfdHandle memfd, PhysAddr data, uint64_t first_page,
                          std::span<const mm::PfnRun> runs) {
  const sim::Scope scope(k, sim::Fn::kMemfdLuoCheckPages, memfd);
  const sim::ObjectRef ref = Ref(memfd);
  const uint64_t folios = load(k, data, kMemfdFolios.offset, kMemfdFolios.bytes, ref);
  const PhysAddr array = load(k, data, kMemfdArray.offset, kMemfdArray.bytes, ref);
  uint64_t pages = 0;
  for (const mm::PfnRun& run : runs) pages += run.count;
  if (first_page > folios || pages > folios - first_page) return -sim::kEINVAL;
  // PreserveArray writes element i for page i of the file, one folio for each page.
  constexpr uint64_t kWords = kFolioSize / 8;
  const std::vector<uint64_t> words =
      load_words(k, array + first_page * kFolioSize, pages * kWords, ref);
  uint64_t page = 0;
  for (const mm::PfnRun& run : runs) {
    for (Pfn pfn = run.first; pfn < run.first + run.count; ++pfn, ++page) {
      const uint64_t* folio = &words[page * kWords];
      if (folio[kFolioPfnFlags.offset / 8] >> kPfnShift != pfn) return -sim::kEINVAL;
      if (folio[kFolioIndex.offset / 8] != first_page + page) return -sim::kEINVAL;
    }
  }
  return 0;
}

}  // namespace iommufd_check::liveupdate
