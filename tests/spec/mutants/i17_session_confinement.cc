#include "tests/spec/mutants/mutants.h"
#include "tests/spec/mutants/shared.h"

namespace iommufd_check::spec {

MutantCases MutantsOfI17() {
  return {
      {AcceptForeignMemfd(),
       kOneMarked + "  memfd_seal(0, seals=seal|grow|shrink)\n"
                    "  map_file(ioas, memfd=0, iova=0x1000, length=0x1000)\n"
                    "  luo_preserve(s, iommufd, token=2)\n"
                    "  luo_preserve(s, memfd=0, token=1)\n",
       "main.9", "memfd 0 is file 1 of the session, behind the iommufd that depends on it",
       "I14 I38"},
  };
}

}  // namespace iommufd_check::spec
