#include "model/liveupdate/kho.h"
#include "tests/spec/mutants/mutants.h"

namespace iommufd_check::spec {
namespace {

// Hands over a record of a domain that says that it is deleted.
class DeleteRecord : public Mutant {
 public:
  DeleteRecord() : Mutant("DeleteRecord") {}

 protected:
  int PreserveDomain(Kernel& k, HwptHandle hwpt, PhysAddr* record) override {
    const int error = Reference::PreserveDomain(k, hwpt, record);
    if (error == 0) store(k, *record, liveupdate::kDomainR7.flags.offset, 4, 1, Ref(k, hwpt));
    return error;
  }
};

}  // namespace

MutantCases MutantsOfI25() {
  static DeleteRecord delete_record;
  const std::string preserve = "  luo_preserve(s, iommufd, token=2)\n";
  return {
      {&delete_record, kOneMarked + preserve, "main.6",
       "record 0 of the iommufd names the deleted domain record at 0x102010", "I02 I08 I10"},
  };
}

}  // namespace iommufd_check::spec
