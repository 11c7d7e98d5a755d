#include "tests/spec/mutants/mutants.h"
#include "tests/spec/mutants/shared.h"

namespace iommufd_check::spec {

MutantCases MutantsOfI03() {
  static UnmapWithoutGate unmap_without_gate;
  return {
      {&unmap_without_gate,
       kOneMapped + "  luo_preserve(s, iommufd, token=2)\n  unmap(ioas, 0x1000, 0x1000)\n",
       "main.10", "the table of domain 0 changes while it is preserved", "I38"},
  };
}

}  // namespace iommufd_check::spec
