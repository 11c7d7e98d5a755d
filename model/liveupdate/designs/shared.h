// Steps that several revisions have.
#pragma once

#include "model/liveupdate/revision.h"

namespace iommufd_check::liveupdate {

// map_insert and unmap: EBUSY while the IOAS is immutable.
int RefuseWhileImmutable(StepKernel& k, iommufd::IoasHandle ioas);
int PreserveDomain(StepKernel& k, iommufd::HwptHandle hwpt, PhysAddr* record);
void FreeRecords(StepKernel& k, ContextHandle ctx, PhysAddr memory);

}  // namespace iommufd_check::liveupdate
