#include "tests/spec/mutants/mutants.h"

namespace iommufd_check::spec {
namespace {

// Unfreezes the memfd whose pages it has just checked.
class UnfreezeMemfd : public Mutant {
 public:
  UnfreezeMemfd() : Mutant("UnfreezeMemfd") {}

 protected:
  void Finish(Kernel& k, ContextHandle ctx, PhysAddr memory, size_t records) override {
    Reference::Finish(k, ctx, memory, records);
    const mm::MemfdHandle first{0, 0};
    Get(k.t, k.mm, first).state.Raw().frozen = false;
  }
};

}  // namespace

MutantCases MutantsOfI16() {
  static UnfreezeMemfd unfreeze_memfd;
  return {
      {&unfreeze_memfd, kOneMapped + "  luo_preserve(s, iommufd, token=2)\n", "main.9",
       "memfd 0 is not frozen while a preserved domain maps it", "I38"},
  };
}

}  // namespace iommufd_check::spec
