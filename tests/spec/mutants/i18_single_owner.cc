#include "model/iommufd/object_table.h"
#include "tests/spec/mutants/mutants.h"

namespace iommufd_check::spec {
namespace {

// Does not see that the domain is preserved already.
class PreserveDomainTwice : public Mutant {
 public:
  PreserveDomainTwice() : Mutant("PreserveDomainTwice") {}

 protected:
  int PreserveDomain(Kernel& k, HwptHandle hwpt, PhysAddr* record) override {
    const int error = Reference::PreserveDomain(k, hwpt, record);
    liveupdate::CoreRules careless = core_;
    careless.refuse_double = false;
    return error != 0
               ? error
               : iommu_domain_preserve(k, Read(k, hwpt, &iommufd::Hwpt::domain), careless, record);
  }
};

}  // namespace

MutantCases MutantsOfI18() {
  static PreserveDomainTwice preserve_domain_twice;
  return {
      {&preserve_domain_twice, kOneMarked + "  luo_preserve(s, iommufd, token=2)\n", "main.6",
       "page 0x100 is registered again while it is registered for domain 0", ""},
  };
}

}  // namespace iommufd_check::spec
