// Mapping and unmapping, and the domains that areas are put into (uapi.md 4.5, 4.6, 4.8;
// io_pagetable.md sections 2, 3, 5 and 7).
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

// Items 8 to 10 of uapi.md 4.5: where the area goes. `start`: of the first byte in its source.
IovaChoice Place(const State& state, const Call& call, uint64_t start) {
  const uint64_t alignment = state.AlignmentOf(call.id);
  if (call.length % alignment != 0) return {-sim::kEINVAL};
  IovaChoice choice;
  if (call.fixed) {
    choice = {CheckFixed(state, call, alignment), call.iova};
  } else {
    choice = ChooseIova(start, call.length, alignment, Occupied(state, call.id));
  }
  if (choice.result != 0) return choice;
  if (start % mm::kPageSize % alignment != 0) return {-sim::kEINVAL};
  // The kernel rounds offset + length up to pages before it looks; the sum wraps (oddity 8).
  const uint64_t bytes = start % mm::kPageSize + call.length;
  if (bytes > mm::kMax - (mm::kPageSize - 1)) return {-sim::kEOVERFLOW};
  return choice;
}

bool FitsDomain(const Area& area) {
  const bool aligned = area.first % mm::kPageSize == 0 && area.length() % mm::kPageSize == 0 &&
                       area.start % mm::kPageSize == 0;
  return aligned && area.last <= kApertureLast;
}

bool UnmapsAll(const Call& call) { return call.iova == 0 && call.length == mm::kMax; }
Iova LastOf(const Call& call) { return UnmapsAll(call) ? mm::kMax : call.iova + (call.length - 1); }

}  // namespace

Prediction MapInsert(State& state, const Call& call) {
  IOMMUFD_CHECK((call.permissions & ~uint64_t{3}) == 0, "other bits would be other flags");
  if (call.iova == mm::kMax || call.length == mm::kMax) return Fails(sim::kEOVERFLOW);
  if (call.permissions == 0) return Fails(sim::kEINVAL);
  if (!state.ioas.contains(call.id)) return Fails(sim::kENOENT);
  const bool is_file = call.kind == Call::Kind::kMapFile;
  const int error = is_file ? CheckFileSource(state, call) : CheckUserSource(call);
  if (error != 0) return Prediction{.result = error};
  if (state.IoasPreserved(call.id)) return Fails(sim::kEBUSY);

  Area area;
  area.start = is_file ? call.offset : UserAddress(call.index, call.offset);
  const IovaChoice choice = Place(state, call, area.start);
  if (choice.result != 0) return Prediction{.result = choice.result};
  area.first = choice.iova;
  area.last = choice.iova + (call.length - 1);
  area.pages = (area.start % mm::kPageSize + call.length - 1) / mm::kPageSize + 1;
  area.permissions = call.permissions;
  area.is_file = is_file;
  area.memfd = is_file ? call.index : uint16_t{0};
  area.finished = false;
  const bool inserted = state.ioas[call.id].areas.emplace(area.first, std::move(area)).second;
  IOMMUFD_CHECK(inserted, "the IOVA was free");
  return Prediction{.iova = choice.iova};
}

int MapFill(State& state, const Limits& limits, uint32_t ioas_id, Iova iova) {
  Areas& areas = state.ioas.at(ioas_id).areas;
  const auto inserted = areas.find(iova);
  IOMMUFD_CHECK(inserted != areas.end() && !inserted->second.finished, "an area is filled once");
  Area& area = inserted->second;
  area.finished = true;
  const int error = state.HwptsOn(ioas_id) > 0 ? Pin(state, limits, &area) : 0;
  if (error != 0) areas.erase(inserted);
  return error;
}

Prediction Map(State& state, const Limits& limits, const Call& call) {
  if (!FileOf(state, call).fd_open) return Fails(sim::kEBADF);
  const Prediction prediction = MapInsert(state, call);
  if (prediction.result != 0) return prediction;
  const int error = MapFill(state, limits, call.id, prediction.iova);
  return error != 0 ? Prediction{.result = error} : prediction;
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
  if (area.first < call.iova || area.last > last) return {.result = -sim::kENOENT, .done = true};
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
  return {.bytes = area.length(), .done = area.last >= LastOf(call), .next = area.last + 1};
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
    if (!FitsDomain(area)) return -sim::kEADDRINUSE;
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
