#include "model/iommufd/object_table.h"
#include "tests/spec/mutants/mutants.h"

namespace iommufd_check::spec {
namespace {

void ThawWithoutLocks(StepKernel& k, const Gate& gate) {
  SetImmutable(k, gate.ioas, Read(k, gate.ioas, iopt::immutable) - gate.domains);
}

}  // namespace

MutantCases MutantsOfI20() {
  return {
      {Reference().Named("ThawWithoutLocks").With(&Steps::thaw, ThawWithoutLocks),
       kOneMarked + "  luo_preserve(s, iommufd, token=2)\n"
                    "A:\n"
                    "  map_file(ioas, memfd=0, iova=0x1000, length=0x1000)\n"
                    "B:\n"
                    "  luo_close_session(s)\n",
       "B.1",
       "iopt->immutable of ioas 1 is written here (plain) and was read (plain) by another task, "
       "and nothing orders the two",
       ""},
  };
}

}  // namespace iommufd_check::spec
