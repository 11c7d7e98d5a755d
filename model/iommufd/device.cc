#include "model/iommufd/device.h"

#include <utility>

#include "model/iommufd/ioctl.h"
#include "model/iommufd/object_table.h"
#include "model/sim/runtime.h"

namespace iommufd_check::iommufd {
namespace {

// VFIO's own locks order what its descriptor does with the device.
constexpr uint8_t kByTheDriver = sim::kAccessMarked;

// iopt_table_enforce_dev_resv_regions and iopt_remove_reserved_iova: the devices of this machine
// have no reserved regions, but the lock is taken for them. LOCKS: igroup->lock held.
void ChangeReservedRegions(Kernel& k, HwptHandle hwpt) {
  const sim::LockId lock = Get(k, Read(k, hwpt, &Hwpt::ioas)).iopt.iova_rwsem;
  down_write(k.t, lock);
  up_write(k.t, lock);
}

int AttachLocked(Kernel& k, DeviceHandle h, HwptHandle hwpt) {
  const sim::Scope scope(k.t, sim::Fn::kIommufdDeviceDoAttach);
  if (!Read(k, h, &Device::bound, kByTheDriver)) return -sim::kENOENT;  // it is closing the device
  if (!Read(k, h, &Device::attached).null()) return -sim::kEBUSY;
  ChangeReservedRegions(k, hwpt);
  if (should_fail(k.t, sim::FaultSite::kDeviceAttach, Ref(k, h))) {
    ChangeReservedRegions(k, hwpt);
    return -sim::kENOMEM;
  }
  set_group_domain(k.t, k.iommu, Read(k, h, &Device::endpoint), Read(k, hwpt, &Hwpt::domain));
  Write(k, h, &Device::attached, hwpt);
  refcount_inc(k, KeyOf(hwpt), &Object::users);
  refcount_inc(k, KeyOf(h), &Object::users);
  return 0;
}

void Detach(Kernel& k, DeviceHandle h) {
  const sim::Scope scope(k.t, sim::Fn::kIommufdDeviceDetach);
  mutex_lock(k.t, Get(k, h).igroup_lock);
  const HwptHandle hwpt = Read(k, h, &Device::attached);
  if (!hwpt.null()) {
    set_group_domain(k.t, k.iommu, Read(k, h, &Device::endpoint), {});
    Write(k, h, &Device::attached, {});
    ChangeReservedRegions(k, hwpt);
  }
  mutex_unlock(k.t, Get(k, h).igroup_lock);
  if (hwpt.null()) return;
  refcount_dec_and_test(k, KeyOf(hwpt), &Object::users);
  refcount_dec_and_test(k, KeyOf(h), &Object::users);
}

}  // namespace

int device_bind(Kernel& k, ContextHandle ctx, uint16_t endpoint, uint32_t* id) {
  const sim::Scope scope(k.t, sim::Fn::kIommufdDeviceBind);
  if (k.s.contexts.Find(ctx) == nullptr || !Read(k, ctx, &Context::fd_open, kInFdTable)) {
    return -sim::kEBADF;
  }
  if (endpoint >= k.iommu.endpoints.size()) return -sim::kENODEV;
  const int error = claim_dma_owner(k.t, k.iommu, endpoint);
  if (error != 0) return error;
  if (should_fail(k.t, sim::FaultSite::kObjectAlloc)) {
    release_dma_owner(k.t, k.iommu, endpoint);
    return -sim::kENOMEM;
  }
  const DeviceHandle h = k.s.devices.Create(Device{});
  Get(k, h).endpoint.Raw() = endpoint;
  ReserveId(k, ctx, KeyOf(h));
  Get(k, h).igroup_lock = k.t.runtime().locks().Create(sim::LockClass::kIgroupLock, Ref(k, h));
  iommufd_get_file(k, ctx);
  refcount_inc(k, KeyOf(h), &Object::users);  // the driver's
  *id = Get(k, h).object.id;
  Publish(k, ctx, KeyOf(h));
  return 0;
}

int device_unbind(Kernel& k, ContextHandle ctx, uint32_t id) {
  const sim::Scope scope(k.t, sim::Fn::kIommufdDeviceUnbind);
  const ObjectKey key = GetObject(k, ctx, id, ObjectType::kDevice);
  if (key.null()) return -sim::kENOENT;
  const DeviceHandle h = key.device();
  // The driver's reference is ours to drop: a second unbind of the same device finds no driver.
  const bool was_bound = Update(
      k, h, &Device::bound, [](bool& bound) { return std::exchange(bound, false); }, kByTheDriver);
  if (was_bound) Detach(k, h);
  PutObject(k, ctx, key);
  if (!was_bound) return -sim::kENOENT;
  const int error = RemoveReferenced(k, ctx, key);
  if (warn_on(k.t, error != 0, Ref(k, key), sim::Condition::kObjectInUse)) return error;
  DestroyHook(k, ctx, key.type, key.slot, key.generation);
  return 0;
}

int device_attach(Kernel& k, ContextHandle ctx, uint32_t id, uint32_t pt_id) {
  const sim::Scope scope(k.t, sim::Fn::kIommufdDeviceAttach);
  const ObjectKey device = GetObject(k, ctx, id, ObjectType::kDevice);
  if (device.null()) return -sim::kENOENT;
  const ObjectKey target = GetObject(k, ctx, pt_id, ObjectType::kNone);
  int error = -sim::kENOENT;
  if (!target.null()) {
    error = -sim::kEINVAL;
    if (target.type == ObjectType::kHwptPaging) {
      mutex_lock(k.t, Get(k, device.device()).igroup_lock);
      error = AttachLocked(k, device.device(), target.hwpt());
      mutex_unlock(k.t, Get(k, device.device()).igroup_lock);
    }
    PutObject(k, ctx, target);
  }
  PutObject(k, ctx, device);
  return error;
}

int device_detach(Kernel& k, ContextHandle ctx, uint32_t id) {
  const ObjectKey device = GetObject(k, ctx, id, ObjectType::kDevice);
  if (device.null()) return -sim::kENOENT;
  Detach(k, device.device());
  PutObject(k, ctx, device);
  return 0;
}

}  // namespace iommufd_check::iommufd
