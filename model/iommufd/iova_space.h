// Choosing and checking IOVAs (io_pagetable.md section 3). Pure functions: no locks, no steps.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "model/mm/types.h"

namespace iommufd_check::iommufd {

// A range of bytes, both ends inclusive.
struct IovaRange {
  mm::Iova first = 0;
  mm::Iova last = 0;
};

struct IovaRequest {
  uint64_t source_address = 0;
  uint64_t length = 0;     // bytes
  uint64_t alignment = 1;  // current iova_alignment, a power of two <= 4096
};

// "Automatic IOVA": the lowest fit outside `taken` (areas and reserved ranges, any order).
// Returns 0 and sets `iova`, or EOVERFLOW, EINVAL, ENOSPC (negative).
int ChooseIova(const IovaRequest& request, std::vector<IovaRange> taken, mm::Iova* iova);

// "Fixed IOVA": EINVAL misaligned, EOVERFLOW wraps, EINVAL reserved, EEXIST area.
int CheckIova(mm::Iova iova, uint64_t length, uint64_t alignment,
              const std::vector<IovaRange>& reserved, const std::vector<IovaRange>& areas);

}  // namespace iommufd_check::iommufd
