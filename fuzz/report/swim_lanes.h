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
#include <cstdint>
#include <string>
#include <vector>

#include "model/program/program.h"
#include "model/sim/event.h"
#include "model/spec/invariants.h"

namespace iommufd_check::cli {

struct Lanes {
  struct Row {
    uint32_t skipped = 0;  // steps of these tasks since the row before that have none
    sim::TaskId task = 0;
    uint32_t step = 0;               // of the task
    std::string text;                // what it did
    std::vector<std::string> locks;  // that it then holds
    bool seen = false;               // the violation
  };
  std::vector<sim::TaskId> tasks;  // ascending
  std::vector<Row> rows;
};

// At most `max_rows` of rows and places where some are skipped; see ChooseRows. Nothing when there
// are no events.
Lanes LanesOf(const program::Program& program, const std::vector<sim::Event>& events,
              const spec::Violation& subject, size_t max_rows);

// The table, each line ended; a line has `width` columns, and what is longer ends in '~'. Empty
// without rows.
std::string DrawLanes(const Lanes& lanes, size_t width);

}  // namespace iommufd_check::cli
