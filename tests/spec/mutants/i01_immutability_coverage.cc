#include "model/iommufd/object_table.h"
#include "tests/spec/mutants/mutants.h"

namespace iommufd_check::spec {
namespace {

// Registers the tables first, and only then makes the IOAS immutable.
class PreserveBeforeFreeze : public Mutant {
 public:
  PreserveBeforeFreeze() : Mutant("PreserveBeforeFreeze") {}

 protected:
  int Freeze(Kernel& k, const PreserveArguments& arguments, const Gate& gate) override {
    return Validate(k, arguments, gate.ioas);
  }
  int PreserveOne(Kernel& k, HwptHandle hwpt, PhysAddr memory, size_t index) override {
    const int error = Reference::PreserveOne(k, hwpt, memory, index);
    return error != 0 ? error : CloseGate(k, {Read(k, hwpt, &iommufd::Hwpt::ioas), 1});
  }
};

}  // namespace

MutantCases MutantsOfI01() {
  static PreserveBeforeFreeze preserve_before_freeze;
  return {
      {&preserve_before_freeze, kOneMarked + "  luo_preserve(s, iommufd, token=2)\n", "main.6",
       "table 0x100 of domain 0 is registered while ioas 1 may change", ""},
  };
}

}  // namespace iommufd_check::spec
