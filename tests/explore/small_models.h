// Models whose numbers follow from a formula, to check the engine with.
#pragma once

#include <bit>
#include <compare>
#include <cstdint>
#include <string>
#include <vector>

#include "model/explore/states/model_concept.h"

namespace iommufd_check::explore::support {

// A walk to the right and up in a grid of width x height points, in the two-halves form, without
// packed bits. States w * h, transitions (w - 1) * h + w * (h - 1), depth w + h - 2, one dead end.
class GridModel {
 public:
  struct State {
    std::uint32_t x = 0;
    std::uint32_t y = 0;
    auto operator<=>(const State&) const = default;
  };
  struct Action {
    bool up;
    auto operator<=>(const Action&) const = default;
  };

  GridModel(std::uint32_t width, std::uint32_t height) : width_(width), height_(height) {}
  // No state (x, y) with x * y == product.
  void Forbid(std::uint32_t product) { forbidden_ = product; }

  template <typename Visit>
  void ForEachInitial(Visit visit) const {
    visit(State{});
  }
  template <typename Visit>
  void ForEachEnabled(const State& s, Visit visit) const {
    if (s.x + 1 < width_) visit(Action{false});
    if (s.y + 1 < height_) visit(Action{true});
  }
  State Apply(const State& s, const Action& a) const {
    return a.up ? State{s.x, s.y + 1} : State{s.x + 1, s.y};
  }
  StateVerdict Check(const State& s) const {
    StateVerdict verdict;
    verdict.Note(0, s.x > 0 && s.y > 0, s.x * s.y != forbidden_);
    return verdict;
  }
  std::vector<std::string> InvariantIds() const { return {"not-the-product"}; }
  std::string Describe(const State& s) const {
    return std::to_string(s.x) + "," + std::to_string(s.y);
  }
  std::string Describe(const Action& a) const { return a.up ? "up" : "right"; }
  std::string TaskOf(const Action&) const { return "walker"; }

 private:
  std::uint32_t width_;
  std::uint32_t height_;
  std::uint32_t forbidden_ = ~std::uint32_t{0};
};

// n bits that are set one by one: 2^n states, n * 2^(n-1) transitions, depth n; under renaming of
// the bits n + 1 orbits, of binomial sizes. `starts` initial states, each with one bit set.
class SubsetModel {
 public:
  struct State {
    std::uint64_t bits = 0;
    auto operator<=>(const State&) const = default;
  };
  struct Action {
    int bit;
    auto operator<=>(const Action&) const = default;
  };

  explicit SubsetModel(int n, int starts = 0) : n_(n), starts_(starts) {}

  template <typename Visit>
  void ForEachInitial(Visit visit) const {
    if (starts_ == 0) visit(State{});
    for (int i = 0; i < starts_; ++i) visit(State{std::uint64_t{1} << i});
  }
  template <typename Visit>
  void ForEachSuccessor(const State& s, Visit visit) const {
    for (int bit = 0; bit < n_; ++bit) {
      const std::uint64_t mask = std::uint64_t{1} << bit;
      if ((s.bits & mask) == 0) visit(Action{bit}, State{s.bits | mask});
    }
  }
  StateVerdict Check(const State& s) const {
    StateVerdict verdict;
    verdict.Note(0, std::popcount(s.bits) == n_, true);
    return verdict;
  }
  std::vector<std::string> InvariantIds() const { return {"full-is-fine"}; }
  int PackedBits() const { return n_; }
  std::uint64_t Packed(const State& s) const { return s.bits; }
  State Canonical(const State& s) const {
    return {(std::uint64_t{1} << std::popcount(s.bits)) - 1};
  }
  std::uint64_t OrbitSize(const State& s) const {
    std::uint64_t size = 1;
    const auto chosen = static_cast<std::uint64_t>(std::popcount(s.bits));
    for (std::uint64_t i = 1; i <= chosen; ++i) {
      size = size * (static_cast<std::uint64_t>(n_) - chosen + i) / i;
    }
    return size;
  }
  std::string Describe(const State& s) const { return std::to_string(s.bits); }
  std::string Describe(const Action& a) const { return "set " + std::to_string(a.bit); }
  std::string TaskOf(const Action&) const { return "setter"; }

 private:
  int n_;
  int starts_;
};

}  // namespace iommufd_check::explore::support
