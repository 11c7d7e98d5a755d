#include "model/iommufd/device.h"

#include "model/iommufd/ioctl.h"
#include "model/iommufd/object_table.h"
#include "model/sim/check.h"
#include "model/sim/runtime.h"

namespace iommufd_check::iommufd {
namespace {

iommu::Endpoint& EndpointOf(Kernel& k, DeviceHandle h) {
  return k.iommu.endpoints[Get(k, h).endpoint];
}

int AttachLocked(Kernel& k, DeviceHandle h, HwptHandle hwpt) {
  if (!Get(k, h).bound) return -sim::kENOENT;  // the driver is closing it
  if (!Get(k, h).attached.Read(k.t, Ref(Get(k, h))).null()) return -sim::kEBUSY;
  if (should_fail(k.t, sim::FaultSite::kDeviceAttach, Ref(Get(k, h)))) return -sim::kENOMEM;
  EndpointOf(k, h).domain = Get(k, hwpt).domain;
  Get(k, h).attached.Write(k.t, Ref(Get(k, h)), hwpt);
  refcount_inc(k.t, Get(k, hwpt).object.users, Ref(k, hwpt));
  refcount_inc(k.t, Get(k, h).object.users, Ref(Get(k, h)));
  return 0;
}

void Detach(Kernel& k, DeviceHandle h) {
  mutex_lock(k.t, Get(k, h).igroup_lock);
  const HwptHandle hwpt = Get(k, h).attached.Read(k.t, Ref(Get(k, h)));
  if (!hwpt.null()) {
    EndpointOf(k, h).domain = {};
    Get(k, h).attached.Write(k.t, Ref(Get(k, h)), HwptHandle{});
  }
  mutex_unlock(k.t, Get(k, h).igroup_lock);
  if (hwpt.null()) return;
  refcount_dec_and_test(k.t, Get(k, hwpt).object.users, Ref(k, hwpt));
  refcount_dec_and_test(k.t, Get(k, h).object.users, Ref(Get(k, h)));
}

}  // namespace

int device_bind(Kernel& k, ContextHandle ctx, uint16_t endpoint, uint32_t* id) {
  if (k.s.contexts.Find(ctx) == nullptr || !Get(k, ctx).fd_open) return -sim::kEBADF;
  if (endpoint >= k.iommu.endpoints.size()) return -sim::kENODEV;
  if (should_fail(k.t, sim::FaultSite::kClaimDmaOwner)) return -sim::kEPERM;
  if (k.iommu.endpoints[endpoint].dma_owner_claimed) return -sim::kEBUSY;
  k.iommu.endpoints[endpoint].dma_owner_claimed = true;
  if (should_fail(k.t, sim::FaultSite::kObjectAlloc)) {
    k.iommu.endpoints[endpoint].dma_owner_claimed = false;
    return -sim::kENOMEM;
  }
  const DeviceHandle h = k.s.devices.Create(Device{});
  Get(k, h).endpoint = endpoint;
  ReserveId(k, ctx, KeyOf(h));
  Get(k, h).igroup_lock =
      k.t.runtime().locks().Create(sim::LockClass::kIgroupLock, Ref(Get(k, h)));
  iommufd_get_file(k, ctx);
  refcount_inc(k.t, Get(k, h).object.users, Ref(Get(k, h)));  // the driver's
  *id = Get(k, h).object.id;
  Publish(k, ctx, KeyOf(h));
  return 0;
}

int device_unbind(Kernel& k, ContextHandle ctx, uint32_t id) {
  const ObjectKey key = GetObject(k, ctx, id, ObjectType::kDevice);
  if (key.null()) return -sim::kENOENT;
  const DeviceHandle h = key.device();
  // The driver's reference is ours to drop: a second unbind of the same device finds no driver.
  if (!Get(k, h).bound) {
    PutObject(k, key);
    return -sim::kENOENT;
  }
  Get(k, h).bound = false;
  Detach(k, h);
  PutObject(k, key);
  const int error = RemoveReferenced(k, ctx, key);
  if (warn_on(k.t, error != 0, Ref(k, key))) return error;
  DestroyHook(k, ctx, key.type, key.slot, key.generation);
  return 0;
}

int device_attach(Kernel& k, ContextHandle ctx, uint32_t id, uint32_t pt_id) {
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
    PutObject(k, target);
  }
  PutObject(k, device);
  return error;
}

int device_detach(Kernel& k, ContextHandle ctx, uint32_t id) {
  const ObjectKey device = GetObject(k, ctx, id, ObjectType::kDevice);
  if (device.null()) return -sim::kENOENT;
  Detach(k, device.device());
  PutObject(k, device);
  return 0;
}

}  // namespace iommufd_check::iommufd
