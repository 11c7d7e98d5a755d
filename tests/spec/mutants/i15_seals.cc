#include "tests/spec/mutants/mutants.h"

namespace iommufd_check::spec {
namespace {

class IgnoreSeals : public Mutant {
 public:
  IgnoreSeals() : Mutant("IgnoreSeals") {}

 protected:
  int CheckSeals(Kernel&, mm::MemfdHandle, PhysAddr) override { return 0; }
};

}  // namespace

MutantCases MutantsOfI15() {
  static IgnoreSeals ignore_seals;
  return {
      {&ignore_seals,
       kOneMarked + "  map_file(ioas, memfd=0, iova=0x1000, length=0x1000)\n"
                    "  luo_preserve(s, memfd=0, token=1)\n"
                    "  luo_preserve(s, iommufd, token=2)\n",
       "main.8", "memfd 0 is handed over with seals 0x0, without those relied upon", "I38"},
  };
}

}  // namespace iommufd_check::spec
