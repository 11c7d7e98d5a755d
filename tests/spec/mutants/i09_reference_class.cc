#include "model/iommufd/object_table.h"
#include "tests/spec/mutants/mutants.h"

namespace iommufd_check::spec {
namespace {

// Keeps the short reference, for which a destroyer sleeps, across system calls (B32).
class KeepShortReference : public Mutant {
 public:
  KeepShortReference() : Mutant("KeepShortReference") {}

 protected:
  int PreserveOne(Kernel& k, HwptHandle hwpt, PhysAddr memory, size_t index) override {
    const int error = Reference::PreserveOne(k, hwpt, memory, index);
    if (error == 0) refcount_inc(k, KeyOf(hwpt), &iommufd::Object::wait_cnt);
    return error;
  }
  void UnpreserveOne(Kernel& k, HwptHandle hwpt) override {
    refcount_dec_and_test(k, KeyOf(hwpt), &iommufd::Object::wait_cnt);
    Reference::UnpreserveOne(k, hwpt);
  }
};

}  // namespace

MutantCases MutantsOfI09() {
  static KeepShortReference keep_short_reference;
  return {
      {&keep_short_reference, kOneMarked + "  luo_preserve(s, iommufd, token=2)\n", "main.6",
       "wait_cnt of hwpt 3 is 2 while no call is in progress", ""},
  };
}

}  // namespace iommufd_check::spec
