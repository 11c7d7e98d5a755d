#include "tests/spec/mutants/mutants.h"

namespace iommufd_check::spec {
namespace {

void KeepRecords(StepKernel&, ContextHandle, PhysAddr) {}

}  // namespace

MutantCases MutantsOfI36() {
  return {
      {Reference().Named("KeepRecords").With(&Steps::free_records, KeepRecords),
       kOneMarked + "  luo_preserve(s, iommufd, token=2)\n  luo_close_session(s)\n", "exit",
       "not as at boot: registrations with kho: 0 -> 1", ""},
      {V1().Named("V1KeepsRecords").With(&Steps::free_records, KeepRecords),
       kOneMarked + "  luo_preserve(s, iommufd, token=2)\n  luo_close_session(s)\n", "exit",
       "not as at boot: registrations with kho: 0 -> 1", "I19 I26", V1()},
  };
}

}  // namespace iommufd_check::spec
