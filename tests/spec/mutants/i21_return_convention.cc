#include "model/liveupdate/designs/shared.h"
#include "model/liveupdate/kho.h"
#include "tests/spec/mutants/mutants.h"

namespace iommufd_check::spec {
namespace {

using liveupdate::kIommufdR6;

// The convention of kho_alloc_preserve is ERR_PTR, never NULL.
PhysAddr TestForNull(StepKernel& k, ContextHandle ctx, size_t records) {
  const PhysAddr memory =
      kho_alloc_preserve(k, kIommufdR6.SizeFor(records), mm::FrameOwner::kIommufdSer, Ref(ctx));
  if (memory == 0) return liveupdate::ErrPtr(-sim::kENOMEM);
  store(k, memory, kIommufdR6.nr_hwpts.offset, kIommufdR6.nr_hwpts.bytes, records, Ref(ctx));
  return memory;
}

// Goes on with the record that the failing callee did not write.
int SwallowFailure(StepKernel& k, HwptHandle hwpt, PhysAddr* record) {
  liveupdate::PreserveDomain(k, hwpt, record);
  return 0;
}

}  // namespace

MutantCases MutantsOfI21() {
  const std::string preserve = "  luo_preserve(s, iommufd, token=2)\n";
  return {
      {Reference().Named("TestForNull").With(&Steps::alloc_records, TestForNull),
       kOneMarked + preserve + "fault main.6 kho_alloc_preserve nth=5\n", "main.6",
       "ERR_PTR(-ENOMEM) passes a test for NULL and is dereferenced", "I37"},
      {Reference().Named("SwallowFailure").With(&Steps::preserve_domain, SwallowFailure),
       kOneMarked + preserve + "fault main.6 iommu_domain_preserve nth=1\n", "main.6",
       "a callee failed and the call reports success", "I06 I07 I10"},
      {V1On72().Named("V1SwallowsFailure").With(&Steps::preserve_domain, SwallowFailure),
       kOneMarked + preserve + "fault main.6 iommu_domain_preserve nth=1\n", "main.6",
       "a callee failed and the call reports success", "I06 I07 I10 I19 I26 I37", V1On72()},
  };
}

}  // namespace iommufd_check::spec
