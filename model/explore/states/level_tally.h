// What one level of a search counted. Every field is a sum or a minimum over a set of states, so it
// does not depend on the order in which threads met them.
//
// Threads: one tally per thread, merged when the level is complete.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <optional>

#include "model/explore/states/model_concept.h"

namespace iommufd_check::explore {

// The states of one level that broke something: the least of them, and what it broke first.
template <typename State>
struct Offender {
  State state;
  int invariant = 0;
};

template <typename State>
struct LevelTally {
  std::uint64_t discovered = 0;   // States first met at this level.
  std::uint64_t transitions = 0;  // Fired from the level before.
  std::uint64_t dead_ends = 0;    // In the level before.
  std::uint64_t represented_states = 0;
  std::uint64_t represented_transitions = 0;
  std::uint64_t hash_sum = 0;  // Of the discovered states' bytes.
  std::array<std::uint64_t, kMaxInvariants> armed{};
  std::array<std::uint64_t, kMaxInvariants> broken{};
  std::optional<Offender<State>> offender;

  void CountArmed(InvariantBits bits) {
    for (InvariantBits left = bits; left != 0; left &= left - 1) {
      ++armed[static_cast<std::size_t>(std::countr_zero(left))];
    }
  }

  void Count(const State& state, const StateVerdict& verdict) {
    CountArmed(verdict.armed);
    CountBroken(state, verdict);
  }

  void CountBroken(const State& state, const StateVerdict& verdict) {
    if (verdict.broken == 0) [[likely]]
      return;
    for (InvariantBits left = verdict.broken; left != 0; left &= left - 1) {
      ++broken[static_cast<std::size_t>(std::countr_zero(left))];
    }
    Propose({state, std::countr_zero(verdict.broken)});
  }

  void Merge(const LevelTally& other) {
    discovered += other.discovered;
    transitions += other.transitions;
    dead_ends += other.dead_ends;
    represented_states += other.represented_states;
    represented_transitions += other.represented_transitions;
    hash_sum += other.hash_sum;
    for (int i = 0; i < kMaxInvariants; ++i) {
      armed[static_cast<std::size_t>(i)] += other.armed[static_cast<std::size_t>(i)];
      broken[static_cast<std::size_t>(i)] += other.broken[static_cast<std::size_t>(i)];
    }
    if (other.offender.has_value()) Propose(*other.offender);
  }

 private:
  void Propose(const Offender<State>& candidate) {
    if (!offender.has_value() || candidate.state < offender->state) offender = candidate;
  }
};

// The digest of an exploration: a chain of XXH3-128 over one record per level, in depth order.
class ExplorationDigest {
 public:
  // A model of at most 16 or 32 invariants has records of the size that all had before there were
  // more.
  explicit ExplorationDigest(std::size_t invariants)
      : width_(invariants > 32   ? 64
               : invariants > 16 ? 32
                                 : 16) {}

  template <typename State>
  void Absorb(const LevelTally<State>& level) {
    static_assert(kMaxInvariants == 64, "the widest record has room for all");
    std::array<std::uint64_t, 4 + 2 * kMaxInvariants> record = {level.discovered, level.transitions,
                                                                level.dead_ends, level.hash_sum};
    for (std::size_t i = 0; i < width_; ++i) {
      record[4 + i] = level.armed[i];
      record[4 + width_ + i] = level.broken[i];
    }
    AbsorbWords(record.data(), 4 + 2 * width_);
  }
  std::string Hex() const;

 private:
  void AbsorbWords(const std::uint64_t* words, std::size_t count);

  std::size_t width_;  // Invariants in a record.
  std::uint64_t high_ = 0;
  std::uint64_t low_ = 0;
};

}  // namespace iommufd_check::explore
