#include "model/explore/states/frontier.h"

#include <span>

#include "model/sim/check.h"

namespace iommufd_check::explore {

bool FrontierBudget::Take() {
  const std::uint64_t used =
      used_bytes_.fetch_add(kBlockBytes, std::memory_order_relaxed) + kBlockBytes;
  if (used > max_bytes_.load(std::memory_order_relaxed)) {
    Return();
    return false;
  }
  std::uint64_t peak = peak_bytes();
  while (peak < used && !peak_bytes_.compare_exchange_weak(peak, used)) {
  }
  return true;
}

void FrontierBudget::Return() {
  const std::uint64_t before = used_bytes_.fetch_sub(kBlockBytes, std::memory_order_relaxed);
  IOMMUFD_CHECK(before >= kBlockBytes, "only what was taken is returned");
}

absl::Status Frontier::Push(std::unique_ptr<Block> block) {
  IOMMUFD_CHECK(block->used > 0, "an empty block carries nothing");
  IOMMUFD_CHECK(block->used <= kBlockBytes, "a block holds no more than its size");
  const std::lock_guard<std::mutex> lock(mutex_);
  if (!budget_->Take()) return Spill(*block);
  in_memory_.push_back(std::move(block));
  return absl::OkStatus();
}

absl::Status Frontier::Spill(const Block& block) {
  if (file_ == nullptr) {
    absl::StatusOr<std::unique_ptr<SpillFile>> file = SpillFile::Create(budget_->spill_folder());
    if (!file.ok()) return file.status();
    file_ = *std::move(file);
  }
  const absl::StatusOr<std::uint64_t> offset =
      file_->Append(std::span<const std::byte>(block.bytes.get(), block.used));
  if (!offset.ok()) return offset.status();
  on_disk_.push_back({*offset, block.used});
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<Block>> Frontier::Pop() {
  Extent extent;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (!in_memory_.empty()) {
      std::unique_ptr<Block> block = std::move(in_memory_.back());
      in_memory_.pop_back();
      budget_->Return();
      return block;
    }
    if (on_disk_.empty()) return std::unique_ptr<Block>();
    extent = on_disk_.back();
    on_disk_.pop_back();
  }
  auto block = std::make_unique<Block>();
  const absl::Status status = ReadBack(extent, block.get());
  if (!status.ok()) return status;
  return block;
}

absl::Status Frontier::ReadBack(const Extent& extent, Block* block) const {
  block->used = extent.size;
  return file_->Read(extent.offset, std::span<std::byte>(block->bytes.get(), block->used));
}

void Frontier::Clear() {
  for (std::size_t i = 0; i < in_memory_.size(); ++i) budget_->Return();
  in_memory_.clear();
  on_disk_.clear();
  file_.reset();
}

}  // namespace iommufd_check::explore
