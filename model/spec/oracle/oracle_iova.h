// The automatic choice of an IOVA (io_pagetable.md section 3): lists the holes, takes the first
// that fits.
#pragma once

#include <cstdint>
#include <vector>

#include "model/mm/types.h"

namespace iommufd_check::spec::oracle {

// Bytes, both ends inclusive.
struct Range {
  mm::Iova first = 0;
  mm::Iova last = 0;
  friend bool operator==(const Range&, const Range&) = default;
};

// What is left of `window`, ascending. REQUIRES: `occupied` ascends by `first`.
std::vector<Range> Holes(Range window, const std::vector<Range>& occupied);

struct IovaChoice {
  int result = 0;  // 0, or -EOVERFLOW, -EINVAL, -ENOSPC
  mm::Iova iova = 0;
};

// `source`: address of the first byte in user memory or in the file; `alignment`: what the domains
// of the IOAS ask for. REQUIRES: as Holes.
IovaChoice ChooseIova(uint64_t source, uint64_t length, uint64_t alignment,
                      const std::vector<Range>& occupied);

}  // namespace iommufd_check::spec::oracle
