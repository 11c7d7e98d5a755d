// What one task sees while it is inside the kernel: the state it may touch and the hooks that the
// live-update design under test adds to iommufd's own paths.
#pragma once

#include <utility>

#include "model/iommufd/state.h"

namespace iommufd_check::iommufd {

struct Kernel;

// The gates of a design inside the paths of designs.md section 1. The default is 7.2 without live
// update: nothing is refused. Return 0 or a negative errno.
class Hooks {
 public:
  virtual ~Hooks() = default;
  // B-MAP step 2. LOCKS: iova_rwsem W.
  virtual int MapInsert(Kernel&, IoasHandle) { return 0; }
  // B-MAP step 2 has inserted an area without pages. LOCKS: iova_rwsem W.
  virtual void AreaInserted(Kernel&, IoasHandle) {}
  // Such an area is published, or out of the tree again, since this critical section. LOCKS:
  // iova_rwsem W.
  virtual void AreaSettled(Kernel&, IoasHandle) {}
  // B-MAP step 3, before filling. LOCKS: domains_rwsem R, held until the area is published.
  virtual int MapFill(Kernel&, IoasHandle) { return 0; }
  // B-UNMAP `again:`. LOCKS: domains_rwsem R, iova_rwsem W.
  virtual int Unmap(Kernel&, IoasHandle) { return 0; }
  // iopt_abort_area. LOCKS: iova_rwsem W.
  virtual void AbortArea(Kernel&, IoasHandle) {}
  // iopt_alloc_file_pages, before pinning.
  virtual void FilePagesAllocated(Kernel&, PagesHandle) {}
};

struct Kernel {
  sim::Task& t;
  mm::Machine& mm;
  iommu::State& iommu;
  State& s;
  Hooks& hooks;
};

// The table that has the objects of a type, and the object, or an oops (sim::Live).
template <class T>
  requires(kSlotsOf<T> != nullptr)
sim::Slots<T>& SlotsOf(Kernel& k, sim::Handle<T>) {
  return k.s.*kSlotsOf<T>;
}
inline sim::Slots<mm::Memfd>& SlotsOf(Kernel& k, mm::MemfdHandle) { return k.mm.memfds; }
inline sim::Slots<iommu::Domain>& SlotsOf(Kernel& k, iommu::DomainHandle) {
  return k.iommu.domains;
}
template <class T>
T& Get(Kernel& k, sim::Handle<T> h) {
  return Live(k.t, SlotsOf(k, h), h);
}
using sim::Ref;

// The last reference of the file is gone (mm/file.h). Of an iommufd it destroys every object and
// the context (objects.md section 6).
void Release(Kernel& k, ContextHandle ctx);
inline void Release(Kernel& k, mm::MemfdHandle h) {
  mm::View view{k.t, k.mm};
  Release(view, h);
}
using mm::close_fd;
using mm::fget;
using mm::fput;
using mm::get_file;

// Sets iopt->immutable and notes a change between "may change" and "may not".
void SetImmutable(Kernel& k, IoasHandle ioas, uint32_t value, uint8_t marks = 0);

}  // namespace iommufd_check::iommufd
