#include "model/program/linux/image_leaves.h"

#include <algorithm>

#include "absl/strings/str_format.h"
#include "model/sim/check.h"

namespace iommufd_check::program {
namespace {

using spec::oracle::Area;
using spec::oracle::Ioas;
using spec::oracle::State;

constexpr uint64_t kLookedAt = 8;  // pages at either end of an area

// What a device finds at one IOVA.
struct Leaf {
  uint64_t page = 0;  // 0: nothing
  unsigned permissions = 0;
  friend bool operator==(const Leaf&, const Leaf&) = default;
};

std::string Text(const Leaf& leaf) {
  if (leaf.page == 0) return "nothing";
  const char* const names[] = {"none", "r", "w", "rw"};
  return absl::StrFormat("page %d (%s)", leaf.page, names[leaf.permissions]);
}

Leaf Found(const linux_host::Machine& machine, uint16_t device, uint64_t iova) {
  Leaf leaf;
  leaf.page = machine.Translate(device, iova, &leaf.permissions);
  return leaf;
}

Leaf Documented(const linux_host::Machine& machine, const Ioas& ioas, uint64_t iova) {
  auto area = ioas.areas.upper_bound(iova);
  if (area == ioas.areas.begin()) return {};
  --area;
  if (area->second.last < iova) return {};
  const Area& found = area->second;
  return {machine.UserPage(found.start + (iova - found.first)),
          static_cast<unsigned>(found.permissions)};
}

std::string DifferenceAt(const linux_host::Machine& machine, uint16_t device, const Ioas& ioas,
                         uint64_t iova) {
  const Leaf found = Found(machine, device, iova);
  const Leaf documented = Documented(machine, ioas, iova);
  if (found == documented) return "";
  return absl::StrFormat("device %d finds %s at iova 0x%x, documented is %s", device, Text(found),
                         iova, Text(documented));
}

// IOVAs of an area, and around it, that are looked at.
std::vector<uint64_t> PlacesOf(const Area& area) {
  constexpr uint64_t kPage = mm::kPageSize;
  const uint64_t pages = area.length() / kPage;
  std::vector<uint64_t> places;
  if (area.first >= kPage) places.push_back(area.first - kPage);
  for (uint64_t i = 0; i < std::min(pages, kLookedAt); ++i) {
    places.push_back(area.first + i * kPage);
    places.push_back(area.last + 1 - (i + 1) * kPage);
  }
  places.push_back(area.last + 1);
  return places;
}

}  // namespace

std::string LeafDifference(const State& state, const linux_host::Machine& machine) {
  for (const auto& [id, device] : state.devices) {
    if (device.attached == 0) continue;
    const auto hwpt = state.hwpts.find(device.attached);
    IOMMUFD_CHECK(hwpt != state.hwpts.end(), "a device is attached to what exists");
    const Ioas& ioas = state.ioas.at(hwpt->second.ioas);
    for (const auto& [first, area] : ioas.areas) {
      for (const uint64_t iova : PlacesOf(area)) {
        std::string difference = DifferenceAt(machine, device.endpoint, ioas, iova);
        if (!difference.empty()) return difference;
      }
    }
  }
  return "";
}

}  // namespace iommufd_check::program
