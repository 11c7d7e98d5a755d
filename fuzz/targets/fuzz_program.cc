// libFuzzer target: sequential programs with faults. Flags: program_target.h.

#include "fuzz/targets/program_target.h"

namespace iommufd_check::cli {

ProgramTarget& TheTarget() {
  static ProgramTarget target("fuzz_program", {});
  return target;
}

}  // namespace iommufd_check::cli
