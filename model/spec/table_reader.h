// What a domain maps, read from its table frames alone.
//
// A second description of the format (VT-d second stage, three levels, 4 KiB pages: Intel VT-d
// specification section 9.8): no constant and no line is shared with the kernel's code, so a wrong
// walk there is seen here.
#pragma once

#include <vector>

#include "model/spec/frames.h"
#include "model/spec/snapshot.h"

namespace iommufd_check::spec {

// All tables that the hardware reaches from `top`, ascending, `top` itself included. Frames that
// are nobody's end the walk, as would a fault; a frame reached twice is listed once. `leaves`, when
// it is not null, are all of them, ascending by IOVA.
void ReadTables(const Frames& frames, mm::Pfn top, std::vector<mm::Pfn>* tables,
                std::vector<LeafView>* leaves = nullptr);

}  // namespace iommufd_check::spec
