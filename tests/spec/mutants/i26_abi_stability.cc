#include "tests/spec/mutants/mutants.h"
#include "tests/spec/mutants/shared.h"

namespace iommufd_check::spec {

MutantCases MutantsOfI26() {
  const std::string preserve = "  luo_preserve(s, iommufd, token=2)\n";
  const std::string old_header =
      "iommufd_lu.nr_hwpts has the width that the compiler gives an unsigned int, and iommufd_lu "
      "is "
      "not packed in memory that the next kernel reads";
  return {
      {OldLayout("OldLayout", 32), kOneMarked + preserve, "main.6", old_header, ""},
  };
}

}  // namespace iommufd_check::spec
