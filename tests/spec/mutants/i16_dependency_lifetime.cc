#include "tests/spec/mutants/mutants.h"

namespace iommufd_check::spec {
namespace {

// Unfreezes the memfd whose pages it has just checked.
void UnfreezeMemfd(StepKernel& k, ContextHandle ctx, PhysAddr memory, size_t records) {
  Reference().steps().finish(k, ctx, memory, records);
  const mm::MemfdHandle first{0, 0};
  Get(k.t, k.mm, first).state.Raw().frozen = false;
}

}  // namespace

MutantCases MutantsOfI16() {
  return {
      {Reference().Named("UnfreezeMemfd").With(&Steps::finish, UnfreezeMemfd),
       kOneMapped + "  luo_preserve(s, iommufd, token=2)\n", "main.9",
       "memfd 0 is not frozen while a preserved domain maps it", "I38"},
  };
}

}  // namespace iommufd_check::spec
