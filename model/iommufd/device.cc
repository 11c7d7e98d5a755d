#include "model/iommufd/device.h"

#include <utility>

#include "model/iommufd/group.h"
#include "model/iommufd/ioctl.h"
#include "model/iommufd/object_table.h"

namespace iommufd_check::iommufd {
namespace {

// VFIO's own locks order what its descriptor does with the device.
constexpr uint8_t kByTheDriver = sim::kAccessMarked;

// iopt_table_enforce_dev_resv_regions and iopt_remove_reserved_iova: the devices of this machine
// have no reserved regions, but the lock is taken for them. They have no IOMMU_RESV_SW_MSI either,
// so iommufd_group_setup_msi leaves before it takes sw_msi_lock. LOCKS: igroup->lock held.
void ChangeReservedRegions(Kernel& k, HwptHandle hwpt) {
  const IoasHandle ioas = Read(k, hwpt, &Hwpt::ioas);
  down_write(k, ioas, iopt::iova_rwsem);
  up_write(k, ioas, iopt::iova_rwsem);
}

int AttachLocked(Kernel& k, DeviceHandle h, HwptHandle hwpt) {
  const sim::Scope scope(k, sim::Fn::kIommufdDeviceDoAttach);
  if (!Read(k, h, &Device::bound, kByTheDriver)) return -sim::kENOENT;  // it is closing the device
  if (!Read(k, h, &Device::attached).null()) return -sim::kEBUSY;
  ChangeReservedRegions(k, hwpt);
  int error = fail(k, sim::FaultSite::kAttachHandle, h);
  if (error == 0) {
    error = attach_group(k.t, k.iommu, Read(k, h, &Device::endpoint), Read(k, hwpt, &Hwpt::domain));
  }
  if (error != 0) {
    ChangeReservedRegions(k, hwpt);
    return error;
  }
  Write(k, h, &Device::attached, hwpt);
  refcount_inc(k, KeyOf(hwpt), &Object::users);
  refcount_inc(k, KeyOf(h), &Object::users);
  return 0;
}

void Detach(Kernel& k, DeviceHandle h) {
  const sim::Scope scope(k, sim::Fn::kIommufdDeviceDetach);
  const IgroupHandle igroup = Read(k, h, &Device::igroup);
  mutex_lock(k, igroup, &Igroup::lock);
  const HwptHandle hwpt = Read(k, h, &Device::attached);
  if (!hwpt.null()) {
    detach_group(k.t, k.iommu, Read(k, h, &Device::endpoint));
    Write(k, h, &Device::attached, {});
    ChangeReservedRegions(k, hwpt);
  }
  mutex_unlock(k, igroup, &Igroup::lock);
  if (hwpt.null()) return;
  refcount_dec_and_test(k, KeyOf(hwpt), &Object::users);
  refcount_dec_and_test(k, KeyOf(h), &Object::users);
}

int AttachTo(Kernel& k, ContextHandle ctx, DeviceHandle device, uint32_t pt_id) {
  const sim::Scope scope(k, sim::Fn::kIommufdDeviceAttach);
  const ObjectKey target = GetObject(k, ctx, pt_id, ObjectType::kNone);
  if (target.null()) return -sim::kENOENT;
  int error = -sim::kEINVAL;
  if (target.type == ObjectType::kHwptPaging) {
    const IgroupHandle igroup = Read(k, device, &Device::igroup);
    mutex_lock(k, igroup, &Igroup::lock);
    error = AttachLocked(k, device, target.hwpt());
    mutex_unlock(k, igroup, &Igroup::lock);
  }
  PutObject(k, ctx, target);
  return error;
}

}  // namespace

int device_bind(Kernel& k, ContextHandle ctx, uint16_t endpoint, uint32_t* id) {
  if (const int lost = copy_from_user(k, iommu::EndpointRef(endpoint))) return lost;
  const sim::Scope scope(k, sim::Fn::kIommufdDeviceBind);
  if (k.s.contexts.Find(ctx) == nullptr || !Read(k, ctx, mm::kFdOpen<Context>, mm::kInFdTable)) {
    return -sim::kEBADF;
  }
  if (endpoint >= k.iommu.endpoints.size()) return -sim::kENODEV;
  IgroupHandle group;
  int error = GetGroup(k, ctx, endpoint, &group);
  if (error != 0) return error;
  error = claim_dma_owner(k.t, k.iommu, endpoint);
  if (error == 0) {
    error = iommufd_object_alloc(k, Ref(ctx));
    if (error != 0) release_dma_owner(k.t, k.iommu, endpoint);
  }
  if (error != 0) {
    PutGroup(k, ctx, group, endpoint);
    return error;
  }
  const DeviceHandle h = k.s.devices.Create(Device{});
  Get(k, h).endpoint.Raw() = endpoint;
  Get(k, h).igroup.Raw() = group;
  ReserveId(k, ctx, KeyOf(h));
  get_file(k, ctx);
  refcount_inc(k, KeyOf(h), &Object::users);  // the driver's
  *id = Get(k, h).object.id;
  Publish(k, ctx, KeyOf(h));
  return 0;
}

int device_unbind(Kernel& k, ContextHandle ctx, uint32_t id) {
  const sim::Scope scope(k, sim::Fn::kIommufdDeviceUnbind);
  const ObjectKey key = GetDriversDevice(k, ctx, id);
  if (key.null()) return -sim::kENOENT;
  const DeviceHandle h = key.device();
  // The driver's reference is ours to drop: a second unbind of the same device finds no driver.
  const bool was_bound = Update(
      k, h, &Device::bound, [](bool& bound) { return std::exchange(bound, false); }, kByTheDriver);
  if (was_bound) Detach(k, h);
  PutObject(k, ctx, key);
  if (!was_bound) return -sim::kENOENT;
  const int error = RemoveReferenced(k, ctx, key);
  if (warn_on(k, error != 0, key, sim::Condition::kObjectInUse)) return error;
  Destroy(k, ctx, h);
  return 0;
}

void Destroy(Kernel& k, ContextHandle ctx, DeviceHandle h) {
  const sim::Scope scope(k, sim::Fn::kIommufdDeviceDestroy);
  const uint16_t endpoint = Read(k, h, &Device::endpoint);
  release_dma_owner(k.t, k.iommu, endpoint);
  PutGroup(k, ctx, Read(k, h, &Device::igroup), endpoint);
  Emit(k, sim::Note::kObjectFreed, h);
  k.s.devices.Free(h);
  fput(k, ctx);
}

int device_attach(Kernel& k, ContextHandle ctx, uint32_t id, uint32_t pt_id) {
  const ObjectKey device = GetDriversDevice(k, ctx, id);
  if (device.null()) return -sim::kENOENT;
  int error = copy_from_user(k, Ref(k, device));
  if (error == 0) error = AttachTo(k, ctx, device.device(), pt_id);
  PutObject(k, ctx, device);
  return error;
}

int device_detach(Kernel& k, ContextHandle ctx, uint32_t id) {
  const ObjectKey device = GetDriversDevice(k, ctx, id);
  if (device.null()) return -sim::kENOENT;
  const int error = copy_from_user(k, Ref(k, device));
  if (error == 0) Detach(k, device.device());
  PutObject(k, ctx, device);
  return error;
}

}  // namespace iommufd_check::iommufd
