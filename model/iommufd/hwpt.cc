#include <algorithm>

#include "model/iommufd/io_pagetable.h"
#include "model/iommufd/ioctl.h"
#include "model/iommufd/object_table.h"

namespace iommufd_check::iommufd {
namespace {

// Drops what a HWPT holds and frees it; its id is gone already. LOCKS: ioas->mutex free or held.
void FreeHwpt(Kernel& k, HwptHandle h) {
  const IoasHandle ioas = Read(k, h, &Hwpt::ioas);
  const iommu::DomainHandle domain = Read(k, h, &Hwpt::domain);
  if (!domain.null()) domain_free(k.t, k.iommu, k.mm, domain);
  refcount_dec_and_test(k, KeyOf(ioas), &Object::users);
  Emit(k, sim::Note::kObjectFreed, h);
  k.s.hwpts.Free(h);
}

// False: it was not there (list_del of a poisoned entry).
bool Unlink(Kernel& k, IoasHandle ioas, HwptHandle h) {
  return Update(k, ioas, &Ioas::hwpt_list,
                [&](std::vector<HwptHandle>& list) { return std::erase(list, h) != 0; });
}

// Steps 2-10 of a manual HWPT_PAGING, under ioas->mutex.
int CreateLocked(Kernel& k, ContextHandle ctx, IoasHandle ioas, uint32_t* id) {
  const sim::Scope scope(k, sim::Fn::kIommufdHwptPagingAlloc, ioas);
  if (const int error = iommufd_object_alloc(k, Ref(k, ioas))) return error;
  const HwptHandle h = k.s.hwpts.Create(Hwpt{});
  Get(k, h).ioas.Raw() = ioas;
  ReserveId(k, ctx, KeyOf(h));
  refcount_inc(k, KeyOf(ioas), &Object::users);

  iommu::DomainHandle domain;
  int error = domain_alloc(k.t, k.iommu, k.mm, &domain);
  if (error == 0) {
    Get(k, h).domain.Raw() = domain;
    Emit(k, sim::Note::kDomainOfIoas, domain, Get(k, ioas).object.number());
    // iommufd_hwpt_paging_enforce_cc: the only store to this flag, before anybody can see it.
    Get(k, h).bits.Raw().enforce_cache_coherency = true;
    error = AddDomain(k, ioas, domain);
  }
  if (error == 0) {
    Update(k, ioas, &Ioas::hwpt_list, [&](std::vector<HwptHandle>& list) { list.push_back(h); });
    error = fail(k, sim::FaultSite::kCopyToUser, h);
    if (error != 0) {
      Unlink(k, ioas, h);
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

void Destroy(Kernel& k, ContextHandle, HwptHandle h) {
  const sim::Scope scope(k, sim::Fn::kIommufdHwptPagingDestroy, h);
  const IoasHandle ioas = Read(k, h, &Hwpt::ioas);
  mutex_lock(k, ioas, &Ioas::mutex);
  if (!Unlink(k, ioas, h)) Oops(k, sim::Splat::kUseAfterFree, h);
  mutex_unlock(k, ioas, &Ioas::mutex);
  RemoveDomain(k, ioas, Read(k, h, &Hwpt::domain));
  FreeHwpt(k, h);
}

int hwpt_alloc(Kernel& k, ContextHandle ctx, uint32_t device_id, uint32_t pt_id, uint32_t* id) {
  if (const int error = copy_from_user(k, Ref(ctx))) return error;
  const sim::Scope scope(k, sim::Fn::kIommufdHwptAlloc);
  const ObjectKey device = GetObject(k, ctx, device_id, ObjectType::kDevice);
  if (device.null()) return -sim::kENOENT;
  const ObjectKey parent = GetObject(k, ctx, pt_id, ObjectType::kNone);
  int error = -sim::kEINVAL;  // absent and unsuitable parents alike
  if (!parent.null() && parent.type == ObjectType::kIoas) {
    const IoasHandle ioas = parent.ioas();
    mutex_lock(k, ioas, &Ioas::mutex);
    error = CreateLocked(k, ctx, ioas, id);
    mutex_unlock(k, ioas, &Ioas::mutex);
  } else if (!parent.null() && parent.type == ObjectType::kHwptPaging) {
    error = -sim::kEOPNOTSUPP;  // a nested HWPT needs driver data, which this call does not carry
  }
  if (!parent.null()) PutObject(k, ctx, parent);
  PutObject(k, ctx, device);
  return error;
}

}  // namespace iommufd_check::iommufd
