#include "model/iommufd/object_table.h"
#include "tests/spec/mutants/mutants.h"

namespace iommufd_check::spec {
namespace {

// Does not see that the domain is preserved already.
int PreserveDomainTwice(StepKernel& k, HwptHandle hwpt, PhysAddr* record) {
  const int error = Reference().steps().preserve_domain(k, hwpt, record);
  if (error != 0) return error;
  liveupdate::CoreRules careless = k.core;
  careless.refuse_double = false;
  return iommu_domain_preserve(k, Read(k, hwpt, &iommufd::Hwpt::domain), careless, record);
}

}  // namespace

MutantCases MutantsOfI18() {
  return {
      {Reference().Named("PreserveDomainTwice").With(&Steps::preserve_domain, PreserveDomainTwice),
       kOneMarked + "  luo_preserve(s, iommufd, token=2)\n", "main.6",
       "page 0x100 is registered again while it is registered for domain 0", ""},
  };
}

}  // namespace iommufd_check::spec
