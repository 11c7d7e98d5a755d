// The breadth-first search itself, level by level, with its threads and its bounds.
//
// A level is a set of states, so its tally does not depend on threads. A bound that is hit within a
// level discards that level, since which part of it had been visited does depend on them. A search
// that is to be kept on disk keeps the level before until the next is complete.
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
#include "model/explore/states/expander.h"
#include "model/explore/states/frontier.h"
#include "model/explore/states/level_file.h"
#include "model/explore/states/search.h"
#include "model/explore/work/search_file.h"
#include "model/sim/check.h"

namespace iommufd_check::explore {

template <SearchModel Model, typename Keys>
class LevelSearch {
 public:
  using State = typename Model::State;

  LevelSearch(const Model& model, const Keys& keys, const SearchOptions& options,
              ProgressSink* progress)
      : model_(model),
        keys_(keys),
        options_(options),
        progress_(progress),
        set_(keys.bits(), options.limits.max_memory_bytes - kFrontierReserveBytes, options.threads),
        budget_(kFrontierReserveBytes, options.spill_folder),
        current_(std::make_unique<Frontier>(&budget_)),
        next_(std::make_unique<Frontier>(&budget_)),
        expanded_(std::make_unique<Frontier>(&budget_)) {
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

  // Instead of Start: begins where a saved search had come to. FAULTS: as SearchFileReader.
  absl::Status Restore(SearchFileReader file)
    requires HasIsState<Model>
  {
    const auto is_state = [this](const State& state) { return model_.IsState(state); };
    if (!GetLevels<State>(&file, is_state, &levels_) || levels_.empty()) return file.Broken();
    if (!GetMemory(&file, &memory_)) return file.Broken();
    if constexpr (HasMemory<Model>) {
      if (!model_.Recall(memory_)) return file.Broken();
    }
    for (const LevelTally<State>& level : levels_) {
      states_ += level.discovered;
      transitions_ += level.transitions;
    }
    if (!RestoreKeys(&file)) return file.Broken();
    const absl::Status read =
        GetStates<State>(&file, levels_.back().discovered, is_state, current_.get());
    if (!read.ok()) return read;
    if (!file.AtEnd()) return file.Broken();
    ShareMemory(set_.shape());
    if (states_ > MostStates()) HitBound();
    return absl::OkStatus();
  }

  // Everything up to the deepest complete level. REQUIRES: the search is kept (options.keeping).
  absl::Status Save() {
    absl::StatusOr<SearchFileWriter> file =
        SearchFileWriter::Create(options_.keeping.path, options_.keeping.identity);
    if (!file.ok()) return file.status();
    PutLevels(levels_, &*file);
    PutMemory(memory_, &*file);
    // Of a level that was given up, what had been visited is not known to be visited.
    std::vector<typename Keys::Key> given_up;
    absl::Status status = next_->ForEachBlock([&](const Block& block) {
      ForEachState<State>(block,
                          [&](const State& state) { given_up.push_back(keys_.Of(model_, state)); });
    });
    if (!status.ok()) return status;
    std::sort(given_up.begin(), given_up.end());
    set_.ForEach([&](typename Keys::Key key) {
      if (!std::binary_search(given_up.begin(), given_up.end(), key)) file->Put(&key, sizeof key);
    });
    for (const Frontier* frontier : {current_.get(), expanded_.get()}) {
      status = PutStates<State>(*frontier, &*file);
      if (!status.ok()) return status;
    }
    return file->Finish();
  }

  // Visits the successors of the deepest level, which goes to `kept` if that is not null. When a
  // bound is hit, bound() says which and the level is not counted.
  absl::Status Advance(Frontier* kept) {
    IOMMUFD_CHECK(CanAdvance(), "only a search with a frontier goes on");
    IOMMUFD_CHECK(kept == nullptr || !Keeps(), "a level is kept for one purpose");
    kept_ = Keeps() ? expanded_.get() : kept;
    stop_.store(false, std::memory_order_relaxed);
    RunThreads();
    LevelTally<State> level;
    for (auto& expander : expanders_) {
      const absl::Status status = expander->FinishLevel();
      if (!status.ok()) return status;
      level.Merge(expander->tally());
    }
    if (!failure_.ok()) return failure_;
    if (stopped_) {
      bound_ = Ending::kStopped;
      return absl::OkStatus();
    }
    if (states_ + level.discovered > MostStates()) {
      HitBound();
      return absl::OkStatus();
    }
    IOMMUFD_CHECK(!set_.out_of_room(), "a set within its capacity has room");
    IOMMUFD_CHECK(current_->empty(), "a complete level was expanded in full");
    std::swap(current_, next_);
    next_ = std::make_unique<Frontier>(&budget_);
    expanded_->Clear();
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
  bool Keeps() const { return !options_.keeping.path.empty(); }

  bool RestoreKeys(SearchFileReader* file) {
    constexpr std::uint64_t kInSession = 4096;
    if (states_ > file->left() / sizeof(typename Keys::Key)) return false;
    for (std::uint64_t left = states_; left > 0;) {
      typename CompactSet<typename Keys::Key>::Session session(&set_);
      for (std::uint64_t i = 0; i < kInSession && left > 0; ++i, --left) {
        typename Keys::Key key = 0;
        file->Get(&key, sizeof key);
        if (!keys_.IsKey(key) || !session.Insert(key)) return false;
      }
    }
    return true;
  }

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
      const bool go_on = options_.pulse == nullptr || options_.pulse->Beat();
      if (go_on) expander.Expand(**block);
      if (kept_ != nullptr) {
        const absl::Status status = kept_->Push(*std::move(block));
        if (!status.ok()) return Fail(status);
      }
      if (!go_on) {
        stopped_.store(true, std::memory_order_relaxed);
        stop_.store(true, std::memory_order_relaxed);
        return;
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
    if constexpr (HasMemory<Model>) memory_ = model_.Memory();
    levels_.push_back(level);
    states_ += level.discovered;
    transitions_ += level.transitions;
  }

  const Model& model_;
  const Keys& keys_;
  const SearchOptions options_;
  ProgressSink* const progress_;
  CompactSet<typename Keys::Key> set_;
  FrontierBudget budget_;
  std::unique_ptr<Frontier> current_;   // The deepest complete level.
  std::unique_ptr<Frontier> next_;      // The level being discovered.
  std::unique_ptr<Frontier> expanded_;  // What was taken from current_, if the search is kept.
  Frontier* kept_ = nullptr;
  std::vector<std::unique_ptr<Expander<Model, Keys>>> expanders_;
  std::vector<LevelTally<State>> levels_;
  std::vector<std::uint64_t> memory_;  // The model's, when the last of them was complete.
  std::uint64_t states_ = 0;
  std::uint64_t transitions_ = 0;
  Ending bound_ = Ending::kExhausted;

  std::atomic<bool> stop_ = false;     // The level need not be completed.
  std::atomic<bool> stopped_ = false;  // By the pulse.
  std::atomic<std::uint64_t> report_at_ = 1 << 16;
  std::mutex mutex_;
  absl::Status failure_;  // Guarded by mutex_ while threads run.
};

}  // namespace iommufd_check::explore
