// One thread's part in expanding a level: takes states, offers their successors to the visited set,
// checks those that are new and passes them on to the next level.
//
// A successor waits in a small ring between the moment its bucket is prefetched and the moment it
// is looked up, so that the memory's latency is spent on its neighbours.
//
// Threads: one Expander per thread. What it points to is shared.
#pragma once

#include <xxhash.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "model/explore/states/compact_set.h"
#include "model/explore/states/frontier.h"
#include "model/explore/states/level_tally.h"
#include "model/explore/states/model_concept.h"

namespace iommufd_check::explore {

template <SearchModel Model, typename Keys>
class alignas(128) Expander {
 public:
  using State = typename Model::State;
  using Set = CompactSet<typename Keys::Key>;
  static constexpr std::size_t kStatesPerBlock = kBlockBytes / sizeof(State);
  static_assert(kStatesPerBlock >= 8, "a block holds several states");

  // REQUIRES: the arguments outlive the expander.
  Expander(const Model& model, const Keys& keys, bool symmetry, Set* set)
      : model_(model), keys_(keys), symmetry_(symmetry), set_(set) {}

  // New states go to `next` from now on.
  void StartLevel(Frontier* next) {
    next_ = next;
    tally_ = {};
    status_ = absl::OkStatus();
  }

  void VisitInitialStates() {
    typename Set::Session session(set_);
    model_.ForEachInitial([&](const State& state) { Offer(state, session); });
    Drain(session);
  }

  void Expand(const Block& block) {
    typename Set::Session session(set_);
    ForEachState<State>(block, [&](const State& state) {
      std::uint64_t fired = 0;
      VisitSuccessors(model_, state, [&](const auto&, const State& next) {
        ++fired;
        if constexpr (HasStepVerdict<Model>) tally_.CountArmed(model_.ArmedByStep(next));
        Offer(next, session);
      });
      tally_.transitions += fired;
      tally_.dead_ends += fired == 0;
      tally_.represented_transitions += fired * OrbitSize(state);
    });
    Drain(session);
    set_shape_ = set_->shape();
  }

  // Passes the last, partly filled block on. Returns the first failure since StartLevel.
  absl::Status FinishLevel() {
    Flush();
    return std::exchange(status_, absl::OkStatus());
  }

  const LevelTally<State>& tally() const { return tally_; }
  // As of the last Expand.
  const SetShape& set_shape() const { return set_shape_; }
  bool failed() const { return !status_.ok(); }

 private:
  static constexpr std::size_t kRingSize = 16;  // A power of two; 8 and 128 are 10% slower.

  struct Waiting {
    State state;
    typename Keys::Key key;
  };

  State Canonical(const State& state) const {
    if constexpr (HasSymmetry<Model>) {
      if (symmetry_) return model_.Canonical(state);
    }
    return state;
  }
  std::uint64_t OrbitSize(const State& state) const {
    if constexpr (HasSymmetry<Model>) {
      if (symmetry_) return model_.OrbitSize(state);
    }
    return 1;
  }

  void Offer(const State& found, typename Set::Session& session) {
    Waiting& slot = ring_[offered_ % kRingSize];
    if (offered_ >= kRingSize) Settle(slot, session);
    ++offered_;
    slot.state = Canonical(found);
    slot.key = keys_.Of(model_, slot.state);
    session.Prefetch(slot.key);
  }

  void Drain(typename Set::Session& session) {
    const std::size_t waiting = offered_ < kRingSize ? offered_ : kRingSize;
    for (std::size_t i = offered_ - waiting; i < offered_; ++i) {
      Settle(ring_[i % kRingSize], session);
    }
    offered_ = 0;
  }

  void Settle(const Waiting& waiting, typename Set::Session& session) {
    if (session.Insert(waiting.key)) Discover(waiting.state);
  }

  void Discover(const State& state) {
    ++tally_.discovered;
    tally_.represented_states += OrbitSize(state);
    if constexpr (HasFingerprint<Model>) {
      // Which of the bytes with this meaning were met first is chance.
      tally_.hash_sum += static_cast<std::uint64_t>(model_.Fingerprint(state));
    } else {
      tally_.hash_sum += XXH3_64bits(&state, sizeof state);
    }
    if constexpr (HasStepVerdict<Model>) {
      tally_.CountBroken(state, model_.Check(state));
    } else {
      tally_.Count(state, model_.Check(state));
    }
    if (out_ == nullptr) out_ = std::make_unique<Block>();
    std::memcpy(out_->bytes.get() + out_->used, &state, sizeof state);
    out_->used += sizeof state;
    if (out_->used == kStatesPerBlock * sizeof state) Flush();
  }

  void Flush() {
    if (out_ == nullptr) return;
    const absl::Status pushed = next_->Push(std::move(out_));
    if (status_.ok()) status_ = pushed;
  }

  const Model& model_;
  const Keys& keys_;
  const bool symmetry_;
  Set* const set_;
  Frontier* next_ = nullptr;
  SetShape set_shape_;
  LevelTally<State> tally_;
  absl::Status status_;
  std::unique_ptr<Block> out_;
  std::size_t offered_ = 0;  // Since the ring was last empty.
  std::array<Waiting, kRingSize> ring_;
};

}  // namespace iommufd_check::explore
