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

// The descriptor table orders what happens to one of its entries.
inline constexpr uint8_t kInFdTable = sim::kAccessMarked;

struct Kernel {
  sim::Task& t;
  mm::Machine& mm;
  iommu::State& iommu;
  State& s;
  Hooks& hooks;
};

template <class T>
  requires(kSlotsOf<T> != nullptr)
T& Get(Kernel& k, sim::Handle<T> h) {
  return Live(k.t, k.s.*kSlotsOf<T>, h);
}
inline iommu::Domain& Get(Kernel& k, iommu::DomainHandle h) { return Get(k.t, k.iommu, h); }
inline mm::Memfd& Get(Kernel& k, mm::MemfdHandle h) { return Get(k.t, k.mm, h); }
using sim::Ref;

// The entry of the descriptor table, as events name it: it is there, and read, also when the file
// that it named is gone, so it must not be an object that is freed with the file.
inline sim::ObjectRef DescriptorRef(ContextHandle h) { return Ref(h); }

// fget(): looks the descriptor up and takes a reference on its file in one go, as RCU and
// get_file_rcu() make it look, so that a close in between cannot free the file. False: not open.
// `slots` holds objects with a descriptor (fd_open) and a file.
template <class T>
bool fget(Kernel& k, sim::Slots<T>& slots, sim::Handle<T> h) {
  const sim::ObjectRef descriptor = DescriptorRef(h);
  k.t.Place(descriptor.kind, sim::Field::kFdOpen);
  k.t.Access(sim::Primitive::kRead, descriptor, sim::Field::kFdOpen, kInFdTable);
  T* object = slots.Find(h);
  if (object == nullptr || !object->fd_open.Peek()) return false;
  refcount_inc(k.t, object->file, Ref(h));
  return true;
}

// close_fd(): takes the descriptor out of the table in one go. False: it was not open. The caller
// puts the file.
template <class T>
bool close_fd(Kernel& k, sim::Slots<T>& slots, sim::Handle<T> h) {
  const sim::ObjectRef descriptor = DescriptorRef(h);
  k.t.Place(descriptor.kind, sim::Field::kFdOpen);
  T* object = slots.Find(h);
  const bool open = object != nullptr && object->fd_open.Peek();
  const auto how = open ? sim::Primitive::kWrite : sim::Primitive::kRead;
  k.t.Access(how, descriptor, sim::Field::kFdOpen, kInFdTable);
  if (object == nullptr) return false;
  return std::exchange(object->fd_open.Raw(), false);
}

// Sets iopt->immutable and notes a change between "may change" and "may not".
void SetImmutable(Kernel& k, IoasHandle ioas, uint32_t value, uint8_t marks = 0);

}  // namespace iommufd_check::iommufd
