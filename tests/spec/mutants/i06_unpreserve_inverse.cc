#include "model/iommufd/object_table.h"
#include "tests/spec/mutants/mutants.h"

namespace iommufd_check::spec {
namespace {

class UnpreserveDomainTwice : public Mutant {
 public:
  UnpreserveDomainTwice() : Mutant("UnpreserveDomainTwice") {}

 protected:
  void UnpreserveOne(Kernel& k, HwptHandle hwpt) override {
    Reference::UnpreserveOne(k, hwpt);
    iommu_domain_unpreserve(k, Read(k, hwpt, &iommufd::Hwpt::domain), core_);
  }
};

}  // namespace

MutantCases MutantsOfI06() {
  static UnpreserveDomainTwice unpreserve_domain_twice;
  const std::string preserve = "  luo_preserve(s, iommufd, token=2)\n";
  return {
      {&unpreserve_domain_twice, kOneMarked + preserve + "  luo_close_session(s)\n", "main.7",
       "unpreserve reaches domain 0, which its preserve did not preserve", ""},
  };
}

}  // namespace iommufd_check::spec
