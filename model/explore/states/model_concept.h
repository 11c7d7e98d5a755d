// What a model has to offer to be searched.
//
// A model is an immutable value. Its State is a plain value of fixed size without padding, small
// because the frontier holds millions; a model whose states are large keeps in State what rebuilds
// them. The members:
//
//   struct State { auto operator<=>(const State&) const = default; ... };
//   struct Action { auto operator<=>(const Action&) const = default; ... };
//   void ForEachInitial(visit) const;                  // visit(State)
//   void ForEachSuccessor(const State&, visit) const;  // visit(Action, State), each enabled action
//   StateVerdict Check(const State&) const;            // Which invariants were armed, which broke.
//   std::vector<std::string> InvariantIds() const;     // At most kMaxInvariants, by bit number.
//   std::string Describe(const Action&) / Describe(const State&);
//   std::string TaskOf(const Action&);                 // Who acts, for the trace's columns.
//
// Instead of ForEachSuccessor a model may have the two halves, and the engine joins them:
//   void ForEachEnabled(const State&, visit) const;    // visit(Action)
//   State Apply(const State&, const Action&) const;
//
// Optional, each found by its presence:
//   int PackedBits() const; std::uint64_t Packed(const State&) const;
//       An injection into that many bits: exact keys, so that nothing is missed.
//   State Canonical(const State&) const; std::uint64_t OrbitSize(const State&) const;
//       One chosen state per orbit of the symmetry group, and how many states the orbit has.
//       Canonical must be the same for exactly the states of an orbit.
//   uint128 Fingerprint(const State&) const;
//       For models whose State has equal meanings with different bytes; default XXH3 of the bytes.
//       The state's == and <=> must then agree with it, and so must every function above.
//   InvariantBits ArmedByStep(const State& next) const;
//       For models that check transitions: what the step to `next`, as ForEachSuccessor gave it,
//       armed. The tally of armed invariants then counts transitions instead of states.
//   WholeVerdict VerdictOfAll() const;
//       What no single step shows, asked once all of them were visited.
//   std::string Artefact(const State&) const;
//       A counterexample's last state as a text to keep, such as a program that replays it.
//   bool IsState(const State&) const;
//       Whether these bytes are a state, so that every function may be called with it and with what
//       follows it. Only models that can tell can go on from a file.
//   std::vector<std::uint64_t> Memory() const;
//   bool Recall(const std::vector<std::uint64_t>&) const;
//       What VerdictOfAll has added up so far, for that file. False for words that are no memory.
//
// Invariants: all functions are pure; the order of visits is fixed (it breaks ties in traces).
#pragma once

#include <array>
#include <compare>
#include <concepts>
#include <cstdint>
#include <string>
#include <type_traits>
#include <vector>

#include "model/explore/states/key.h"
#include "model/explore/states/search.h"

namespace iommufd_check::explore {

inline constexpr int kMaxInvariants = 64;
using InvariantBits = std::uint64_t;

// Bit i speaks of invariant i. Armed: the state satisfies the invariant's antecedent, so that the
// check said something. Broken implies armed.
struct StateVerdict {
  InvariantBits armed = 0;
  InvariantBits broken = 0;

  void Note(int invariant, bool antecedent, bool consequent) {
    armed |= static_cast<InvariantBits>(antecedent) << invariant;
    broken |= static_cast<InvariantBits>(antecedent && !consequent) << invariant;
  }
};

template <typename M>
concept HasSuccessors = requires(const M& model, const typename M::State& state) {
  model.ForEachSuccessor(state, [](const typename M::Action&, const typename M::State&) {});
};

template <typename M>
concept HasEnabledAndApply =
    requires(const M& model, const typename M::State& state, const typename M::Action& action) {
      model.ForEachEnabled(state, [](const typename M::Action&) {});
      { model.Apply(state, action) } -> std::same_as<typename M::State>;
    };

template <typename M>
concept SearchModel =
    std::is_trivially_copyable_v<typename M::State> &&
    std::has_unique_object_representations_v<typename M::State> &&
    std::three_way_comparable<typename M::State> && (HasSuccessors<M> || HasEnabledAndApply<M>) &&
    requires(const M& model, const typename M::State& state, const typename M::Action& action) {
      model.ForEachInitial([](const typename M::State&) {});
      { model.Check(state) } -> std::same_as<StateVerdict>;
      { model.InvariantIds() } -> std::same_as<std::vector<std::string>>;
      { model.Describe(state) } -> std::same_as<std::string>;
      { model.Describe(action) } -> std::same_as<std::string>;
      { model.TaskOf(action) } -> std::same_as<std::string>;
    };

template <typename M>
concept HasPackedBits = requires(const M& model, const typename M::State& state) {
  { model.PackedBits() } -> std::same_as<int>;
  { model.Packed(state) } -> std::same_as<std::uint64_t>;
};

template <typename M>
concept HasSymmetry = requires(const M& model, const typename M::State& state) {
  { model.Canonical(state) } -> std::same_as<typename M::State>;
  { model.OrbitSize(state) } -> std::same_as<std::uint64_t>;
};

template <typename M>
concept HasFingerprint = requires(const M& model, const typename M::State& state) {
  { model.Fingerprint(state) } -> std::same_as<uint128>;
};

template <typename M>
concept HasStepVerdict = requires(const M& model, const typename M::State& state) {
  { model.ArmedByStep(state) } -> std::same_as<InvariantBits>;
};

template <typename M>
concept HasWholeVerdict = requires(const M& model) {
  { model.VerdictOfAll() } -> std::same_as<WholeVerdict>;
};

template <typename M>
concept HasArtefact = requires(const M& model, const typename M::State& state) {
  { model.Artefact(state) } -> std::same_as<std::string>;
};

template <typename M>
concept HasMemory = requires(const M& model, const std::vector<std::uint64_t>& words) {
  { model.Memory() } -> std::same_as<std::vector<std::uint64_t>>;
  { model.Recall(words) } -> std::same_as<bool>;
};

template <typename M>
concept HasIsState = requires(const M& model, const typename M::State& state) {
  { model.IsState(state) } -> std::same_as<bool>;
};

// Calls visit(action, next) for every enabled action, whichever form the model has.
template <SearchModel M, typename Visit>
void VisitSuccessors(const M& model, const typename M::State& state, Visit&& visit) {
  if constexpr (HasSuccessors<M>) {
    model.ForEachSuccessor(state, visit);
  } else {
    model.ForEachEnabled(state, [&](const typename M::Action& action) {
      visit(action, model.Apply(state, action));
    });
  }
}

}  // namespace iommufd_check::explore
