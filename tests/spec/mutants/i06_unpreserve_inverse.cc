#include "model/iommufd/object_table.h"
#include "tests/spec/mutants/mutants.h"

namespace iommufd_check::spec {
namespace {

void UnpreserveDomainTwice(StepKernel& k, HwptHandle hwpt) {
  Reference().steps().unpreserve_one(k, hwpt);
  iommu_domain_unpreserve(k, Read(k, hwpt, &iommufd::Hwpt::domain), k.core);
}

// v1 with one more defect: each marked one twice.
void UnpreserveTwiceInV1(StepKernel& k, HwptHandle hwpt) {
  V1().steps().unpreserve_one(k, hwpt);
  V1().steps().unpreserve_one(k, hwpt);
}

}  // namespace

MutantCases MutantsOfI06() {
  const std::string preserve = "  luo_preserve(s, iommufd, token=2)\n";
  return {
      {Reference()
           .Named("UnpreserveDomainTwice")
           .With(&Steps::unpreserve_one, UnpreserveDomainTwice),
       kOneMarked + preserve + "  luo_close_session(s)\n", "main.7",
       "unpreserve reaches domain 0, which its preserve did not preserve", ""},
      {V1().Named("V1UnpreservesTwice").With(&Steps::unpreserve_one, UnpreserveTwiceInV1),
       kOneMarked + preserve + "  luo_close_session(s)\n", "main.7",
       "unpreserve reaches domain 0, which its preserve did not preserve", "I19 I26 I37", V1()},
  };
}

}  // namespace iommufd_check::spec
