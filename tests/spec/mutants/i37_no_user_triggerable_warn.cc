#include "tests/spec/mutants/mutants.h"

namespace iommufd_check::spec {
namespace {

// Takes memory that cannot be preserved for a bug of the kernel.
int WarnOnInvalid(StepKernel& k, const PreserveArguments& arguments, IoasHandle ioas) {
  const int error = Reference().steps().validate(k, arguments, ioas);
  warn_on(k, error != 0, ioas);
  return error;
}

}  // namespace

MutantCases MutantsOfI37() {
  const std::string preserve = "  luo_preserve(s, iommufd, token=2)\n";
  return {
      {Reference().Named("WarnOnInvalid").With(&Steps::validate, WarnOnInvalid),
       kOneMarked + "  map(ioas, iova=0x1000, length=0x1000)\n" + preserve, "main.7",
       "iommufd_liveupdate_preserve: WARN: ioas 1", ""},
  };
}

}  // namespace iommufd_check::spec
