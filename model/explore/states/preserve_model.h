// Preserving the page tables of one IOAS while others map and unmap, at the granularity of lock
// steps: an abstraction of the live-update protocols small enough to search exhaustively.
//
// One IOAS has `hwpts` domains and a rwsem over them (domains_rwsem). Each mapper owns one area. It
// inserts the area, takes the rwsem for reading, tests whether the IOAS is immutable, fills the
// domains one by one (each may fail), publishes and releases; with the area in place it unmaps by
// the mirror image. One live-update task preserves every domain in turn - take the rwsem for
// writing, set the flag, check, register, of which the last two may fail - and undoes or later
// unpreserves it. The variant says where mapping tests the flag and what the flag is:
//
//   counted      tested under the rwsem that is held over the fill; a count of domains. Right.
//   insert-test  tested at insertion only: an area inserted before fills a preserved domain.
//   shared-bool  tested like counted, but one bool: unpreserving the first domain clears it.
//   ungated      never set.
//
// Not modelled: kernel memory, references, errno. So a variant that holds here may still be wrong
// elsewhere; a violation found here is one of the protocol.
//
// Threads: immutable after construction.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/explore/states/model_concept.h"

namespace iommufd_check::explore {

class PreserveModel {
 public:
  static constexpr int kMaxMappers = 4;
  static constexpr int kMaxHwpts = 3;

  enum class Variant { kCounted, kInsertTest, kSharedBool, kUngated };
  static std::vector<std::string> VariantNames();
  static std::optional<Variant> VariantNamed(std::string_view name);

  enum class Plant {
    kNone,
    kAllRegistered,  // "Never are all domains registered", to see a whole preserve.
  };
  static std::vector<std::string> PlantNames();  // Without kNone.
  static std::optional<Plant> PlantNamed(std::string_view name);

  // Every field is a byte, so that a state's bytes determine it.
  enum MapperPc : std::uint8_t {
    kIdle,
    kWantFill,  // The area is inserted; waits for the rwsem.
    kTestFill,  // From here to kAbort the rwsem is held for reading.
    kFill,      // Fills domain `next`.
    kPublish,
    kAbort,       // Empties the `next` domains that were filled, then drops the area.
    kWantUnfill,  // Waits for the rwsem.
    kTestUnfill,  // From here on it is held for reading.
    kUnfill,      // Empties domain `next`.
    kDrop,
  };
  enum AreaState : std::uint8_t { kAbsent, kInserted, kMapped };
  struct Mapper {
    std::uint8_t pc = kIdle;
    std::uint8_t area = kAbsent;
    std::uint8_t next = 0;  // Domain.
    auto operator<=>(const Mapper&) const = default;
  };
  enum LuPc : std::uint8_t {
    kResting,
    kLook,       // shared-bool: reads the flag without a lock.
    kTakeToSet,  // Waits for the rwsem.
    kSet,        // Holds it for writing.
    kCheckPages,
    kRegister,
    kUnregister,
    kTakeToClear,  // Waits for the rwsem.
    kClear,        // Holds it for writing.
  };
  struct State {
    std::array<Mapper, kMaxMappers> mappers{};
    std::uint8_t lu_pc = kResting;
    std::uint8_t hwpt = 0;        // The one being preserved; 0 otherwise.
    std::uint8_t made = 0;        // shared-bool: this preserve set the flag.
    std::uint8_t immutable = 0;   // The flag, or the count.
    std::uint8_t registered = 0;  // A bit per domain.
    std::uint8_t stale = 0;       // Domains changed since they were registered.
    std::uint8_t readers = 0;     // Of the rwsem.
    std::uint8_t writer = 0;
    auto operator<=>(const State&) const = default;
  };
  struct Action {
    std::uint8_t task;  // A mapper, or kMaxMappers for the live-update task.
    std::uint8_t step;  // A PreserveWord.
    std::uint8_t domain;
    auto operator<=>(const Action&) const = default;
  };

  // REQUIRES: 1 <= mappers <= kMaxMappers, 1 <= hwpts <= kMaxHwpts.
  PreserveModel(int mappers, int hwpts, Variant variant, Plant plant);

  template <typename Visit>
  void ForEachInitial(Visit visit) const {
    visit(State{});
  }
  template <typename Visit>
  void ForEachSuccessor(const State& state, Visit&& visit) const {
    Steps steps;
    for (int mapper = 0; mapper < mappers_; ++mapper) StepMapper(state, mapper, &steps);
    StepLiveUpdate(state, &steps);
    for (int i = 0; i < steps.count; ++i) {
      const auto& [action, next] = steps.taken[static_cast<std::size_t>(i)];
      visit(action, next);
    }
  }
  StateVerdict Check(const State& state) const;
  std::vector<std::string> InvariantIds() const;

  int PackedBits() const { return 8 * mappers_ + 13 + 2 * hwpts_; }
  std::uint64_t Packed(const State& state) const;

  // Mappers are interchangeable; domains are not, since they are preserved in order.
  State Canonical(const State& state) const;
  std::uint64_t OrbitSize(const State& state) const;

  std::string Describe(const State& state) const;
  std::string Describe(const Action& action) const;
  std::string TaskOf(const Action& action) const;

 private:
  struct Step {
    Action action;
    State next;
  };
  // No task has more than two steps in a state.
  struct Steps {
    std::array<Step, 2 * (kMaxMappers + 1)> taken;
    int count = 0;
    State& Add(const State& from, int task, int step, int domain = 0);
  };

  void StepMapper(const State& state, int mapper, Steps* steps) const;
  void StepFilling(const State& state, int mapper, Steps* steps) const;
  void StepUnfilling(const State& state, int mapper, Steps* steps) const;
  void StepLiveUpdate(const State& state, Steps* steps) const;
  void StepUndo(const State& state, Steps* steps) const;

  void StartHwpt(State* state) const;
  void FailHwpt(State* state) const;
  static void ContinueUndo(State* state);
  static void Touch(State* state, int domain) {
    state->stale |= static_cast<std::uint8_t>(state->registered & 1u << domain);
  }

  const int mappers_;
  const int hwpts_;
  const Variant variant_;
  const Plant plant_;
};

}  // namespace iommufd_check::explore
