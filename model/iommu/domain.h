// Paging domains of the IOMMU core: allocation, iommu_map / iommu_unmap on a table in frames.
//
// LOCKS: group->mutex around a group's owner and domain. None for tables: the caller guarantees
// that no two tasks change overlapping ranges, as iommufd does with domains_rwsem and pages->mutex.
// Preservation of a domain lives in model/liveupdate; here is only the field that the core keeps
// for it.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "model/iommu/table_format.h"
#include "model/mm/machine.h"
#include "model/sim/access.h"
#include "model/sim/slots.h"

namespace iommufd_check::iommu {

struct Domain {
  static constexpr sim::ObjectKind kKind = sim::ObjectKind::kDomain;
  sim::Const<mm::Pfn, sim::Field::kDomainTop> top;
  // domain->preserved_state: physical address of its record in the FLB array; 0 is NULL.
  sim::Shared<mm::PhysAddr, sim::Field::kDomainPreserved> preserved_state;

  friend bool operator==(const Domain&, const Domain&) = default;
  template <class Visitor, class... Self>
  static constexpr void Visit(Visitor&& v, Self&... s) {
    v("top", s.top...);
    v("preserved_state", s.preserved_state...);
  }
};
using DomainHandle = sim::Handle<Domain>;

// A device as the IOMMU core and its hardware know it, alone in its group.
struct Endpoint {
  sim::LockId group_mutex;  // group->mutex: guards both
  sim::Shared<bool, sim::Field::kDmaOwner> dma_owner_claimed;
  sim::Shared<DomainHandle, sim::Field::kDmaDomain> domain;  // null: the blocking domain
  friend bool operator==(const Endpoint&, const Endpoint&) = default;
  static constexpr size_t kUnseen = 1;  // which slot its lock has
  template <class Visitor, class... Self>
  static constexpr void Visit(Visitor&& v, Self&... s) {
    v("claimed", s.dma_owner_claimed...);
    v("domain", s.domain...);
  }
};

struct State {
  sim::Slots<Domain> domains;
  std::vector<Endpoint> endpoints;  // one per device of the machine

  friend bool operator==(const State&, const State&) = default;
  template <class Visitor, class... Self>
  static constexpr void Visit(Visitor&& v, Self&... s) {
    v("domains", s.domains...);
    v("endpoints", s.endpoints...);
  }
};

// What a task sees of this layer.
struct View {
  sim::Task& t;
  State& iommu;
  mm::Machine& mm;
};

inline sim::ObjectRef EndpointRef(uint16_t index) { return {sim::ObjectKind::kEndpoint, index}; }

inline Domain& Get(sim::Task& t, State& iommu, DomainHandle h) { return Live(t, iommu.domains, h); }
inline Domain& Get(View& view, DomainHandle h) { return Get(view.t, view.iommu, h); }

// iommu_device_claim_dma_owner: EBUSY when it is claimed. FAULTS: claim_dma_owner (EPERM).
// LOCKS: these four take group->mutex.
int claim_dma_owner(sim::Task& t, State& iommu, uint16_t endpoint);
void release_dma_owner(sim::Task& t, State& iommu, uint16_t endpoint);
// iommu_attach_group_handle: points the hardware to the domain, or ENOMEM and nothing changes.
// FAULTS: device_attach.
int attach_group(sim::Task& t, State& iommu, uint16_t endpoint, DomainHandle domain);
// iommu_detach_group_handle: back to the blocking domain.
void detach_group(sim::Task& t, State& iommu, uint16_t endpoint);

// ENOMEM. FAULTS: domain_alloc, iommu_alloc_pages.
int domain_alloc(sim::Task& t, State& iommu, mm::Machine& mm, DomainHandle* out);

// Frees the table, depth first, and the domain.
void domain_free(sim::Task& t, State& iommu, mm::Machine& mm, DomainHandle h);

// Maps [iova, iova + pages*4K) to consecutive frames from `pfn`. On error (ENOMEM, ERANGE,
// EADDRINUSE) what this call mapped is unmapped again; tables it added stay, empty.
// FAULTS: iommu_map, iommu_alloc_pages.
int iommu_map(sim::Task& t, State& iommu, mm::Machine& mm, DomainHandle h, mm::Iova iova,
              mm::Pfn pfn, uint64_t pages, uint64_t permissions);

// Unmaps [iova, iova + pages*4K) and frees each table whose whole span lies inside the range.
// Returns the number of pages that were mapped. Cannot fail.
uint64_t iommu_unmap(sim::Task& t, State& iommu, mm::Machine& mm, DomainHandle h, mm::Iova iova,
                     uint64_t pages);

// What `iova` reaches as the driver reads its own table (iommu_iova_to_phys); nothing: not mapped.
std::optional<mm::PhysAddr> iommu_iova_to_phys(sim::Task& t, State& iommu, mm::Machine& mm,
                                               DomainHandle h, mm::Iova iova);
// The same of [iova, iova + pages*4K), as runs of consecutive frames: ends before the first page
// that is not mapped. One walk for each table of leaves, where iommu_iova_to_phys walks for each
// page.
std::vector<mm::PfnRun> iommu_iova_to_runs(sim::Task& t, State& iommu, mm::Machine& mm,
                                           DomainHandle h, mm::Iova iova, uint64_t pages);
// Every table of the domain, the top one first, as a walk finds them.
std::vector<mm::Pfn> iommu_tables(sim::Task& t, State& iommu, mm::Machine& mm, DomainHandle h);

}  // namespace iommufd_check::iommu
