#include "tests/spec/mutants/mutants.h"

namespace iommufd_check::spec {
namespace {

// A preserved iommufd goes on taking marks.
class FinishWithoutFreezingMarks : public Mutant {
 public:
  FinishWithoutFreezingMarks() : Mutant("FinishWithoutFreezingMarks") {}

 protected:
  void Finish(Kernel&, ContextHandle, PhysAddr, size_t) override {}
};

}  // namespace

MutantCases MutantsOfI12() {
  static FinishWithoutFreezingMarks finish_without_freezing_marks;
  return {
      {&finish_without_freezing_marks,
       kOneMarked + "  hwpt2 = hwpt_alloc(dev, ioas)\n"
                    "  luo_preserve(s, iommufd, token=2)\n"
                    "  lu_mark(hwpt2, token=8)\n",
       "main.8", "hwpt 4 is marked with token 8 while the iommufd is preserved", "I13"},
  };
}

}  // namespace iommufd_check::spec
