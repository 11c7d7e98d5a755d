#include "model/liveupdate/kho.h"
#include "tests/spec/mutants/mutants.h"

namespace iommufd_check::spec {
namespace {

// Hands over a record of a domain that says that it is deleted.
int DeleteRecord(StepKernel& k, HwptHandle hwpt, PhysAddr* record) {
  const int error = Reference().steps().preserve_domain(k, hwpt, record);
  if (error == 0) store(k, *record, liveupdate::kDomainR7.flags.offset, 4, 1, Ref(k, hwpt));
  return error;
}

}  // namespace

MutantCases MutantsOfI25() {
  const std::string preserve = "  luo_preserve(s, iommufd, token=2)\n";
  return {
      {Reference().Named("DeleteRecord").With(&Steps::preserve_domain, DeleteRecord),
       kOneMarked + preserve, "main.6",
       "record 0 of the iommufd names the deleted domain record at 0x102010", "I02 I08 I10"},
  };
}

}  // namespace iommufd_check::spec
