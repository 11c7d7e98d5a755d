// Swim lanes: a violating run as a table of tasks against steps.
//
//       A                                  | B
//         9 lock ioas1.iova:w  [ioas1.iova:w]
//       ... 14 steps
//   >>>                                    |  17 read area0: area->pages  [xa_lock]
//
// One column for each concurrent task, and one for main (which also stands for finally and the
// exit) when something that matters happened there. A row shows the task's step, what it did, and
// in brackets the locks that it then holds. An operation beside which nothing ran is one row, its
// call with what it returned. `>>>` marks where the violation was seen.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "model/program/program.h"
#include "model/sim/event.h"
#include "model/spec/invariants.h"

namespace iommufd_check::cli {

struct LaneOptions {
  size_t max_rows = 24;  // rows and "... n steps" lines together; see ChooseRows
  size_t width = 120;    // columns of a line; what is longer ends in '~'
};

// The table, each line ended. Empty when there are no events.
std::string DrawLanes(const program::Program& program, const std::vector<sim::Event>& events,
                      const spec::Violation& subject, const LaneOptions& options = {});

}  // namespace iommufd_check::cli
