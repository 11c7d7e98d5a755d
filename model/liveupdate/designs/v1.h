// Design v1: R3 of designs.md, "[PATCH 00/14] Phase 1" of 2026-02-03, the revision reviewed in the
// seed mail. Written to be read beside designs.md section 5: the step numbers are those there.
#pragma once

#include "model/liveupdate/revision.h"

namespace iommufd_check::liveupdate {

const Revision& V1();

// The same revision on the LUO of Linux 7.2, where liveupdate_flb_get_outgoing counts: nothing that
// it gets is put, so the FLB outlives its last file (B69), and what v1 leaves pointing into its
// records (B10) never dangles. v1 itself stands on the LUO that it was posted for.
const Revision& V1On72();

}  // namespace iommufd_check::liveupdate
