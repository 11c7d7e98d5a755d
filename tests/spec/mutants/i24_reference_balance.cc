#include "tests/spec/mutants/mutants.h"

namespace iommufd_check::spec {
namespace {

class KeepReferences : public Mutant {
 public:
  KeepReferences() : Mutant("KeepReferences") {}

 protected:
  void DropReferences(Kernel&, Hwpts& hwpts) override { hwpts.clear(); }
};

}  // namespace

MutantCases MutantsOfI24() {
  static KeepReferences keep_references;
  return {
      {&keep_references,
       kOneMarked + "  luo_preserve(s, iommufd, token=2)\n  luo_close_session(s)\n", "main.7",
       "hwpt 3 has users 2 and 1 holders", "I36 I37"},
  };
}

}  // namespace iommufd_check::spec
