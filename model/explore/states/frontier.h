// One level of a breadth-first search: a bag of blocks of fixed-size records, in memory as long as
// the budget lasts and in a temporary file beyond it.
//
// Records are plain bytes here; search.h puts the types on. The order in which blocks come back is
// not defined, and nothing in a search depends on it.
//
// Threads: Push, Pop and spilled_bytes from any number at once. Everything else needs to be alone.
//
//   FrontierBudget budget(64 << 20, "");
//   Frontier next(&budget);
//   next.Push(std::move(block));            // Possibly written to disk.
//   while (auto block = next.Pop(); block.ok() && *block != nullptr) { ... }
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "model/explore/states/spill_file.h"

namespace iommufd_check::explore {

inline constexpr std::size_t kBlockBytes = std::size_t{16} << 10;

struct Block {
  std::unique_ptr<std::byte[]> bytes = std::make_unique_for_overwrite<std::byte[]>(kBlockBytes);
  std::size_t used = 0;  // Bytes.
};

// Calls visit(state) for each State that was copied into the block.
template <typename State, typename Visit>
void ForEachState(const Block& block, Visit visit) {
  for (std::size_t at = 0; at < block.used; at += sizeof(State)) {
    State state;
    std::memcpy(&state, block.bytes.get() + at, sizeof state);
    visit(state);
  }
}

// The memory that the blocks of all levels share.
class FrontierBudget {
 public:
  FrontierBudget(std::uint64_t max_bytes, std::string spill_folder)
      : max_bytes_(max_bytes), spill_folder_(std::move(spill_folder)) {}

  // May be lowered while a search runs, as its visited set grows.
  void set_max_bytes(std::uint64_t bytes) { max_bytes_.store(bytes, std::memory_order_relaxed); }
  const std::string& spill_folder() const { return spill_folder_; }
  std::uint64_t used_bytes() const { return used_bytes_.load(std::memory_order_relaxed); }
  std::uint64_t peak_bytes() const { return peak_bytes_.load(std::memory_order_relaxed); }

  bool Take();  // One block's worth; false when there is none left.
  void Return();

 private:
  std::atomic<std::uint64_t> max_bytes_;
  std::atomic<std::uint64_t> used_bytes_ = 0;
  std::atomic<std::uint64_t> peak_bytes_ = 0;
  const std::string spill_folder_;
};

class Frontier {
 public:
  // REQUIRES: the budget outlives the frontier.
  explicit Frontier(FrontierBudget* budget) : budget_(budget) {}
  ~Frontier() { Clear(); }
  Frontier(const Frontier&) = delete;
  Frontier& operator=(const Frontier&) = delete;

  // REQUIRES: the block is not empty. FAULTS: the temporary file.
  absl::Status Push(std::unique_ptr<Block> block);
  // nullptr when no block is left.
  absl::StatusOr<std::unique_ptr<Block>> Pop();

  // Calls visit(block) for each, which stays. REQUIRES: nobody pushes or pops.
  template <typename Visit>
  absl::Status ForEachBlock(Visit visit) const {
    for (const std::unique_ptr<Block>& block : in_memory_) visit(*block);
    Block read;
    for (const Extent& extent : on_disk_) {
      const absl::Status status = ReadBack(extent, &read);
      if (!status.ok()) return status;
      visit(read);
    }
    return absl::OkStatus();
  }

  bool empty() const { return in_memory_.empty() && on_disk_.empty(); }
  std::size_t blocks() const { return in_memory_.size() + on_disk_.size(); }
  std::uint64_t spilled_bytes() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return file_ == nullptr ? 0 : file_->size();
  }
  void Clear();

 private:
  struct Extent {
    std::uint64_t offset;
    std::size_t size;
  };
  absl::Status Spill(const Block& block);
  absl::Status ReadBack(const Extent& extent, Block* block) const;

  FrontierBudget* budget_;
  mutable std::mutex mutex_;
  std::vector<std::unique_ptr<Block>> in_memory_;
  std::vector<Extent> on_disk_;
  std::unique_ptr<SpillFile> file_;
};

}  // namespace iommufd_check::explore
