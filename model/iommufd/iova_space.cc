#include "model/iommufd/iova_space.h"

#include <algorithm>
#include <bit>

#include "model/sim/errno.h"

namespace iommufd_check::iommufd {
namespace {

constexpr uint64_t kHugePage = uint64_t{2} << 20;  // x86 with THP

bool Intersects(const IovaRange& range, const std::vector<IovaRange>& others) {
  return std::any_of(others.begin(), others.end(), [&](const IovaRange& other) {
    return other.first <= range.last && range.first <= other.last;
  });
}

// fit(a, l) of the specification: an aligned start inside [first, last] with room for the length.
std::optional<mm::Iova> Fit(mm::Iova first, mm::Iova last, uint64_t align, uint64_t offset,
                            uint64_t length) {
  if (first > mm::kMax - (align - 1)) return std::nullopt;
  const mm::Iova start = ((first + align - 1) & ~(align - 1)) | offset;
  if (start < first || start >= last || last - start < length - 1) return std::nullopt;
  return start;
}

uint64_t AlignmentFor(uint64_t address, uint64_t length) {
  uint64_t align = std::bit_ceil(length);
  if (address != 0) align = std::min(align, address & (~address + 1));
  return std::min(align, kHugePage);
}

}  // namespace

int ChooseIova(const IovaRequest& request, std::vector<IovaRange> taken, mm::Iova* iova) {
  if (request.length == 0 || request.length >= mm::kMax / 2) return -sim::kEOVERFLOW;
  const uint64_t align = AlignmentFor(request.source_address, request.length);
  if (align < request.alignment) return -sim::kEINVAL;
  const uint64_t offset = request.source_address % mm::kPageSize;

  std::sort(taken.begin(), taken.end(),
            [](const IovaRange& a, const IovaRange& b) { return a.first < b.first; });
  const mm::Iova run_last = mm::kMax - mm::kPageSize;
  mm::Iova next = mm::kPageSize;
  const auto first_fit = Fit(next, run_last, align, offset, request.length);
  if (!first_fit.has_value()) return -sim::kENOSPC;
  next = *first_fit;
  for (const IovaRange& range : taken) {
    if (range.last < next) continue;
    if (range.first > next) {
      const mm::Iova hole_last = std::min(range.first - 1, run_last);
      const auto start = Fit(next, hole_last, align, offset, request.length);
      if (start.has_value()) {
        *iova = *start;
        return 0;
      }
    }
    if (range.last >= run_last) return -sim::kENOSPC;
    next = range.last + 1;
  }
  const auto start = Fit(next, run_last, align, offset, request.length);
  if (!start.has_value()) return -sim::kENOSPC;
  *iova = *start;
  return 0;
}

int CheckIova(mm::Iova iova, uint64_t length, uint64_t alignment,
              const std::vector<IovaRange>& reserved, const std::vector<IovaRange>& areas) {
  if ((iova & (alignment - 1)) != 0) return -sim::kEINVAL;
  if (iova + (length - 1) < iova) return -sim::kEOVERFLOW;
  const IovaRange range{iova, iova + (length - 1)};
  if (Intersects(range, reserved)) return -sim::kEINVAL;
  if (Intersects(range, areas)) return -sim::kEEXIST;
  return 0;
}

}  // namespace iommufd_check::iommufd
