#include "model/iommufd/object_table.h"
#include "tests/spec/mutants/mutants.h"

namespace iommufd_check::spec {
namespace {

// Registers the tables first, and only then makes the IOAS immutable.
int FreezeByLooking(StepKernel& k, const PreserveArguments& arguments, const Gate& gate) {
  return k.validate(arguments, gate.ioas);
}
int PreserveThenFreeze(StepKernel& k, HwptHandle hwpt, PhysAddr memory, size_t index) {
  const int error = Reference().steps().preserve_one(k, hwpt, memory, index);
  return error != 0 ? error : k.close_gate(Gate{Read(k, hwpt, &iommufd::Hwpt::ioas), 1});
}

}  // namespace

MutantCases MutantsOfI01() {
  return {
      {Reference()
           .Named("PreserveBeforeFreeze")
           .With(&Steps::freeze, FreezeByLooking)
           .With(&Steps::preserve_one, PreserveThenFreeze),
       kOneMarked + "  luo_preserve(s, iommufd, token=2)\n", "main.6",
       "table 0x100 of domain 0 is registered while ioas 1 may change", ""},
  };
}

}  // namespace iommufd_check::spec
