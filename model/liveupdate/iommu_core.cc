#include "model/liveupdate/iommu_core.h"

#include <array>

#include "model/liveupdate/kho.h"
#include "model/sim/check.h"

namespace iommufd_check::liveupdate {
namespace {

constexpr sim::ObjectRef kFlbRef{sim::ObjectKind::kFlb, 0};
constexpr int kArrays = 3;  // domains, devices, IOMMU units

PhysAddr AllocFlbPage(Kernel& k, uint64_t size) {
  return kho_alloc_preserve(k, size, mm::FrameOwner::kFlbSer, kFlbRef);
}

void FreeArray(Kernel& k, PhysAddr page) {
  while (page != 0) {
    const PhysAddr next = load(k, page, kArrayNext.offset, kArrayNext.bytes, kFlbRef);
    kho_unpreserve_free(k, page, kFlbRef);
    page = next;
  }
}

// RESERVE_RECORD(domain): the next slot of the array, a new page when the last is full. `flb`: the
// object that get_outgoing gave.
PhysAddr ReserveRecord(Kernel& k, PhysAddr flb, const CoreRules& rules) {
  const sim::Scope scope(k, sim::Fn::kReserveObjSer);
  if (const int error = fail(k, sim::FaultSite::kReserveRecord, kFlbRef)) return ErrPtr(error);
  PhysAddr page = load(k, flb, kFlbDomains.offset, kFlbDomains.bytes, kFlbRef);
  for (;;) {
    const PhysAddr next = load(k, page, kArrayNext.offset, kArrayNext.bytes, kFlbRef);
    if (next == 0) break;
    page = next;
  }
  uint64_t used = load(k, page, kArrayUsed.offset, kArrayUsed.bytes, kFlbRef);
  // Whatever the page says by now is believed: a wild count or pointer ends in an oops of store().
  if (used >= (mm::kPageSize - kArrayHeader) / rules.record.size) {
    const PhysAddr added = AllocFlbPage(k, mm::kPageSize);
    if (IsErr(added)) return added;
    store(k, page, kArrayNext.offset, kArrayNext.bytes, added, kFlbRef);
    page = added;
    used = 0;
  }
  store(k, page, kArrayUsed.offset, kArrayUsed.bytes, used + 1, kFlbRef);
  const PhysAddr record = page + kArrayHeader + used * rules.record.size;
  store(k, record, rules.record.ref_count.offset, rules.record.ref_count.bytes, 1, kFlbRef);
  return record;
}

void MarkDeleted(Kernel& k, PhysAddr record, const CoreRules& rules) {
  const FieldLayout& flags = rules.record.flags;
  const uint64_t value = load(k, record, flags.offset, flags.bytes, kFlbRef);
  store(k, record, flags.offset, flags.bytes, value | kRecordDeleted, kFlbRef);
}

// ops->preserve of generic page tables: registers every table, or none.
int PreserveTables(Kernel& k, iommu::DomainHandle domain) {
  const sim::Scope scope(k, sim::Fn::kIommuPreservePages, domain);
  const std::vector<Pfn> tables = iommu_tables(k.t, k.iommu, k.mm, domain);
  for (size_t i = 0; i < tables.size(); ++i) {
    const int error = kho_preserve_folio(k, tables[i], Ref(domain), sim::FaultSite::kPreserveTable);
    if (error == 0) continue;
    while (i > 0) kho_unpreserve_folio(k, tables[--i], Ref(domain));
    return error;
  }
  return 0;
}

// Walks the *current* table, as generic page tables do (B34b).
void UnpreserveTables(Kernel& k, iommu::DomainHandle domain) {
  const sim::Scope scope(k, sim::Fn::kIommuUnpreservePages, domain);
  for (Pfn table : iommu_tables(k.t, k.iommu, k.mm, domain)) {
    kho_unpreserve_folio(k, table, Ref(domain));
  }
}

int PreserveLocked(Kernel& k, PhysAddr flb, iommu::DomainHandle domain, const CoreRules& rules,
                   PhysAddr* record) {
  if (rules.refuse_double && Read(k, domain, &iommu::Domain::preserved_state) != 0) {
    return -sim::kEBUSY;
  }
  const PhysAddr reserved = ReserveRecord(k, flb, rules);
  if (IsErr(reserved)) return PtrErr(reserved);
  const int error = PreserveTables(k, domain);
  if (error != 0) {
    MarkDeleted(k, reserved, rules);
    return error;
  }
  const Pfn top = Read(k, domain, &iommu::Domain::top);
  store(k, reserved, rules.record.top_table.offset, rules.record.top_table.bytes,
        mm::AddressOf(top), kFlbRef);
  store(k, reserved, rules.record.top_level.offset, rules.record.top_level.bytes,
        iommu::kLevels - 1, kFlbRef);
  Write(k, domain, &iommu::Domain::preserved_state, reserved);
  Emit(k, sim::Note::kDomainPreserved, domain, static_cast<int64_t>(reserved));
  *record = reserved;
  return 0;
}

// get_outgoing: 0 is ENOENT, no preserved file holds the FLB.
PhysAddr GetFlb(Kernel& k, const CoreRules& rules) {
  const sim::Scope scope(k, sim::Fn::kLiveupdateFlbGetOutgoing);
  mutex_lock(k.t, k.lu.flb_lock);
  const PhysAddr flb_ser = Read(k.t, k.lu.flb, kFlbRef).data;
  if (flb_ser != 0 && rules.gets != FlbGets::kUncounted) {
    Update(k.t, k.lu.flb, kFlbRef, [](FlbOutgoing& flb) { ++flb.count; });
  }
  mutex_unlock(k.t, k.lu.flb_lock);
  return flb_ser;
}

void PutFlb(Kernel& k, const CoreRules& rules) {
  if (rules.gets != FlbGets::kPaired) return;
  mutex_lock(k.t, k.lu.flb_lock);
  Update(k.t, k.lu.flb, kFlbRef, [](FlbOutgoing& flb) { --flb.count; });
  mutex_unlock(k.t, k.lu.flb_lock);
}

}  // namespace

int flb_preserve(Kernel& k) {
  const sim::Scope scope(k, sim::Fn::kIommuLiveupdateFlbPreserve);
  if (const int failed = fail(k, sim::FaultSite::kFlbPreserve, kFlbRef)) return failed;
  const PhysAddr header = AllocFlbPage(k, kFlbSize);
  if (IsErr(header)) return PtrErr(header);
  std::array<PhysAddr, kArrays> arrays{};
  for (int i = 0; i < kArrays; ++i) {
    arrays[i] = AllocFlbPage(k, mm::kPageSize);
    if (IsErr(arrays[i])) {
      const int error = PtrErr(arrays[i]);
      while (i > 0) FreeArray(k, arrays[--i]);
      kho_unpreserve_free(k, header, kFlbRef);
      return error;
    }
    store(k, header, kFlbDomains.offset + 8 * static_cast<uint64_t>(i), 8, arrays[i], kFlbRef);
  }
  Update(k.t, k.lu.flb, kFlbRef, [&](FlbOutgoing& flb) { flb.data = header; });
  return 0;
}

void flb_unpreserve(Kernel& k) {
  const sim::Scope scope(k, sim::Fn::kIommuLiveupdateFlbUnpreserve);
  const PhysAddr header = Read(k.t, k.lu.flb, kFlbRef).data;
  for (int i = kArrays - 1; i >= 0; --i) {
    FreeArray(k, load(k, header, kFlbDomains.offset + 8 * static_cast<uint64_t>(i), 8, kFlbRef));
  }
  kho_unpreserve_free(k, header, kFlbRef);
  Update(k.t, k.lu.flb, kFlbRef, [](FlbOutgoing& flb) { flb.data = 0; });
}

int iommu_domain_preserve(Kernel& k, iommu::DomainHandle domain, const CoreRules& rules,
                          PhysAddr* record) {
  const sim::Scope scope(k, sim::Fn::kIommuDomainPreserve, domain);
  int error = fail(k, sim::FaultSite::kIommuDomainPreserve, domain);
  if (error != 0) return error;
  const PhysAddr flb = GetFlb(k, rules);
  if (flb == 0) return -sim::kENOENT;
  mutex_lock(k.t, k.lu.flb_object_mutex);
  error = PreserveLocked(k, flb, domain, rules, record);
  mutex_unlock(k.t, k.lu.flb_object_mutex);
  PutFlb(k, rules);
  return error;
}

void iommu_domain_unpreserve(Kernel& k, iommu::DomainHandle domain, const CoreRules& rules) {
  const sim::Scope scope(k, sim::Fn::kIommuDomainUnpreserve, domain);
  const PhysAddr record = Read(k, domain, &iommu::Domain::preserved_state);
  if (record == 0) {
    Emit(k, sim::Note::kDomainPreserveMissing, domain);
    if (rules.tolerate_missing) return;
    Oops(k, sim::Splat::kNullDereference, domain);
  }
  GetFlb(k, rules);
  mutex_lock(k.t, k.lu.flb_object_mutex);
  UnpreserveTables(k, domain);
  MarkDeleted(k, record, rules);
  Write(k, domain, &iommu::Domain::preserved_state, 0);
  Emit(k, sim::Note::kDomainUnpreserved, domain);
  mutex_unlock(k.t, k.lu.flb_object_mutex);
  PutFlb(k, rules);
}

}  // namespace iommufd_check::liveupdate
