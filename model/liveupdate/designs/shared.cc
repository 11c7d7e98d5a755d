#include "model/liveupdate/designs/shared.h"

#include "model/liveupdate/kho.h"

namespace iommufd_check::liveupdate {

int RefuseWhileImmutable(StepKernel& k, iommufd::IoasHandle ioas) {
  return Read(k, ioas, iommufd::iopt::immutable) != 0 ? -sim::kEBUSY : 0;
}

int PreserveDomain(StepKernel& k, iommufd::HwptHandle hwpt, PhysAddr* record) {
  return iommu_domain_preserve(k, Read(k, hwpt, &iommufd::Hwpt::domain), k.core, record);
}

void FreeRecords(StepKernel& k, ContextHandle ctx, PhysAddr memory) {
  kho_unpreserve_free(k, memory, Ref(ctx));
}

}  // namespace iommufd_check::liveupdate
