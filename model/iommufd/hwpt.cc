#include "model/iommufd/hwpt.h"

#include <algorithm>

#include "model/iommufd/io_pagetable.h"
#include "model/iommufd/ioctl.h"
#include "model/iommufd/object_table.h"
#include "model/sim/check.h"

namespace iommufd_check::iommufd {
namespace {

// Drops what a HWPT holds and frees it; its id is gone already. LOCKS: ioas->mutex free or held.
void FreeHwpt(Kernel& k, HwptHandle h) {
  const IoasHandle ioas = Get(k, h).ioas;
  if (!Get(k, h).domain.null()) domain_free(k.t, k.iommu, k.mm, Get(k, h).domain);
  refcount_dec_and_test(k.t, Get(k, ioas).object.users, Ref(k, ioas));
  k.t.Emit(sim::Note::kObjectFreed, Ref(k, h));
  k.s.hwpts.Free(h);
}

// Steps 2-10 of a manual HWPT_PAGING, under ioas->mutex.
int CreateLocked(Kernel& k, ContextHandle ctx, IoasHandle ioas, uint32_t* id) {
  if (should_fail(k.t, sim::FaultSite::kObjectAlloc, Ref(k, ioas))) return -sim::kENOMEM;
  const HwptHandle h = k.s.hwpts.Create(Hwpt{});
  Get(k, h).ioas = ioas;
  ReserveId(k, ctx, KeyOf(h));
  refcount_inc(k.t, Get(k, ioas).object.users, Ref(k, ioas));

  iommu::DomainHandle domain;
  int error = domain_alloc(k.t, k.iommu, k.mm, &domain);
  if (error == 0) {
    Get(k, h).domain = domain;
    k.t.Emit(sim::Note::kDomainOfIoas, Ref(domain), Get(k, ioas).object.id);
    error = AddDomain(k, ioas, domain);
  }
  if (error == 0) {
    Get(k, ioas).hwpt_list.Modify(k.t, Ref(k, ioas)).push_back(h);
    if (should_fail(k.t, sim::FaultSite::kCopyToUser, Ref(k, h))) {
      error = -sim::kEFAULT;
      auto& list = Get(k, ioas).hwpt_list.Modify(k.t, Ref(k, ioas));
      list.erase(std::find(list.begin(), list.end(), h));
      RemoveDomain(k, ioas, domain);
    }
  }
  if (error != 0) {
    AbortId(k, ctx, KeyOf(h));
    FreeHwpt(k, h);
    return error;
  }
  *id = Get(k, h).object.id;
  Publish(k, ctx, KeyOf(h));
  return 0;
}

}  // namespace

void HwptDestroy(Kernel& k, HwptHandle h) {
  const IoasHandle ioas = Get(k, h).ioas;
  mutex_lock(k.t, Get(k, ioas).mutex);
  auto& list = Get(k, ioas).hwpt_list.Modify(k.t, Ref(k, ioas));
  const auto position = std::find(list.begin(), list.end(), h);
  IOMMUFD_CHECK(position != list.end(), "a published HWPT is on the list of its IOAS");
  list.erase(position);
  mutex_unlock(k.t, Get(k, ioas).mutex);
  RemoveDomain(k, ioas, Get(k, h).domain);
  FreeHwpt(k, h);
}

int hwpt_alloc(Kernel& k, ContextHandle ctx, uint32_t device_id, uint32_t pt_id, uint32_t* id) {
  const ObjectKey device = GetObject(k, ctx, device_id, ObjectType::kDevice);
  if (device.null()) return -sim::kENOENT;
  const ObjectKey parent = GetObject(k, ctx, pt_id, ObjectType::kNone);
  int error = -sim::kEINVAL;  // absent and unsuitable parents alike
  if (!parent.null() && parent.type == ObjectType::kIoas) {
    const IoasHandle ioas = parent.ioas();
    mutex_lock(k.t, Get(k, ioas).mutex);
    error = CreateLocked(k, ctx, ioas, id);
    mutex_unlock(k.t, Get(k, ioas).mutex);
  } else if (!parent.null() && parent.type == ObjectType::kHwptPaging) {
    error = -sim::kEOPNOTSUPP;  // a nested HWPT needs driver data, which this call does not carry
  }
  if (!parent.null()) PutObject(k, parent);
  PutObject(k, device);
  return error;
}

}  // namespace iommufd_check::iommufd
