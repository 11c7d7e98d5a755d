#include "model/iommufd/object_table.h"
#include "tests/spec/mutants/mutants.h"

namespace iommufd_check::spec {
namespace {

// Keeps the short reference, for which a destroyer sleeps, across system calls (B32).
int KeepShortReference(StepKernel& k, HwptHandle hwpt, PhysAddr memory, size_t index) {
  const int error = Reference().steps().preserve_one(k, hwpt, memory, index);
  if (error == 0) refcount_inc(k, KeyOf(hwpt), &iommufd::Object::wait_cnt);
  return error;
}
void PutShortReference(StepKernel& k, HwptHandle hwpt) {
  refcount_dec_and_test(k, KeyOf(hwpt), &iommufd::Object::wait_cnt);
  Reference().steps().unpreserve_one(k, hwpt);
}

}  // namespace

MutantCases MutantsOfI09() {
  return {
      {Reference()
           .Named("KeepShortReference")
           .With(&Steps::preserve_one, KeepShortReference)
           .With(&Steps::unpreserve_one, PutShortReference),
       kOneMarked + "  luo_preserve(s, iommufd, token=2)\n", "main.6",
       "wait_cnt of hwpt 3 is 2 while no call is in progress", ""},
  };
}

}  // namespace iommufd_check::spec
