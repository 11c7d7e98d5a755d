// The operations that a search of the World tries in any order, and how a sequence of them becomes
// a program.
//
// A scope says how many iommufds, devices, HWPTs, memfds, regions, tokens and sessions there are,
// and which operations. The entries of the alphabet are these operations with each choice of
// arguments. An entry speaks of objects by name ("hwpt 1"), and a name stands for what the last
// operation that creates it created. A name is live from that creation to its end (destroy, unbind,
// close). An entry is enabled while the names it needs are live and the one it creates is not, so
// that no object is ever without a name, and the machine stays as small as the scope.
//
// Every sequence goes on from a preamble: one IOAS of each iommufd, the devices bound, the HWPTs
// allocated (HWPT j on device j modulo the number of devices), one session. Memfds are sealed there
// as live update asks, unless memfd_seal is one of the operations.
//
// Threads: immutable after construction.
//
//   WorldAlphabet alphabet({.operations = {OpCode::kMapFile, OpCode::kLuMark}, .tokens = 2});
//   WorldAlphabet::Spelled spelled = alphabet.Preamble({});
//   alphabet.Append(alphabet.entry(0), &spelled);
//   PrintProgram(spelled.program);
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "model/explore/world/world_entry.h"
#include "model/program/program.h"

namespace iommufd_check::explore {

class WorldAlphabet {
 public:
  using Roles = WorldRoles;
  using Entry = WorldEntry;

  // A program, and the operation that each name stands for.
  struct Spelled {
    program::Program program;
    std::array<std::uint16_t, kWorldNames> bound{};
    friend bool operator==(const Spelled&, const Spelled&) = default;
  };

  // Which device, HWPT, memfd, token and session takes the place of each.
  struct Renaming {
    using Places = std::array<std::int8_t, kMaxOfEach>;
    Places device = {0, 1, 2};
    Places hwpt = {0, 1, 2};
    Places memfd = {0, 1, 2};
    Places token = {0, 1, 2};
    Places session = {0, 1, 2};
    friend auto operator<=>(const Renaming&, const Renaming&) = default;

    Roles operator()(const Roles& roles) const;
  };

  // The operations that a scope may have: all there are. The standard ones are the live-update
  // protocol and what contends with it.
  static std::vector<program::OpCode> AllOperations();
  static std::vector<program::OpCode> StandardOperations();

  // REQUIRES: each number from 1 to its maximum.
  explicit WorldAlphabet(const WorldScope& scope);

  const WorldScope& scope() const { return scope_; }
  std::size_t size() const { return entries_.size(); }
  const Entry& entry(std::size_t i) const { return entries_[i]; }
  // The entry of the same operation with other roles. REQUIRES: there is one.
  std::size_t Find(program::OpCode code, const Roles& roles) const;

  // The preamble in which `renaming` has changed places, and the names live after it.
  Spelled Preamble(const Renaming& renaming) const;
  std::uint16_t live_at_start() const { return live_at_start_; }

  std::uint16_t Renamed(std::uint16_t live, const Renaming& renaming) const;

  // The entry as the next operation of a program, and added to it.
  static program::Operation Bound(const Entry& entry, const Spelled& spelled);
  static void Append(const Entry& entry, Spelled* spelled);

 private:
  template <class One>
  void ForEachIommufd(One one) const;
  void AddEntries(program::OpCode code);
  void AddEntriesFrom(program::OpCode code, std::size_t next, const Roles& roles);
  bool InScope(program::OpCode code) const;

  WorldScope scope_;
  std::vector<Entry> entries_;
  std::uint16_t live_at_start_ = 0;
};

}  // namespace iommufd_check::explore
