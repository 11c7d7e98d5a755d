#include "tests/spec/mutants/mutants.h"

namespace iommufd_check::spec {
namespace {

void KeepReferences(StepKernel&, Hwpts* hwpts) { hwpts->clear(); }

}  // namespace

MutantCases MutantsOfI24() {
  return {
      {Reference().Named("KeepReferences").With(&Steps::drop_references, KeepReferences),
       kOneMarked + "  luo_preserve(s, iommufd, token=2)\n  luo_close_session(s)\n", "main.7",
       "hwpt 3 has users 2 and 1 holders", "I36 I37"},
  };
}

}  // namespace iommufd_check::spec
