// Devices: bind, attach and detach at IOMMU_NO_PASID, unbind (objects.md section 7).
//
// Each device is alone in its group. The file descriptor that a driver (VFIO cdev) holds for the
// device is what calls these; at process exit it is closed, which detaches and unbinds.
#pragma once

#include "model/iommufd/kernel.h"

namespace iommufd_check::iommufd {

// EBADF closed iommufd, ENODEV no such device, EPERM DMA owner, EBUSY already bound, ENOMEM.
// EFAULT. FAULTS: copy_from_user, group_alloc, group_slot, claim_dma_owner, object_alloc,
// object_id_alloc.
int device_bind(Kernel& k, ContextHandle ctx, uint16_t endpoint, uint32_t* id);
// ENOENT; detaches first when attached. Frees the object.
int device_unbind(Kernel& k, ContextHandle ctx, uint32_t id);
// ENOENT either id; EINVAL not a HWPT; EBUSY attached already; ENOMEM; EFAULT.
// FAULTS: copy_from_user, get_object (of the HWPT), attach_handle, device_attach.
int device_attach(Kernel& k, ContextHandle ctx, uint32_t id, uint32_t pt_id);
// ENOENT, EFAULT; not attached: nothing happens. FAULTS: copy_from_user.
int device_detach(Kernel& k, ContextHandle ctx, uint32_t id);

}  // namespace iommufd_check::iommufd
