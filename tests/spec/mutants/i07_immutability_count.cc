#include "tests/spec/mutants/mutants.h"

namespace iommufd_check::spec {
namespace {

// A flag where there should be a count.
class ThawSetsZero : public Mutant {
 public:
  ThawSetsZero() : Mutant("ThawSetsZero") {}

 protected:
  void Thaw(Kernel& k, const Gate& gate) override {
    down_write(k.t, Get(k, gate.ioas).iopt.domains_rwsem);
    down_write(k.t, Get(k, gate.ioas).iopt.iova_rwsem);
    SetImmutable(k, gate.ioas, 0);
    up_write(k.t, Get(k, gate.ioas).iopt.iova_rwsem);
    up_write(k.t, Get(k, gate.ioas).iopt.domains_rwsem);
  }
};

class NoThaw : public Mutant {
 public:
  NoThaw() : Mutant("NoThaw") {}

 protected:
  void Thaw(Kernel&, const Gate&) override {}
};

}  // namespace

MutantCases MutantsOfI07() {
  static ThawSetsZero thaw_sets_zero;
  static NoThaw no_thaw;
  return {
      {&thaw_sets_zero,
       kTwoMarked + "  luo_preserve(s, iommufd, token=2)\n  luo_close_session(s)\n", "main.9",
       "ioas 1 may change again while domain 0 is preserved", "I01"},
      {&no_thaw, kOneMarked + "  luo_preserve(s, iommufd, token=2)\n  luo_close_session(s)\n",
       "main.7", "ioas 1 has no preserved hwpt and is immutable", "I37"},
  };
}

}  // namespace iommufd_check::spec
