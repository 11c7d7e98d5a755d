#include "tests/spec/mutants/mutants.h"
#include "tests/spec/mutants/shared.h"

namespace iommufd_check::spec {

MutantCases MutantsOfI03() {
  return {
      {UnmapWithoutGate(),
       kOneMapped + "  luo_preserve(s, iommufd, token=2)\n  unmap(ioas, 0x1000, 0x1000)\n",
       "main.10", "the table of domain 0 changes while it is preserved", "I38"},
      {V1().Named("V1UnmapsWithoutGate").With(&Steps::unmap, nullptr),
       kOneMapped + "  luo_preserve(s, iommufd, token=2)\n  unmap(ioas, 0x1000, 0x1000)\n",
       "main.10", "the table of domain 0 changes while it is preserved", "I19 I26 I37 I38", V1()},
  };
}

}  // namespace iommufd_check::spec
