// The toy protocol: workers that map, unmap, preserve and unpreserve pages under one lock, with one
// allocation that can fail. It measures a search and checks its counts; it models no kernel code.
//
// A page is unmapped, mapped or preserved. A worker chooses an operation and a page, takes the
// lock, checks that the operation applies, allocates (which may fail), commits, and releases the
// lock.
// Four workers and three pages have 8,363,979 states and 35,262,864 transitions; up to renaming
// workers and pages 76,985 orbits.
//
// A planted assertion ("plant") is an invariant that does not hold, to see a counterexample.
//
// Threads: immutable after construction.
//
//   ToyModel model(4, 3, ToyModel::Plant::kNone);
//   auto outcome = Search(model, {.symmetry = true}, nullptr);
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

class ToyModel {
 public:
  static constexpr int kMaxWorkers = 6;
  static constexpr int kMaxPages = 4;

  enum class Plant {
    kNone,
    kPreservedAtCommit,  // "No worker is at commit while a page is preserved."
    kAllPreserved,       // "Some page is not preserved."
  };
  static std::vector<std::string> PlantNames();  // Without kNone.
  static std::optional<Plant> PlantNamed(std::string_view name);

  enum Pc : unsigned { kIdle, kWant, kCheck, kAlloc, kCommit, kDone };
  enum Op : unsigned { kMap, kUnmap, kPreserve, kUnpreserve };
  enum PageState : unsigned { kUnmapped, kMapped, kPreserved };

  // From bit 0: for each worker 3 bits of pc, 2 of op, 2 of page; for each page 2 bits; then the
  // lock's owner, 0 when it is free, else worker + 1. An idle worker's op and page are 0.
  struct State {
    std::uint64_t bits = 0;
    auto operator<=>(const State&) const = default;
  };
  struct Action {
    enum class Kind : std::uint8_t { kChoose, kLock, kTest, kAllocate, kFail, kCommit, kUnlock };
    std::uint8_t worker;
    Kind kind;
    std::uint8_t op;    // As the worker has it after the action.
    std::uint8_t page;  // Likewise.
    auto operator<=>(const Action&) const = default;
  };

  // REQUIRES: 1 <= workers <= kMaxWorkers, 1 <= pages <= kMaxPages.
  ToyModel(int workers, int pages, Plant plant);

  template <typename Visit>
  void ForEachInitial(Visit visit) const {
    visit(State{});
  }
  template <typename Visit>
  void ForEachSuccessor(const State& state, Visit&& visit) const;
  StateVerdict Check(const State& state) const;
  std::vector<std::string> InvariantIds() const;

  int PackedBits() const { return owner_shift_ + 3; }
  std::uint64_t Packed(const State& state) const { return state.bits; }
  bool IsState(const State& state) const;

  // The least state among all renamings of workers and pages, and how many different ones there
  // are.
  State Canonical(const State& state) const;
  std::uint64_t OrbitSize(const State& state) const;

  std::string Describe(const State& state) const;
  std::string Describe(const Action& action) const;
  std::string TaskOf(const Action& action) const;

  // Fields, for tests and the functions below.
  unsigned PcOf(const State& s, int worker) const { return Worker(s, worker) & 7; }
  unsigned OpOf(const State& s, int worker) const { return Worker(s, worker) >> 3 & 3; }
  unsigned PageOf(const State& s, int worker) const { return Worker(s, worker) >> 5; }
  unsigned StateOfPage(const State& s, unsigned page) const {
    return static_cast<unsigned>(s.bits >> (page_shift_ + 2 * static_cast<int>(page))) & 3;
  }
  unsigned Owner(const State& s) const { return static_cast<unsigned>(s.bits >> owner_shift_); }

 private:
  static constexpr int kWorkerBits = 7;
  static constexpr std::uint64_t kWorkerMask = (1u << kWorkerBits) - 1;

  static unsigned WorkerField(unsigned pc, unsigned op, unsigned page) {
    return pc | op << 3 | page << 5;
  }
  unsigned Worker(const State& s, int worker) const {
    return static_cast<unsigned>(s.bits >> (kWorkerBits * worker) & kWorkerMask);
  }
  State WithWorker(State s, int worker, unsigned field) const {
    const int shift = kWorkerBits * worker;
    s.bits = (s.bits & ~(kWorkerMask << shift)) | std::uint64_t{field} << shift;
    return s;
  }
  static bool Applies(unsigned op, unsigned page_state) {
    constexpr unsigned kBefore[] = {kUnmapped, kMapped, kMapped, kPreserved};
    return kBefore[op] == page_state;
  }
  State Commit(State s, unsigned op, unsigned page) const {
    constexpr std::uint64_t kAfter[] = {kMapped, kUnmapped, kPreserved, kMapped};
    const int shift = page_shift_ + 2 * static_cast<int>(page);
    s.bits = (s.bits & ~(std::uint64_t{3} << shift)) | kAfter[op] << shift;
    return s;
  }
  State Renamed(const State& state, const std::uint8_t* new_page) const;

  const int workers_;
  const int pages_;
  const Plant plant_;
  const int page_shift_;
  const int owner_shift_;
  std::vector<std::array<std::uint8_t, kMaxPages>> page_renamings_;  // All permutations.
};

template <typename Visit>
inline void ToyModel::ForEachSuccessor(const State& state, Visit&& visit) const {
  using Kind = Action::Kind;
  for (int worker = 0; worker < workers_; ++worker) {
    const unsigned field = Worker(state, worker);
    const unsigned op = field >> 3 & 3;
    const unsigned page = field >> 5;
    const auto step = [&](Kind kind, unsigned pc, State next) {
      const Action action{static_cast<std::uint8_t>(worker), kind, static_cast<std::uint8_t>(op),
                          static_cast<std::uint8_t>(page)};
      visit(action, WithWorker(next, worker, WorkerField(pc, op, page)));
    };
    switch (field & 7) {
      case kIdle:
        for (std::uint8_t new_op = kMap; new_op <= kUnpreserve; ++new_op) {
          for (std::uint8_t new_page = 0; new_page < pages_; ++new_page) {
            visit(Action{static_cast<std::uint8_t>(worker), Kind::kChoose, new_op, new_page},
                  WithWorker(state, worker, WorkerField(kWant, new_op, new_page)));
          }
        }
        break;
      case kWant:
        if (Owner(state) == 0) {
          const std::uint64_t owner = static_cast<std::uint64_t>(worker) + 1;
          step(Kind::kLock, kCheck, State{state.bits | owner << owner_shift_});
        }
        break;
      case kCheck:
        step(Kind::kTest, Applies(op, StateOfPage(state, page)) ? kAlloc : kDone, state);
        break;
      case kAlloc:
        step(Kind::kAllocate, kCommit, state);
        step(Kind::kFail, kDone, state);
        break;
      case kCommit:
        step(Kind::kCommit, kDone, Commit(state, op, page));
        break;
      case kDone: {
        const State free{state.bits & ~(std::uint64_t{7} << owner_shift_)};
        visit(Action{static_cast<std::uint8_t>(worker), Kind::kUnlock, 0, 0},
              WithWorker(free, worker, WorkerField(kIdle, 0, 0)));
        break;
      }
      default:
        break;
    }
  }
}

}  // namespace iommufd_check::explore
