#include "tests/spec/mutants/mutants.h"

namespace iommufd_check::spec {
namespace {

int CloseGateUnderXaLock(StepKernel& k, const Gate& gate) {
  spin_lock(k, k.ctx, &Context::xa_lock);
  const int error = Reference().steps().close_gate(k, gate);
  spin_unlock(k, k.ctx, &Context::xa_lock);
  return error;
}

}  // namespace

MutantCases MutantsOfI19() {
  return {
      {Reference().Named("FreezeUnderXaLock").With(&Steps::close_gate, CloseGateUnderXaLock),
       kOneMarked + "  luo_preserve(s, iommufd, token=2)\n", "main.6",
       "sleeping function called while a spinlock is held: ioas 1", ""},
  };
}

}  // namespace iommufd_check::spec
