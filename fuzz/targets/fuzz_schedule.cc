// libFuzzer target: programs of up to three tasks, with the places where their schedule switches,
// and with faults. Flags: program_target.h.

#include "fuzz/targets/program_target.h"

namespace iommufd_check::cli {

ProgramTarget& TheTarget() {
  static ProgramTarget target("fuzz_schedule", {.tasks = 3});
  return target;
}

}  // namespace iommufd_check::cli
