// Design v1: R3 of designs.md, "[PATCH 00/14] Phase 1" of 2026-02-03, the revision reviewed in the
// seed mail. Written to be read beside designs.md section 5: the step numbers are those there.
#pragma once

#include "model/liveupdate/design.h"
#include "model/liveupdate/iommu_core.h"

namespace iommufd_check::liveupdate {

class V1 : public Design {
 public:
  std::string_view name() const override { return "v1"; }
  std::string_view summary() const override {
    return "R3, [PATCH 00/14] of 2026-02-03: two passes under xa_lock, flag per IOAS";
  }
  const IommufdLayout& iommufd_layout() const override { return kIommufdR3; }
  const DomainLayout& domain_layout() const override { return kDomainR3; }

  // designs.md section 5 (MARK, PRESERVE steps 2 and 2d) and section 10, row R3.
  uapi::Contract contract() const override {
    return {.token_bits = 32,
            .mark_while_preserved = uapi::Contract::MarkWhilePreserved::kAccepted,
            .destroy_preserved = uapi::Contract::DestroyPreserved::kAccepted,
            .empty_preserve = uapi::Contract::EmptyPreserve::kAccepted,
            .abi = uapi::Contract::Abi::kR3,
            .area_check = uapi::Contract::AreaCheck::kSealsFirst};
  }

  int Mark(Kernel& k, uint32_t hwpt_id, uint64_t token) override;
  int Preserve(Kernel& k, PreserveArguments* arguments) override;
  void Unpreserve(Kernel& k, const PreserveArguments& arguments) override;

  int MapInsert(iommufd::Kernel& k, iommufd::IoasHandle ioas) override;
  int Unmap(iommufd::Kernel& k, iommufd::IoasHandle ioas) override;
  void AbortArea(iommufd::Kernel& k, iommufd::IoasHandle ioas) override;
  void FilePagesAllocated(iommufd::Kernel& k, iommufd::PagesHandle pages) override;

 private:
  // SAVE of designs.md: `memory` 0 is the first pass. The number of marked HWPTs, or an errno.
  int Save(Kernel& k, const PreserveArguments& arguments, PhysAddr memory, int capacity);
  // Step 2a-2f / 5, under xa_lock; collects the raw pointers of the second pass.
  int SaveLocked(Kernel& k, const PreserveArguments& arguments, PhysAddr memory, int capacity,
                 std::vector<iommufd::HwptHandle>* hwpts);
  int CheckPagesPreserved(Kernel& k, const PreserveArguments& arguments, iommufd::IoasHandle ioas);
  void SetIoasMutable(Kernel& k, ContextHandle ctx);

 protected:
  CoreRules core_;  // R3
};

// The same revision on the LUO of Linux 7.2, where liveupdate_flb_get_outgoing counts: nothing that
// it gets is put, so the FLB outlives its last file (B69), and what v1 leaves pointing into its
// records (B10) never dangles. v1 itself stands on the LUO that it was posted for.
class V1On72 : public V1 {
 public:
  V1On72() { core_.gets = FlbGets::kNeverPut; }
  std::string_view name() const override { return "v1-7.2"; }
  std::string_view summary() const override {
    return "v1 on the LUO of Linux 7.2, which counts each get of the FLB";
  }
};

}  // namespace iommufd_check::liveupdate
