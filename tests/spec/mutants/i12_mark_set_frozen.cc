#include "tests/spec/mutants/mutants.h"

namespace iommufd_check::spec {
namespace {

// A preserved iommufd goes on taking marks.
void FinishWithoutFreezingMarks(StepKernel&, ContextHandle, PhysAddr, size_t) {}

}  // namespace

MutantCases MutantsOfI12() {
  return {
      {Reference()
           .Named("FinishWithoutFreezingMarks")
           .With(&Steps::finish, FinishWithoutFreezingMarks),
       kOneMarked + "  hwpt2 = hwpt_alloc(dev, ioas)\n"
                    "  luo_preserve(s, iommufd, token=2)\n"
                    "  lu_mark(hwpt2, token=8)\n",
       "main.8", "hwpt 4 is marked with token 8 while the iommufd is preserved", "I13"},
  };
}

}  // namespace iommufd_check::spec
