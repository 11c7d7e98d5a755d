#include "model/liveupdate/kho.h"

#include <algorithm>
#include <bit>

#include "model/sim/check.h"

namespace iommufd_check::liveupdate {
namespace {

constexpr uint64_t kMaxOrderBytes = mm::kPageSize << 10;  // MAX_PAGE_ORDER 10
constexpr sim::ObjectRef kKhoRef{sim::ObjectKind::kKho, 0};

uint64_t PagesOf(uint64_t size) {
  return std::bit_ceil((size + mm::kPageSize - 1) >> mm::kPageShift);
}

void SetBit(Kernel& k, Pfn pfn, sim::ObjectRef owner) {
  IOMMUFD_CHECK(k.mm.phys.Exists(pfn), "a page that is registered exists");
  IOMMUFD_CHECK(owner.kind != sim::ObjectKind::kNone, "a registration is on somebody's behalf");
  mutex_lock(k.t, k.lu.kho.radix_mutex);
  Update(k.t, k.lu.kho.preserved, kKhoRef, [&](std::vector<Pfn>& set) {
    const auto position = std::lower_bound(set.begin(), set.end(), pfn);
    if (position == set.end() || *position != pfn) set.insert(position, pfn);
  });
  k.t.Emit(sim::Note::kKhoAdd, owner, static_cast<int64_t>(pfn));
  mutex_unlock(k.t, k.lu.kho.radix_mutex);
}

// Handed-over memory is accessed by fields; a field is the word of the frame that it begins in.
sim::ObjectRef FrameOf(PhysAddr address) {
  return {sim::ObjectKind::kFrame, static_cast<uint16_t>(mm::PfnOf(address) - mm::kFirstPfn)};
}
uint16_t WordOf(PhysAddr address) { return static_cast<uint16_t>(address >> 3 & 511); }

void CheckPointer(Kernel& k, PhysAddr memory, uint64_t offset, int bytes, sim::ObjectRef object) {
  IOMMUFD_CHECK(bytes >= 1 && bytes <= 8, "a field has one to eight bytes");
  if (memory == 0) k.t.Oops(sim::Splat::kNullDereference, object);
  if (IsErr(memory)) k.t.Oops(sim::Splat::kBadPointer, object, PtrErr(memory));
  for (const uint64_t end : {uint64_t{0}, static_cast<uint64_t>(bytes) - 1}) {
    const Pfn pfn = mm::PfnOf(memory + offset + end);
    if (!k.mm.phys.Exists(pfn) || k.mm.phys.at(pfn).owner == mm::FrameOwner::kFree) {
      k.t.Oops(sim::Splat::kUseAfterFree, object, static_cast<int64_t>(pfn));
    }
  }
}

}  // namespace

int kho_preserve_page(Kernel& k, Pfn pfn, sim::ObjectRef owner, sim::FaultSite site) {
  if (should_fail(k.t, site, owner)) return FailureOf(site);
  SetBit(k, pfn, owner);
  return 0;
}

void kho_unpreserve_page(Kernel& k, Pfn pfn, sim::ObjectRef owner) {
  mutex_lock(k.t, k.lu.kho.radix_mutex);
  Update(k.t, k.lu.kho.preserved, kKhoRef, [&](std::vector<Pfn>& set) {
    const auto position = std::lower_bound(set.begin(), set.end(), pfn);
    if (position != set.end() && *position == pfn) set.erase(position);
  });
  k.t.Emit(sim::Note::kKhoDel, owner, static_cast<int64_t>(pfn));
  mutex_unlock(k.t, k.lu.kho.radix_mutex);
}

PhysAddr kho_alloc_preserve(Kernel& k, uint64_t size, mm::FrameOwner owner, sim::ObjectRef object) {
  IOMMUFD_CHECK(owner != mm::FrameOwner::kUserMemory && owner != mm::FrameOwner::kPageTable,
                "memory that is born registered is the kernel's own record");
  if (size == 0) return ErrPtr(-sim::kEINVAL);
  if (size > kMaxOrderBytes) return ErrPtr(-sim::kE2BIG);
  if (should_fail(k.t, sim::FaultSite::kKhoAllocPreserve, object)) {
    k.t.Emit(sim::Note::kCalleeFailed, object, -sim::kENOMEM);
    return ErrPtr(-sim::kENOMEM);
  }
  const auto first = k.mm.phys.Alloc(k.t, owner, PagesOf(size));
  if (!first.has_value()) return ErrPtr(-sim::kENOMEM);
  for (uint64_t i = 0; i < PagesOf(size); ++i) SetBit(k, *first + i, object);
  return mm::AddressOf(*first);
}

void kho_unpreserve_free(Kernel& k, PhysAddr memory, uint64_t size, sim::ObjectRef object) {
  if (memory == 0) return;
  CheckPointer(k, memory, 0, 1, object);
  IOMMUFD_CHECK(memory % mm::kPageSize == 0, "allocations start at a page");
  for (uint64_t i = 0; i < PagesOf(size); ++i) {
    kho_unpreserve_page(k, mm::PfnOf(memory) + i, object);
    k.mm.phys.Put(k.t, mm::PfnOf(memory) + i);
  }
}

void store(Kernel& k, PhysAddr memory, uint64_t offset, int bytes, uint64_t value,
           sim::ObjectRef object) {
  const sim::ObjectRef frame = FrameOf(memory + offset);
  k.t.Place(frame.kind, Field::kRecords);
  CheckPointer(k, memory, offset, bytes, object);
  k.t.Access(sim::Primitive::kWrite, frame, Field::kRecords, sim::kAccessWord,
             WordOf(memory + offset));
  k.mm.phys.WriteField(memory + offset, bytes, value);
}

uint64_t load(Kernel& k, PhysAddr memory, uint64_t offset, int bytes, sim::ObjectRef object) {
  const sim::ObjectRef frame = FrameOf(memory + offset);
  k.t.Place(frame.kind, Field::kRecords);
  CheckPointer(k, memory, offset, bytes, object);
  k.t.Access(sim::Primitive::kRead, frame, Field::kRecords, 0, WordOf(memory + offset));
  return k.mm.phys.ReadField(memory + offset, bytes);
}

}  // namespace iommufd_check::liveupdate
