#include "model/liveupdate/kho.h"

#include <algorithm>
#include <bit>

#include "model/sim/check.h"

namespace iommufd_check::liveupdate {
namespace {

constexpr uint64_t kMaxOrderBytes = mm::kPageSize << 10;  // MAX_PAGE_ORDER 10
constexpr sim::ObjectRef kKhoRef{sim::ObjectKind::kKho, 0};

int OrderOf(uint64_t size) {
  return std::countr_zero(std::bit_ceil((size + mm::kPageSize - 1) >> mm::kPageShift));
}

// Whose data a record of this object is.
mm::OwnerSet RecordOf(sim::ObjectRef object) {
  switch (object.kind) {
    case sim::ObjectKind::kMemfd:
      return mm::Only(mm::FrameOwner::kMemfdSer);
    case sim::ObjectKind::kIommufd:
      return mm::Only(mm::FrameOwner::kIommufdSer);
    case sim::ObjectKind::kFlb:
      return mm::Only(mm::FrameOwner::kFlbSer);
    default:
      return mm::kRecordOwners;
  }
}

void SetBit(Kernel& k, const KhoKey& key, sim::ObjectRef owner) {
  IOMMUFD_CHECK(owner.kind != sim::ObjectKind::kNone, "a registration is on somebody's behalf");
  IOMMUFD_CHECK(key.pfn >> key.order << key.order == key.pfn, "a folio begins at its own multiple");
  mutex_lock(k.t, k.lu.kho.radix_mutex);
  Update(k.t, k.lu.kho.preserved, kKhoRef, [&](std::vector<KhoKey>& set) {
    const auto position = std::lower_bound(set.begin(), set.end(), key);
    if (position == set.end() || *position != key) set.insert(position, key);
  });
  for (Pfn pfn = key.pfn; pfn < key.end(); ++pfn) {
    Emit(k, sim::Note::kKhoAdd, owner, static_cast<int64_t>(pfn));
  }
  mutex_unlock(k.t, k.lu.kho.radix_mutex);
}

void ClearBit(Kernel& k, const KhoKey& key, sim::ObjectRef owner) {
  mutex_lock(k.t, k.lu.kho.radix_mutex);
  Update(k.t, k.lu.kho.preserved, kKhoRef, [&](std::vector<KhoKey>& set) {
    const auto position = std::lower_bound(set.begin(), set.end(), key);
    if (position != set.end() && *position == key) set.erase(position);
  });
  const std::vector<KhoKey>& left = k.lu.kho.preserved.Peek();
  // What covers a page begins in the same block of the largest order.
  const auto still = [&left](Pfn pfn) {
    constexpr int kMaxOrder = mm::PhysMemory::kMaxOrder;
    const KhoKey block{pfn >> kMaxOrder << kMaxOrder, 0};
    auto other = std::lower_bound(left.begin(), left.end(), block);
    while (other != left.end() && other->end() <= pfn) ++other;
    return other != left.end() && other->pfn <= pfn;
  };
  for (Pfn pfn = key.pfn; pfn < key.end(); ++pfn) {
    const auto note = still(pfn) ? sim::Note::kKhoOrderMismatch : sim::Note::kKhoDel;
    Emit(k, note, owner, static_cast<int64_t>(pfn));
  }
  mutex_unlock(k.t, k.lu.kho.radix_mutex);
}

// Handed-over memory is accessed by fields; a field is the word of the frame that it begins in.
sim::ObjectRef FrameOf(PhysAddr address) {
  return {sim::ObjectKind::kFrame, static_cast<uint16_t>(mm::PfnOf(address) - mm::kFirstPfn)};
}
uint16_t WordOf(PhysAddr address) { return static_cast<uint16_t>(address >> 3 & 511); }

// Of [memory + offset, ... + bytes). A field that a wild offset wraps around is nowhere either.
void CheckPointer(Kernel& k, PhysAddr memory, uint64_t offset, int bytes, sim::ObjectRef object) {
  IOMMUFD_CHECK(bytes >= 1 && bytes <= 8, "a field has one to eight bytes");
  if (memory == 0) Oops(k, sim::Splat::kNullDereference, object);
  if (IsErr(memory)) Oops(k, sim::Splat::kBadPointer, object, PtrErr(memory));
  for (const uint64_t end : {uint64_t{0}, static_cast<uint64_t>(bytes) - 1}) {
    k.mm.phys.Use(k.t, mm::PfnOf(memory + offset + end), RecordOf(object), object);
  }
}

}  // namespace

std::vector<Pfn> Kho::PreservedPages() const {
  std::vector<Pfn> pages;
  for (const KhoKey& key : preserved.Peek()) {
    for (Pfn pfn = key.pfn; pfn < key.end(); ++pfn) pages.push_back(pfn);
  }
  std::sort(pages.begin(), pages.end());
  pages.erase(std::unique(pages.begin(), pages.end()), pages.end());
  return pages;
}

int kho_preserve_folio(Kernel& k, Pfn pfn, sim::ObjectRef owner, sim::FaultSite site) {
  if (const int error = fail(k, site, owner)) return error;
  SetBit(k, {pfn, k.mm.phys.Use(k.t, pfn, mm::kAnyOwner, owner).order}, owner);
  return 0;
}

void kho_unpreserve_folio(Kernel& k, Pfn pfn, sim::ObjectRef owner) {
  ClearBit(k, {pfn, k.mm.phys.at(pfn).order}, owner);
}

PhysAddr kho_alloc_preserve(Kernel& k, uint64_t size, mm::FrameOwner owner, sim::ObjectRef object) {
  const sim::Scope scope(k, sim::Fn::kKhoAllocPreserve, object);
  IOMMUFD_CHECK(mm::Contains(mm::kRecordOwners, owner),
                "memory that is born registered is the kernel's own record");
  if (size == 0) return ErrPtr(-sim::kEINVAL);
  if (size > kMaxOrderBytes) return ErrPtr(-sim::kE2BIG);
  if (const int error = fail(k, sim::FaultSite::kKhoAllocPreserve, object)) {
    Emit(k, sim::Note::kCalleeFailed, object, error);
    return ErrPtr(error);
  }
  const auto first = k.mm.phys.AllocFolio(k.t, owner, OrderOf(size));
  if (!first.has_value()) return ErrPtr(-sim::kENOMEM);
  SetBit(k, {*first, OrderOf(size)}, object);
  if (owner == mm::FrameOwner::kIommufdSer) {
    Emit(k, sim::Note::kRecordCapacity, object, static_cast<int64_t>(size));
  }
  return mm::AddressOf(*first);
}

void kho_unpreserve_free(Kernel& k, PhysAddr memory, sim::ObjectRef object) {
  const sim::Scope scope(k, sim::Fn::kKhoUnpreserveFree, object);
  if (memory == 0) return;
  CheckPointer(k, memory, 0, 1, object);
  const Pfn pfn = mm::PfnOf(memory);
  const Pfn head = pfn - k.mm.phys.at(pfn).tail;  // virt_to_folio
  kho_unpreserve_folio(k, head, object);
  k.mm.phys.Put(k.t, head);
}

namespace {

// A store into iommufd's records: up to which byte of the allocation it reaches.
void NoteRecord(Kernel& k, PhysAddr address, int bytes, sim::ObjectRef object) {
  const Pfn pfn = mm::PfnOf(address);
  const mm::Frame& frame = k.mm.phys.at(pfn);
  if (frame.owner != mm::FrameOwner::kIommufdSer) return;
  const uint64_t end = address - mm::AddressOf(pfn - frame.tail) + static_cast<uint64_t>(bytes);
  Emit(k, sim::Note::kRecordStore, object, static_cast<int64_t>(end));
}

}  // namespace

void store(Kernel& k, PhysAddr memory, uint64_t offset, int bytes, uint64_t value,
           sim::ObjectRef object) {
  const sim::ObjectRef frame = FrameOf(memory + offset);
  k.t.Place(frame.kind, Field::kRecords);
  CheckPointer(k, memory, offset, bytes, object);
  k.t.Access(sim::Primitive::kWrite, frame, Field::kRecords, sim::kAccessWord,
             WordOf(memory + offset));
  k.mm.phys.WriteField(memory + offset, bytes, value);
  NoteRecord(k, memory + offset, bytes, object);
}

uint64_t load(Kernel& k, PhysAddr memory, uint64_t offset, int bytes, sim::ObjectRef object) {
  const sim::ObjectRef frame = FrameOf(memory + offset);
  k.t.Place(frame.kind, Field::kRecords);
  CheckPointer(k, memory, offset, bytes, object);
  k.t.Access(sim::Primitive::kRead, frame, Field::kRecords, 0, WordOf(memory + offset));
  return k.mm.phys.ReadField(memory + offset, bytes);
}

std::vector<uint64_t> load_words(Kernel& k, PhysAddr memory, uint64_t count,
                                 sim::ObjectRef object) {
  constexpr uint64_t kWordsPerPage = mm::kPageSize / 8;
  std::vector<uint64_t> words(count);
  for (uint64_t i = 0; i < count;) {
    const PhysAddr at = memory + 8 * i;
    const uint64_t begin = at / 8 % kWordsPerPage;
    const uint64_t end = std::min(kWordsPerPage, begin + (count - i));
    const sim::ObjectRef frame = FrameOf(at);
    k.t.Place(frame.kind, Field::kRecords);
    CheckPointer(k, at, 0, 8, object);
    k.t.Access(sim::Primitive::kRead, frame, Field::kRecords, 0, sim::kWholeField);
    k.mm.phys.ForEachWord(mm::PfnOf(at), [&](uint64_t word, uint64_t value) {
      if (word >= begin && word < end) words[i + (word - begin)] = value;
    });
    i += end - begin;
  }
  return words;
}

}  // namespace iommufd_check::liveupdate
