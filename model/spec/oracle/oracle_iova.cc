#include "model/spec/oracle/oracle_iova.h"

#include <algorithm>
#include <bit>
#include <optional>

#include "model/sim/check.h"
#include "model/sim/errno.h"

namespace iommufd_check::spec::oracle {
namespace {

constexpr uint64_t kHugePageSize = uint64_t{1} << 21;

// The lowest aligned start inside the hole that leaves room, with the source's offset or-ed in.
std::optional<mm::Iova> Fit(Range hole, uint64_t align, uint64_t offset, uint64_t length) {
  IOMMUFD_CHECK(std::has_single_bit(align), "alignments are powers of two");
  const uint64_t beyond = hole.first % align;
  if (beyond != 0 && hole.first > mm::kMax - (align - beyond)) return std::nullopt;
  const mm::Iova start = (beyond == 0 ? hole.first : hole.first + (align - beyond)) | offset;
  if (start >= hole.last) return std::nullopt;  // not even for a single byte
  if (hole.last - start < length - 1) return std::nullopt;
  return start;
}

uint64_t AlignmentOf(uint64_t source, uint64_t length) {
  uint64_t align = std::min(std::bit_ceil(length), kHugePageSize);
  while (source % align != 0) align /= 2;
  return align;
}

}  // namespace

std::vector<Range> Holes(Range window, const std::vector<Range>& occupied) {
  IOMMUFD_CHECK(window.first <= window.last, "a window has at least one byte");
  std::vector<Range> holes;
  mm::Iova next = window.first;
  for (const Range& range : occupied) {
    IOMMUFD_CHECK(range.first <= range.last, "a range has at least one byte");
    if (range.first > window.last) break;
    if (range.first > next) holes.push_back({next, range.first - 1});
    if (range.last >= window.last) return holes;
    next = std::max(next, range.last + 1);
  }
  holes.push_back({next, window.last});
  return holes;
}

IovaChoice ChooseIova(uint64_t source, uint64_t length, uint64_t alignment,
                      const std::vector<Range>& occupied) {
  if (length == 0 || length >= mm::kMax / 2) return {-sim::kEOVERFLOW};
  const uint64_t align = AlignmentOf(source, length);
  if (align < alignment) return {-sim::kEINVAL};
  const uint64_t offset = source % mm::kPageSize;
  Range window{mm::kPageSize, mm::kMax - mm::kPageSize};
  const std::optional<mm::Iova> lowest = Fit(window, align, offset, length);
  if (!lowest.has_value()) return {-sim::kENOSPC};
  window.first = *lowest;
  for (const Range& hole : Holes(window, occupied)) {
    const std::optional<mm::Iova> start = Fit(hole, align, offset, length);
    if (start.has_value()) return {0, *start};
  }
  return {-sim::kENOSPC};
}

}  // namespace iommufd_check::spec::oracle
