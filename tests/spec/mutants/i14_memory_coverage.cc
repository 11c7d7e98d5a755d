#include "tests/spec/mutants/mutants.h"
#include "tests/spec/mutants/shared.h"

namespace iommufd_check::spec {
namespace {

int TrustPageIdentity(StepKernel&, AreaHandle, mm::MemfdHandle, PhysAddr) { return 0; }

}  // namespace

MutantCases MutantsOfI14() {
  return {
      {Reference().Named("TrustPageIdentity").With(&Steps::compare_pages, TrustPageIdentity),
       kOneMarked + "  memfd_seal(0, seals=seal|grow|shrink)\n"
                    "  map_file(ioas, memfd=0, iova=0x1000, length=0x1000)\n"
                    "  memfd_punch_hole(0, length=0x1000)\n"
                    "  luo_preserve(s, memfd=0, token=1)\n"
                    "  luo_preserve(s, iommufd, token=2)\n",
       "main.10",
       "iova 0x1000 maps page 0x101, which no memfd of the session hands over at that offset",
       "I15 I38"},
      {AcceptForeignMemfd(),
       kOneMarked + "  map_file(ioas, memfd=0, iova=0x1000, length=0x1000)\n"
                    "  luo_preserve(s, iommufd, token=2)\n",
       "main.7",
       "iova 0x1000 maps page 0x101, which no memfd of the session hands over at that offset",
       "I38"},
  };
}

}  // namespace iommufd_check::spec
