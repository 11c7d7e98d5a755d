// HWPT_PAGING objects: allocation on an IOAS and destruction (objects.md sections 5 and 11).
#pragma once

#include "model/iommufd/kernel.h"

namespace iommufd_check::iommufd {

// Destroy hook: unlink from the IOAS, take the domain out, free it, drop the IOAS.
// LOCKS: none held; takes ioas->mutex.
void HwptDestroy(Kernel& k, HwptHandle h);

}  // namespace iommufd_check::iommufd
