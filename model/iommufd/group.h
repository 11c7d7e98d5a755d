// struct iommufd_group: found or made when a device is bound, gone with its last device
// (objects.md section 7; Linux 6.12 drivers/iommu/iommufd/device.c).
//
// LOCKS: ctx->groups xa_lock, held for lookups and stores only. An entry whose count is 0 is on its
// way out: whoever finds it puts its own in that place.
#pragma once

#include "model/iommufd/kernel.h"

namespace iommufd_check::iommufd {

// iommufd_get_group: 0 and a reference on the group of the endpoint, or ENOMEM.
// FAULTS: group_alloc, group_slot.
int GetGroup(Kernel& k, ContextHandle ctx, uint16_t endpoint, IgroupHandle* out);
// iommufd_put_group.
void PutGroup(Kernel& k, ContextHandle ctx, IgroupHandle group, uint16_t endpoint);

}  // namespace iommufd_check::iommufd
