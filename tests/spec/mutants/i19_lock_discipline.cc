#include "tests/spec/mutants/mutants.h"

namespace iommufd_check::spec {
namespace {

class FreezeUnderXaLock : public Mutant {
 public:
  FreezeUnderXaLock() : Mutant("FreezeUnderXaLock") {}

 protected:
  int CloseGate(Kernel& k, const Gate& gate) override {
    spin_lock(k.t, Get(k, k.ctx).xa_lock);
    const int error = Reference::CloseGate(k, gate);
    spin_unlock(k.t, Get(k, k.ctx).xa_lock);
    return error;
  }
};

}  // namespace

MutantCases MutantsOfI19() {
  static FreezeUnderXaLock freeze_under_xa_lock;
  return {
      {&freeze_under_xa_lock, kOneMarked + "  luo_preserve(s, iommufd, token=2)\n", "main.6",
       "sleeping function called while a spinlock is held: ioas 1", ""},
  };
}

}  // namespace iommufd_check::spec
