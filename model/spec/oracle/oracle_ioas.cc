// Mapping and unmapping, and the domains that areas are put into (uapi.md 4.5, 4.6, 4.8;
// io_pagetable.md sections 2, 3, 5 and 7).
#include <algorithm>
#include <iterator>
#include <utility>
#include <vector>

#include "model/sim/check.h"
#include "model/spec/oracle/oracle_iova.h"
#include "model/spec/oracle/oracle_rules.h"

namespace iommufd_check::spec::oracle {
namespace {

constexpr Iova kApertureLast = (uint64_t{1} << 39) - 1;

using Areas = std::map<Iova, Area>;

// The lowest area that has a byte in [first, last].
template <class Map>  // Areas or const Areas
auto LowestIn(Map& areas, Iova first, Iova last) {
  IOMMUFD_CHECK(first <= last, "a range has at least one byte");
  auto it = areas.upper_bound(first);
  if (it != areas.begin() && std::prev(it)->second.last >= first) --it;
  return it != areas.end() && it->first <= last ? it : areas.end();
}

// Items 5 and 6 of uapi.md 4.5.
int CheckUserSource(const Call& call) {
  const uint64_t address = UserAddress(call.index, call.offset);
  if (address > mm::kMax - call.length) return -sim::kEOVERFLOW;
  if (call.length == 0 || call.length > mm::kMax - mm::kPageSize) return -sim::kEINVAL;
  return 0;
}

// Items 5 to 8 of uapi.md 4.6.
int CheckFileSource(const State& state, const Call& call) {
  if (call.length == 0) return -sim::kEINVAL;
  if (call.offset > mm::kMax - (call.length - 1)) return -sim::kEOVERFLOW;
  if (!state.memfds.contains(call.index)) return -sim::kEBADF;
  if (call.length > mm::kMax - mm::kPageSize) return -sim::kEINVAL;
  return 0;
}

int CheckFixed(const State& state, const Call& call, uint64_t alignment) {
  if (call.iova % alignment != 0) return -sim::kEINVAL;
  if (call.iova > mm::kMax - (call.length - 1)) return -sim::kEOVERFLOW;
  const Iova last = call.iova + (call.length - 1);
  if (state.HwptsOn(call.id) > 0 && last > kApertureLast) return -sim::kEINVAL;
  const Areas& areas = state.ioas.at(call.id).areas;
  return LowestIn(areas, call.iova, last) == areas.end() ? 0 : -sim::kEEXIST;
}

std::vector<Range> Occupied(const State& state, uint32_t ioas_id) {
  std::vector<Range> ranges;
  for (const auto& [first, area] : state.ioas.at(ioas_id).areas) {
    ranges.push_back({first, area.last});
  }
  if (state.HwptsOn(ioas_id) > 0) ranges.push_back({kApertureLast + 1, mm::kMax});
  return ranges;
}

// Items 8 and 9 of uapi.md 4.5: where the areas go. `start`: of the first byte in its source.
IovaChoice Place(const State& state, const Call& call, uint64_t start) {
  const uint64_t alignment = state.AlignmentOf(call.id);
  if (call.length % alignment != 0) return {-sim::kEINVAL};
  IovaChoice choice;
  if (call.fixed) {
    choice = {CheckFixed(state, call, alignment), call.iova};
  } else {
    choice = ChooseIova(start, call.length, alignment, Occupied(state, call.id));
  }
  return choice;
}

// The checks of one slice; the one of a map is all of its pages.
int CheckSlice(const Area& slice, uint64_t alignment) {
  if ((slice.permissions & 2) != 0 && !slice.writable) return -sim::kEPERM;
  if (slice.start % mm::kPageSize % alignment != 0) return -sim::kEINVAL;
  // The kernel rounds offset + length up to pages before it looks; the sum wraps (oddity 8).
  const uint64_t bytes = slice.start % mm::kPageSize + slice.length();
  return bytes > mm::kMax - (mm::kPageSize - 1) ? -sim::kEOVERFLOW : 0;
}

bool IsWholePages(const Area& area) {
  return area.first % mm::kPageSize == 0 && area.length() % mm::kPageSize == 0 &&
         area.start % mm::kPageSize == 0;
}

// A map's source as the slice that it is.
Area SliceOf(const Call& call) {
  const bool is_file = call.kind == Call::Kind::kMapFile;
  Area slice;
  slice.start = is_file ? call.offset : UserAddress(call.index, call.offset);
  slice.last = call.length - 1;
  slice.pages = (slice.start % mm::kPageSize + call.length - 1) / mm::kPageSize + 1;
  slice.permissions = call.permissions;
  slice.is_file = is_file;
  slice.memfd = is_file ? call.index : uint16_t{0};
  slice.finished = false;
  slice.writable = (call.permissions & 2) != 0;
  return slice;
}

bool UnmapsAll(const Call& call) { return call.iova == 0 && call.length == mm::kMax; }
Iova LastOf(const Call& call) { return UnmapsAll(call) ? mm::kMax : call.iova + (call.length - 1); }

}  // namespace

int CheckMapNumbers(const Call& call) {
  IOMMUFD_CHECK((call.permissions & ~uint64_t{3}) == 0, "other bits would be other flags");
  const uint64_t highest = std::max({call.iova, call.source_iova, call.length});
  if (highest == mm::kMax) return -sim::kEOVERFLOW;
  return call.permissions == 0 ? -sim::kEINVAL : 0;
}

Insertion InsertSlices(State& state, const Call& call, const std::vector<Area>& slices) {
  if (state.IoasPreserved(call.id)) return {-sim::kEBUSY};
  const IovaChoice choice = Place(state, call, slices.front().start);
  Insertion insertion{choice.result, {choice.iova, 0}};
  for (Area slice : slices) {
    if (insertion.result == 0) insertion.result = CheckSlice(slice, state.AlignmentOf(call.id));
    if (insertion.result != 0) break;
    slice.first += choice.iova;
    slice.last += choice.iova;
    insertion.held.bytes += slice.length();
    const bool inserted = state.ioas[call.id].areas.emplace(slice.first, slice).second;
    IOMMUFD_CHECK(inserted, "the IOVA was free");
  }
  return insertion;
}

Insertion MapInsert(State& state, const Call& call) {
  const int refused = CheckMapNumbers(call);
  if (refused != 0) return {refused};
  if (!state.ioas.contains(call.id)) return {-sim::kENOENT};
  const bool is_file = call.kind == Call::Kind::kMapFile;
  const int error = is_file ? CheckFileSource(state, call) : CheckUserSource(call);
  return error != 0 ? Insertion{error} : InsertSlices(state, call, {SliceOf(call)});
}

int MapFill(State& state, const Limits& limits, const Call& call, const Held& held) {
  Areas& areas = state.ioas.at(call.id).areas;
  const bool pins = state.HwptsOn(call.id) > 0;
  std::vector<Area> filled;
  for (uint64_t done = 0; done < held.bytes; done += filled.back().length()) {
    const auto inserted = areas.find(held.iova + done);
    IOMMUFD_CHECK(inserted != areas.end() && !inserted->second.finished, "an area is filled once");
    Area& area = filled.emplace_back(inserted->second);
    area.finished = true;
    const int error = pins ? Pin(state, limits, &area) : 0;
    if (error != 0) return error;
  }
  for (Area& area : filled) areas[area.first] = std::move(area);
  return 0;
}

void EraseHeld(State& state, const Call& call, Held* held) {
  const auto area = state.ioas.at(call.id).areas.extract(held->iova);
  IOMMUFD_CHECK(!area.empty() && !area.mapped().finished, "what is held was never published");
  held->iova += area.mapped().length();
  held->bytes -= area.mapped().length();
  if (area.mapped().sharing != 0) NumberSharing(state);
}

Prediction FillOrErase(State& state, const Limits& limits, const Call& call, Insertion inserted) {
  int error = inserted.result;
  if (error == 0) error = MapFill(state, limits, call, inserted.held);
  if (error == 0) return Prediction{.iova = inserted.held.iova};
  while (inserted.held.bytes > 0) EraseHeld(state, call, &inserted.held);
  return Prediction{.result = error};
}

Prediction Map(State& state, const Limits& limits, const Call& call) {
  if (!FileOf(state, call).fd_open) return Fails(sim::kEBADF);
  return FillOrErase(state, limits, call, MapInsert(state, call));
}

Prediction MapFile(State& state, const Limits& limits, const Call& call) {
  return Map(state, limits, call);
}

Prediction UnmapBegin(const State& state, const Call& call) {
  if (!state.ioas.contains(call.id)) return Fails(sim::kENOENT);
  if (!UnmapsAll(call)) {
    if (call.iova == mm::kMax || call.length == mm::kMax) return Fails(sim::kEOVERFLOW);
    if (call.length == 0) return Fails(sim::kEINVAL);
    if (call.iova > mm::kMax - (call.length - 1)) return Fails(sim::kEOVERFLOW);
  }
  return state.IoasPreserved(call.id) ? Fails(sim::kEBUSY) : Prediction{};
}

UnmapProgress UnmapTake(State& state, const Call& call, Iova from) {
  const auto ioas = state.ioas.find(call.id);
  if (ioas == state.ioas.end()) return {.done = true};
  Areas& areas = ioas->second.areas;
  const Iova last = LastOf(call);
  const auto it = LowestIn(areas, from, last);
  if (it == areas.end()) return {.done = true};
  Area& area = it->second;
  if (!area.finished) return {.result = -sim::kEBUSY, .done = true};
  // One that was put over what is unmapped already begins before the place where the walk goes on.
  if (area.first < from || area.last > last) return {.result = -sim::kENOENT, .done = true};
  area.finished = false;
  return {.next = area.first};
}

UnmapProgress UnmapErase(State& state, const Call& call, Iova first) {
  Areas& areas = state.ioas.at(call.id).areas;
  const auto it = areas.find(first);
  IOMMUFD_CHECK(it != areas.end(), "an area that is taken apart is in the tree until it is erased");
  const Area area = it->second;
  IOMMUFD_CHECK(area.last >= area.first, "an area has at least one byte");
  areas.erase(it);
  if (area.sharing != 0) NumberSharing(state);
  return {.bytes = area.length(), .done = area.last >= LastOf(call), .next = area.last + 1};
}

bool UnmapUnpin(State& state, const Call& call, Iova first) {
  Area& area = state.ioas.at(call.id).areas.at(first);
  if (area.sharing == 0 || area.versions.empty()) return false;
  area.versions.clear();
  return true;
}

UnmapProgress UnmapNext(State& state, const Call& call, Iova from) {
  const UnmapProgress taken = UnmapTake(state, call, from);
  return taken.done ? taken : UnmapErase(state, call, taken.next);
}

Prediction UnmapEnd(const Call& call, uint64_t bytes) {
  return bytes == 0 && !UnmapsAll(call) ? Fails(sim::kENOENT) : Prediction{.unmapped = bytes};
}

Prediction Unmap(State& state, const Limits&, const Call& call) {
  if (!FileOf(state, call).fd_open) return Fails(sim::kEBADF);
  const Prediction refused = UnmapBegin(state, call);
  if (refused.result != 0) return refused;
  Prediction prediction;
  Iova from = call.iova;
  for (;;) {
    const UnmapProgress progress = UnmapNext(state, call, from);
    prediction.unmapped += progress.bytes;
    prediction.result = progress.result;
    if (progress.done) break;
    from = progress.next;
  }
  return prediction.result != 0 ? prediction : UnmapEnd(call, prediction.unmapped);
}

int AddDomain(State& state, const Limits& limits, uint32_t ioas_id) {
  const bool first_domain = state.HwptsOn(ioas_id) == 0;
  Areas areas = state.ioas.at(ioas_id).areas;
  for (const auto& [first, area] : areas) {
    // With a domain inside the alignment does not grow, and nobody looks at areas without pages.
    const bool aligned = !first_domain || IsWholePages(area);
    if (!aligned || area.last > kApertureLast) return -sim::kEADDRINUSE;
  }
  if (!first_domain) return 0;  // the pages are pinned already
  for (auto& [first, area] : areas) {
    if (!area.finished) continue;
    const int error = Pin(state, limits, &area);
    if (error != 0) return error;
  }
  state.ioas[ioas_id].areas = std::move(areas);
  return 0;
}

void DomainGone(State& state, uint32_t ioas_id) {
  const auto ioas = state.ioas.find(ioas_id);
  if (ioas == state.ioas.end() || state.HwptsOn(ioas_id) > 0) return;
  for (auto& [first, area] : ioas->second.areas) area.versions.clear();
}

}  // namespace iommufd_check::spec::oracle
