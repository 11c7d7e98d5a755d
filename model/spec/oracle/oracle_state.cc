#include "model/spec/oracle/oracle_state.h"

#include <algorithm>

#include "model/sim/check.h"

namespace iommufd_check::spec::oracle {

uint64_t Memfd::VersionOf(uint64_t page) const {
  const auto it = versions.find(page);
  return it == versions.end() ? 0 : it->second;
}

bool State::Exists(uint32_t id) const {
  return ioas.contains(id) || hwpts.contains(id) || devices.contains(id);
}

uint32_t State::FreeId(uint16_t iommufd) const {
  uint32_t id = uapi::NumberOf(iommufd, 1);
  while (Exists(id)) ++id;
  return id;
}

uint16_t State::FreeSession() const {
  uint16_t number = 0;
  for (const auto& [used, session] : sessions) {
    if (used != number) break;
    ++number;
  }
  IOMMUFD_CHECK(!sessions.contains(number), "the lowest gap is free");
  return number;
}

uint32_t State::HwptsOn(uint32_t ioas_id) const {
  const auto published = static_cast<uint32_t>(std::count_if(
      hwpts.begin(), hwpts.end(), [&](const auto& h) { return h.second.ioas == ioas_id; }));
  if (leaving.empty()) return published;
  const auto out = leaving.find(ioas_id);
  return published + (out == leaving.end() ? 0 : out->second);
}

bool State::IsPreserved(const mm::FileRef& file) const {
  for (const auto& [number, session] : sessions) {
    for (const File& each : session.files) {
      if (each.file == file) return true;
    }
  }
  return false;
}

bool State::IommufdPreserved(uint16_t iommufd) const {
  return IsPreserved(mm::FileRef{mm::FileRef::Kind::kIommufd, iommufd});
}

bool State::HwptPreserved(uint32_t id) const {
  const auto it = hwpts.find(id);
  return it != hwpts.end() && it->second.preserved;
}

bool State::IoasPreserved(uint32_t id) const {
  return std::any_of(hwpts.begin(), hwpts.end(),
                     [&](const auto& h) { return h.second.ioas == id && HwptPreserved(h.first); });
}

void RemovePages(State& state, Memfd& memfd, uint64_t first, uint64_t end) {
  IOMMUFD_CHECK(!memfd.frozen, "LUO keeps the pages of a preserved memfd where they are");
  for (uint64_t page = first; page < end; ++page) memfd.versions[page] = ++state.last_version;
}

namespace {

template <class Visit>
void ForEachArea(State& state, Visit visit) {
  for (auto& [id, ioas] : state.ioas) {
    for (auto& [first, area] : ioas.areas) visit(area);
  }
  for (auto& [call, slices] : state.taken) {
    for (Area& slice : slices) visit(slice);
  }
}

}  // namespace

void NumberSharing(State& state) {
  std::map<uint32_t, uint32_t> members;
  ForEachArea(state, [&](const Area& area) { ++members[area.sharing]; });
  std::map<uint32_t, uint32_t> numbers;
  ForEachArea(state, [&](Area& area) {
    if (area.sharing == 0) return;
    if (members.at(area.sharing) == 1) {
      area.sharing = 0;
      return;
    }
    const auto next = static_cast<uint32_t>(numbers.size() + 1);
    area.sharing = numbers.emplace(area.sharing, next).first->second;
  });
}

void ReleaseIfUnused(State& state, uint16_t iommufd) {
  Iommufd& file = state.iommufds[iommufd];
  IOMMUFD_CHECK(file.context || !file.fd_open, "an open descriptor refers to its context");
  const auto here = [&](const auto& object) { return uapi::IommufdOf(object.first) == iommufd; };
  if (!file.context || file.fd_open || file.holders > 0) return;
  if (std::any_of(state.devices.begin(), state.devices.end(), here)) return;
  if (state.IommufdPreserved(iommufd)) return;
  file.context = false;
  std::erase_if(state.ioas, here);
  std::erase_if(state.hwpts, here);
  NumberSharing(state);
}

}  // namespace iommufd_check::spec::oracle
