// Copying: areas that show the pages of others (uapi.md 4.7; io_pagetable.md section 4).
#include <algorithm>
#include <utility>

#include "model/sim/check.h"
#include "model/spec/oracle/oracle_rules.h"

namespace iommufd_check::spec::oracle {
namespace {

// A number that no group of areas that share has.
uint32_t NewSharing(const State& state) {
  uint32_t highest = 0;
  const auto look = [&](const Area& area) { highest = std::max(highest, area.sharing); };
  for (const auto& [id, ioas] : state.ioas) {
    for (const auto& [first, area] : ioas.areas) look(area);
  }
  for (const auto& [call, slices] : state.taken) std::for_each(slices.begin(), slices.end(), look);
  return highest + 1;
}

// The bytes [from, last] of the area, `distance` bytes behind the first one of the copy.
Area SliceOf(const Area& area, Iova from, Iova last, uint64_t distance, uint64_t permissions) {
  Area slice = area;
  slice.start = area.start + (from - area.first);
  slice.first = distance;
  slice.last = distance + (last - from);
  slice.pages = (slice.start % mm::kPageSize + (last - from)) / mm::kPageSize + 1;
  slice.permissions = permissions;
  slice.finished = false;
  slice.versions.clear();
  return slice;
}

// The areas, all finished and without a gap, that have [first, last].
int TakeSlices(State& state, const Call& call, Iova last, std::vector<Area>* slices) {
  auto& areas = state.ioas.at(call.id2).areas;
  auto next = areas.upper_bound(call.source_iova);
  if (next == areas.begin()) return -sim::kENOENT;
  Iova from = call.source_iova;
  for (--next; next != areas.end(); ++next) {
    Area& area = next->second;
    if (area.first > from || area.last < from || !area.finished) break;
    if (area.sharing == 0) area.sharing = NewSharing(state);
    const Iova end = std::min(last, area.last);
    slices->push_back(SliceOf(area, from, end, from - call.source_iova, call.permissions));
    if (end == last) return 0;
    from = end + 1;
  }
  return -sim::kENOENT;
}

}  // namespace

int CopyTake(State& state, const Call& call, size_t number) {
  IOMMUFD_CHECK(!state.taken.contains(number), "a copy takes from its source once");
  const int refused = CheckMapNumbers(call);
  if (refused != 0) return refused;
  if (!state.ioas.contains(call.id2)) return -sim::kENOENT;
  if (call.length == 0) return -sim::kEINVAL;
  if (call.source_iova > mm::kMax - (call.length - 1)) return -sim::kEOVERFLOW;
  std::vector<Area> slices;
  const int error = TakeSlices(state, call, call.source_iova + (call.length - 1), &slices);
  if (error == 0) state.taken[number] = std::move(slices);
  NumberSharing(state);
  return error;
}

Insertion CopyInsert(State& state, const Call& call, size_t number) {
  const auto taken = state.taken.extract(number);
  IOMMUFD_CHECK(!taken.empty(), "a copy takes first");
  Insertion inserted{-sim::kENOENT};
  if (state.ioas.contains(call.id)) inserted = InsertSlices(state, call, taken.mapped());
  NumberSharing(state);
  return inserted;
}

void CopyDrop(State& state, size_t number) {
  state.taken.erase(number);
  NumberSharing(state);
}

Prediction IoasCopy(State& state, const Limits& limits, const Call& call) {
  if (!FileOf(state, call).fd_open) return Fails(sim::kEBADF);
  const int error = CopyTake(state, call, 0);
  if (error != 0) return Prediction{.result = error};
  return FillOrErase(state, limits, call, CopyInsert(state, call, 0));
}

}  // namespace iommufd_check::spec::oracle
