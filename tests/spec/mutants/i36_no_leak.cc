#include "tests/spec/mutants/mutants.h"

namespace iommufd_check::spec {
namespace {

class KeepRecords : public Mutant {
 public:
  KeepRecords() : Mutant("KeepRecords") {}

 protected:
  void FreeRecords(Kernel&, ContextHandle, PhysAddr) override {}
};

}  // namespace

MutantCases MutantsOfI36() {
  static KeepRecords keep_records;
  return {
      {&keep_records, kOneMarked + "  luo_preserve(s, iommufd, token=2)\n  luo_close_session(s)\n",
       "exit", "not as at boot: registrations with kho: 0 -> 1", ""},
  };
}

}  // namespace iommufd_check::spec
