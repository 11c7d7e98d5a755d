#include "tests/spec/mutants/mutants.h"

namespace iommufd_check::spec {
namespace {

class NoRollback : public Mutant {
 public:
  NoRollback() : Mutant("NoRollback") {}

 protected:
  void Rollback(Kernel&, const Hwpts&, size_t) override {}
};

// The failing HWPT leaves its IOAS immutable.
class FailureWithoutThaw : public Mutant {
 public:
  FailureWithoutThaw() : Mutant("FailureWithoutThaw") {}

 protected:
  void ThawRest(Kernel&, const Hwpts&, size_t) override {}
};

// Memory that cannot be preserved leaves its IOAS immutable.
class RefusalWithoutThaw : public Mutant {
 public:
  RefusalWithoutThaw() : Mutant("RefusalWithoutThaw") {}

 protected:
  int Freeze(Kernel& k, const PreserveArguments& arguments, const Gate& gate) override {
    const int error = CloseGate(k, gate);
    return error != 0 ? error : Validate(k, arguments, gate.ioas);
  }
};

}  // namespace

MutantCases MutantsOfI05() {
  static NoRollback no_rollback;
  static FailureWithoutThaw failure_without_thaw;
  static RefusalWithoutThaw refusal_without_thaw;
  const std::string preserve = "  luo_preserve(s, iommufd, token=2)\n";
  return {
      {&no_rollback, kTwoMarked + preserve + "fault main.8 iommu_domain_preserve nth=2\n", "main.8",
       "the failed preserve leaves ioas 1 immutable 0x1, it was 0x0", "I02 I03 I08 I24 I36 I37"},
      {&failure_without_thaw, kOneMarked + preserve + "fault main.6 iommu_domain_preserve nth=1\n",
       "main.6", "the failed preserve leaves ioas 1 immutable 0x1, it was 0x0", "I07 I37"},
      {&refusal_without_thaw, kOneMarked + "  map(ioas, iova=0x1000, length=0x1000)\n" + preserve,
       "main.7", "the failed preserve leaves ioas 1 immutable 0x1, it was 0x0", "I07 I36 I37"},
  };
}

}  // namespace iommufd_check::spec
