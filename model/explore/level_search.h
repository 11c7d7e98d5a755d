// The breadth-first search itself, level by level, with its threads and its bounds.
//
// A level is a set of states, so its tally does not depend on threads. A bound that is hit within a
// level discards that level, since which part of it had been visited does depend on them.
//
// Threads: Advance starts and joins its own. The class is used by one thread.
//
//   LevelSearch<Model, Keys> search(model, keys, options, nullptr);
//   RETURN_IF_ERROR(search.Start());
//   while (search.CanAdvance()) RETURN_IF_ERROR(search.Advance(nullptr));
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "model/explore/expander.h"
#include "model/explore/frontier.h"
#include "model/explore/search.h"
#include "model/sim/check.h"

namespace iommufd_check::explore {

template <SearchModel Model, typename Keys>
class LevelSearch {
 public:
  using State = typename Model::State;

  LevelSearch(const Model& model, const Keys& keys, const SearchOptions& options,
              ProgressSink* progress)
      : options_(options),
        progress_(progress),
        set_(keys.bits(), options.limits.max_memory_bytes - kFrontierReserveBytes, options.threads),
        budget_(kFrontierReserveBytes, options.spill_folder),
        current_(std::make_unique<Frontier>(&budget_)),
        next_(std::make_unique<Frontier>(&budget_)) {
    for (int i = 0; i < options.threads; ++i) {
      expanders_.push_back(
          std::make_unique<Expander<Model, Keys>>(model, keys, options.symmetry, &set_));
    }
    ShareMemory(set_.shape());
  }

  // Visits the initial states.
  absl::Status Start() {
    Expander<Model, Keys>& expander = *expanders_.front();
    expander.StartLevel(current_.get());
    expander.VisitInitialStates();
    const absl::Status status = expander.FinishLevel();
    if (!status.ok()) return status;
    if (expander.tally().discovered > MostStates()) {
      HitBound();
    } else {
      Commit(expander.tally());
    }
    return absl::OkStatus();
  }

  // Visits the successors of the deepest level, which goes to `kept` if that is not null. When a
  // bound is hit, bound() says which and the level is not counted.
  absl::Status Advance(Frontier* kept) {
    IOMMUFD_CHECK(CanAdvance(), "only a search with a frontier goes on");
    kept_ = kept;
    stop_.store(false, std::memory_order_relaxed);
    RunThreads();
    LevelTally<State> level;
    for (auto& expander : expanders_) {
      const absl::Status status = expander->FinishLevel();
      if (!status.ok()) return status;
      level.Merge(expander->tally());
    }
    if (!failure_.ok()) return failure_;
    if (states_ + level.discovered > MostStates()) {
      HitBound();
      return absl::OkStatus();
    }
    IOMMUFD_CHECK(!set_.out_of_room(), "a set within its capacity has room");
    IOMMUFD_CHECK(current_->empty(), "a complete level was expanded in full");
    std::swap(current_, next_);
    next_ = std::make_unique<Frontier>(&budget_);
    Commit(level);
    return absl::OkStatus();
  }

  bool CanAdvance() const { return !current_->empty() && bound_ == Ending::kExhausted; }
  // kExhausted while no bound was hit.
  Ending bound() const { return bound_; }

  // The tally of every complete level, by depth. The last may have discovered nothing.
  const std::vector<LevelTally<State>>& levels() const { return levels_; }
  FrontierBudget* budget() { return &budget_; }
  // The deepest complete level. Ends the search.
  std::unique_ptr<Frontier> TakeFrontier() {
    return std::exchange(current_, std::make_unique<Frontier>(&budget_));
  }

 private:
  void HitBound() {
    bound_ =
        options_.limits.max_states <= set_.capacity() ? Ending::kStateBound : Ending::kMemoryBound;
  }
  std::uint64_t MostStates() const { return std::min(options_.limits.max_states, set_.capacity()); }

  void RunThreads() {
    const std::size_t useful = std::min(expanders_.size(), current_->blocks());
    for (auto& expander : expanders_) expander->StartLevel(next_.get());
    std::vector<std::thread> helpers;
    for (std::size_t i = 1; i < useful; ++i) {
      helpers.emplace_back([this, i] { Work(*expanders_[i]); });
    }
    Work(*expanders_.front());
    for (std::thread& helper : helpers) helper.join();
  }

  void Work(Expander<Model, Keys>& expander) {
    while (!stop_.load(std::memory_order_relaxed)) {
      absl::StatusOr<std::unique_ptr<Block>> block = current_->Pop();
      if (!block.ok()) return Fail(block.status());
      if (*block == nullptr) return;
      expander.Expand(**block);
      if (kept_ != nullptr) {
        const absl::Status status = kept_->Push(*std::move(block));
        if (!status.ok()) return Fail(status);
      }
      // Only ever true when the level as a whole exceeds the bound.
      const bool bounded = set_.size() > MostStates() || set_.out_of_room();
      if (bounded || expander.failed()) stop_.store(true, std::memory_order_relaxed);
      ShareMemory(expander.set_shape());
      ReportProgress(expander.set_shape());
    }
  }

  void Fail(const absl::Status& status) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (failure_.ok()) failure_ = status;
    stop_.store(true, std::memory_order_relaxed);
  }

  // The frontier may use what the visited set will not need when it grows next.
  void ShareMemory(const SetShape& shape) {
    const std::uint64_t all = options_.limits.max_memory_bytes;
    const std::uint64_t grown = shape.Next().bytes();
    const std::uint64_t set = grown + kFrontierReserveBytes <= all ? grown : shape.bytes();
    budget_.set_max_bytes(std::max(kFrontierReserveBytes, all - std::min(all, set)));
  }

  void ReportProgress(const SetShape& shape) {
    std::uint64_t due = report_at_.load(std::memory_order_relaxed);
    if (progress_ == nullptr || set_.size() < due) return;
    if (!report_at_.compare_exchange_strong(due, 2 * due)) return;
    const std::lock_guard<std::mutex> lock(mutex_);
    progress_->Report({.depth = levels_.size(),
                       .states = set_.size(),
                       .transitions = transitions_,
                       .set_bytes = shape.bytes(),
                       .frontier_bytes = budget_.used_bytes(),
                       .spilled_bytes = next_->spilled_bytes()});
  }

  void Commit(const LevelTally<State>& level) {
    levels_.push_back(level);
    states_ += level.discovered;
    transitions_ += level.transitions;
  }

  const SearchOptions options_;
  ProgressSink* const progress_;
  CompactSet<typename Keys::Key> set_;
  FrontierBudget budget_;
  std::unique_ptr<Frontier> current_;  // The deepest complete level.
  std::unique_ptr<Frontier> next_;     // The level being discovered.
  Frontier* kept_ = nullptr;
  std::vector<std::unique_ptr<Expander<Model, Keys>>> expanders_;
  std::vector<LevelTally<State>> levels_;
  std::uint64_t states_ = 0;
  std::uint64_t transitions_ = 0;
  Ending bound_ = Ending::kExhausted;

  std::atomic<bool> stop_ = false;  // The level need not be completed.
  std::atomic<std::uint64_t> report_at_ = 1 << 16;
  std::mutex mutex_;
  absl::Status failure_;  // Guarded by mutex_ while threads run.
};

}  // namespace iommufd_check::explore
