#include "tests/spec/mutants/mutants.h"

namespace iommufd_check::spec {
namespace {

// Remembers the marked HWPTs by address alone.
void CollectWithoutReferences(StepKernel& k, ContextHandle ctx, size_t capacity, Hwpts* hwpts) {
  Reference().steps().collect(k, ctx, capacity, hwpts);
  Hwpts copy = *hwpts;
  k.drop_references(&copy);
}

}  // namespace

MutantCases MutantsOfI08() {
  return {
      {Reference()
           .Named("CollectWithoutReferences")
           .With(&Steps::collect, CollectWithoutReferences),
       kOneMarked + "A:\n"
                    "  luo_preserve(s, iommufd, token=2)\n"
                    "B:\n"
                    "  destroy(hwpt)\n",
       "B.1", "domain 0 is freed while its preservation names it",
       "I02 I03 I06 I07 I12 I24 I25 I36 I37 I38"},
  };
}

}  // namespace iommufd_check::spec
