#include "tests/spec/mutants/mutants.h"
#include "tests/spec/mutants/shared.h"

namespace iommufd_check::spec {

MutantCases MutantsOfI27() {
  const std::string preserve = "  luo_preserve(s, iommufd, token=2)\n";
  return {
      {OldLayout("OldLayoutWideToken", 64), kOneMarked + preserve, "main.6",
       "a token of 64 bits is recorded in 32", "I26"},
  };
}

}  // namespace iommufd_check::spec
