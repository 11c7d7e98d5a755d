#include "tests/spec/mutants/mutants.h"

namespace iommufd_check::spec {
namespace {

// A flag where there should be a count.
void ThawSetsZero(StepKernel& k, const Gate& gate) {
  down_write(k, gate.ioas, iopt::domains_rwsem);
  down_write(k, gate.ioas, iopt::iova_rwsem);
  SetImmutable(k, gate.ioas, 0);
  up_write(k, gate.ioas, iopt::iova_rwsem);
  up_write(k, gate.ioas, iopt::domains_rwsem);
}

void NoThaw(StepKernel&, const Gate&) {}

}  // namespace

MutantCases MutantsOfI07() {
  return {
      {Reference().Named("ThawSetsZero").With(&Steps::thaw, ThawSetsZero),
       kTwoMarked + "  luo_preserve(s, iommufd, token=2)\n  luo_close_session(s)\n", "main.9",
       "ioas 1 may change again while domain 0 is preserved", "I01"},
      {Reference().Named("NoThaw").With(&Steps::thaw, NoThaw),
       kOneMarked + "  luo_preserve(s, iommufd, token=2)\n  luo_close_session(s)\n", "main.7",
       "ioas 1 has no preserved hwpt and is immutable", "I37"},
  };
}

}  // namespace iommufd_check::spec
