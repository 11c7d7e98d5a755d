#include "model/explore/world/world_symmetry.h"

#include <algorithm>

#include "model/sim/check.h"

namespace iommufd_check::explore {
namespace {

using Renaming = WorldAlphabet::Renaming;
using Places = Renaming::Places;

// All ways to let the first `count` change places.
std::vector<Places> PlacesOf(int count) {
  Places places = Renaming().device;
  std::vector<Places> all;
  do {
    all.push_back(places);
  } while (std::next_permutation(places.begin(), places.begin() + count));
  return all;
}

// Iommufds keep their places, and what belongs to one stays with it.
bool KeepsDevices(const WorldScope& scope, const Places& hwpt, const Places& device) {
  for (int d = 0; d < scope.devices; ++d) {
    const int moved = device[static_cast<std::size_t>(d)];
    if (scope.IommufdOfDevice(moved) != scope.IommufdOfDevice(d)) return false;
  }
  for (int h = 0; h < scope.hwpts; ++h) {
    const int moved = hwpt[static_cast<std::size_t>(h)] % scope.devices;
    if (moved != device[static_cast<std::size_t>(h % scope.devices)]) return false;
  }
  return true;
}

Places After(const Places& first, const Places& second) {
  Places both{};
  for (std::size_t i = 0; i < both.size(); ++i) {
    both[i] = second[static_cast<std::size_t>(first[i])];
  }
  return both;
}

Renaming After(const Renaming& first, const Renaming& second) {
  return {.device = After(first.device, second.device),
          .hwpt = After(first.hwpt, second.hwpt),
          .memfd = After(first.memfd, second.memfd),
          .token = After(first.token, second.token),
          .session = After(first.session, second.session)};
}

}  // namespace

WorldSymmetry::WorldSymmetry(const WorldAlphabet& alphabet) : alphabet_(alphabet) {
  FindRenamings();
  IOMMUFD_CHECK(renamings_.front() == Renaming(), "renaming 0 changes nothing");
  FindStarts();
  for (const Renaming& renaming : renamings_) {
    for (std::size_t i = 0; i < alphabet.size(); ++i) {
      const WorldAlphabet::Entry& entry = alphabet.entry(i);
      moved_entries_.push_back(
          static_cast<std::uint8_t>(alphabet.Find(entry.operation.code, renaming(entry.roles))));
    }
  }
}

void WorldSymmetry::FindRenamings() {
  const WorldScope& scope = alphabet_.scope();
  for (const Places& hwpt : PlacesOf(scope.hwpts)) {
    for (const Places& device : PlacesOf(scope.devices)) {
      if (!KeepsDevices(scope, hwpt, device)) continue;
      for (const Places& memfd : PlacesOf(scope.memfds)) {
        for (const Places& token : PlacesOf(scope.tokens)) {
          for (const Places& session : PlacesOf(scope.sessions)) {
            renamings_.push_back({device, hwpt, memfd, token, session});
          }
        }
      }
    }
  }
  // The places before were visited in ascending order, so that these ascend as well but for the
  // order of members.
  std::sort(renamings_.begin(), renamings_.end());
}

void WorldSymmetry::FindStarts() {
  std::vector<WorldAlphabet::Spelled> preambles;
  std::vector<std::uint16_t> number_of(size());
  for (std::size_t r = 0; r < size(); ++r) {
    const WorldAlphabet::Spelled preamble = alphabet_.Preamble(renamings_[r]);
    const auto known = std::find(preambles.begin(), preambles.end(), preamble);
    if (known == preambles.end()) {
      starts_.push_back(static_cast<std::uint16_t>(r));
      preambles.push_back(preamble);
      number_of[r] = starts_.back();
    } else {
      number_of[r] = starts_[static_cast<std::size_t>(known - preambles.begin())];
    }
  }
  moved_starts_.resize(size() * size());
  for (std::size_t r = 0; r < size(); ++r) {
    for (const std::uint16_t start : starts_) {
      const auto both = std::lower_bound(renamings_.begin(), renamings_.end(),
                                         After(renamings_[start], renamings_[r]));
      IOMMUFD_CHECK(both != renamings_.end(), "renamings are a group");
      moved_starts_[r * size() + start] =
          number_of[static_cast<std::size_t>(both - renamings_.begin())];
    }
  }
}

}  // namespace iommufd_check::explore
