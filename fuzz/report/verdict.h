// The verdict: which invariants each design holds, over a set of programs and all their variants
// within stated bounds, as a table made of certificates (model/explore/work/verdict_work.h).
//
//   MinimiseFindings(&executor, &certificate);
//   std::cout << RenderVerdict({certificate});
#pragma once

#include <string>
#include <vector>

#include "model/explore/work/certificate.h"
#include "model/program/execute/executor.h"

namespace iommufd_check::cli {

// Makes each finding's witness as small as it can be while it still shows the finding. Does nothing
// for a design that this build does not have.
void MinimiseFindings(program::Executor* executor, explore::Certificate* certificate);

// Rows are invariants, columns the certificates' designs. For each design a line about the extent
// of the work follows, then its findings: what may be the cause of others first, those below it.
std::string RenderVerdict(const std::vector<explore::Certificate>& verdicts);

}  // namespace iommufd_check::cli
