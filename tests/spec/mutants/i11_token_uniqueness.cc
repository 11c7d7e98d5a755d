#include "tests/spec/mutants/mutants.h"

namespace iommufd_check::spec {
namespace {

int IgnoreOtherTokens(StepKernel& k, HwptHandle target, uint64_t token) {
  const int error = Reference().steps().check_mark(k, target, token);
  return error == -sim::kEADDRINUSE ? 0 : error;
}
int IgnoreAllTokens(StepKernel&, HwptHandle, uint64_t) { return 0; }

// The token passes through 32 bits (B25).
void NarrowToken(StepKernel& k, PhysAddr memory, size_t index, uint64_t token,
                 PhysAddr domain_record) {
  Reference().steps().write_record(k, memory, index, static_cast<uint32_t>(token), domain_record);
}

}  // namespace

MutantCases MutantsOfI11() {
  const std::string preserve = "  luo_preserve(s, iommufd, token=2)\n";
  return {
      {Reference().Named("IgnoreOtherTokens").With(&Steps::check_mark, IgnoreOtherTokens),
       kOneMarked + "  hwpt2 = hwpt_alloc(dev, ioas)\n  lu_mark(hwpt2, token=7)\n", "main.7",
       "hwpts 3 and 4 are both marked with token 7", "I13"},
      {Reference().Named("NarrowToken").With(&Steps::write_record, NarrowToken),
       kOneMarked + "  lu_mark(hwpt, token=0x100000007)\n" + preserve, "main.7",
       "the record of hwpt 3 carries token 7 and the hwpt has token 4294967303", ""},
      {V1().Named("V1IgnoresOtherTokens").With(&Steps::check_mark, IgnoreAllTokens),
       kOneMarked + "  hwpt2 = hwpt_alloc(dev, ioas)\n  lu_mark(hwpt2, token=7)\n", "main.7",
       "hwpts 3 and 4 are both marked with token 7", "I13", V1()},
  };
}

}  // namespace iommufd_check::spec
