// The renamings under which the World behaves alike: devices, HWPTs, memfds, marks' tokens and
// sessions that differ by nothing but their names.
//
// A HWPT is allocated on a device, so HWPTs change places only together with their devices. Regions
// never do: a machine maps low addresses before high ones, and frames are counted. Files' tokens
// follow their memfds. The preamble creates devices, HWPTs and sessions one after the other, which
// makes them distinguishable by their ids; a renaming therefore renames the preamble too, and a
// search starts from each preamble that comes of it.
//
// Invariants: renaming 0 changes nothing; the renamings are a group.
//
// Threads: immutable after construction.
//
//   WorldSymmetry symmetry(alphabet);
//   symmetry.Entry(r, entry);   // The operation that takes this one's place.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "model/explore/world/world_alphabet.h"

namespace iommufd_check::explore {

class WorldSymmetry {
 public:
  // REQUIRES: the alphabet outlives it.
  explicit WorldSymmetry(const WorldAlphabet& alphabet);

  std::size_t size() const { return renamings_.size(); }
  const WorldAlphabet::Renaming& renaming(std::size_t r) const { return renamings_[r]; }

  // Preambles are numbered by the first renaming that gives them.
  const std::vector<std::uint16_t>& starts() const { return starts_; }
  std::uint16_t Start(std::size_t r, std::uint16_t start) const {
    return moved_starts_[r * size() + start];
  }
  std::uint8_t Entry(std::size_t r, std::uint8_t entry) const {
    return moved_entries_[r * alphabet_.size() + entry];
  }

 private:
  void FindRenamings();
  void FindStarts();

  const WorldAlphabet& alphabet_;
  std::vector<WorldAlphabet::Renaming> renamings_;
  std::vector<std::uint16_t> starts_;
  std::vector<std::uint16_t> moved_starts_;  // By renaming and start.
  std::vector<std::uint8_t> moved_entries_;  // By renaming and entry.
};

}  // namespace iommufd_check::explore
