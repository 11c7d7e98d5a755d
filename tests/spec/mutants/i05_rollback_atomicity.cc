#include "tests/spec/mutants/mutants.h"

namespace iommufd_check::spec {
namespace {

void NoRollback(StepKernel&, const Hwpts&, size_t) {}

// The failing HWPT leaves its IOAS immutable.
void NoThawOfRest(StepKernel&, const Hwpts&, size_t) {}

// Memory that cannot be preserved leaves its IOAS immutable.
int RefuseWithoutThaw(StepKernel& k, const PreserveArguments& arguments, const Gate& gate) {
  const int error = k.close_gate(gate);
  return error != 0 ? error : k.validate(arguments, gate.ioas);
}

}  // namespace

MutantCases MutantsOfI05() {
  const std::string preserve = "  luo_preserve(s, iommufd, token=2)\n";
  return {
      {Reference().Named("NoRollback").With(&Steps::rollback, NoRollback),
       kTwoMarked + preserve + "fault main.8 iommu_domain_preserve nth=2\n", "main.8",
       "the failed preserve leaves ioas 1 immutable 0x1, it was 0x0", "I02 I03 I08 I24 I36 I37"},
      {Reference().Named("FailureWithoutThaw").With(&Steps::thaw_rest, NoThawOfRest),
       kOneMarked + preserve + "fault main.6 iommu_domain_preserve nth=1\n", "main.6",
       "the failed preserve leaves ioas 1 immutable 0x1, it was 0x0", "I07 I37"},
      {Reference().Named("RefusalWithoutThaw").With(&Steps::freeze, RefuseWithoutThaw),
       kOneMarked + "  map(ioas, iova=0x1000, length=0x1000)\n" + preserve, "main.7",
       "the failed preserve leaves ioas 1 immutable 0x1, it was 0x0", "I07 I36 I37"},
  };
}

}  // namespace iommufd_check::spec
