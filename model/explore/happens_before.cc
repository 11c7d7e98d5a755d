#include "model/explore/happens_before.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "model/sim/check.h"

namespace iommufd_check::explore {

void HappensBefore::Build(const RunSteps& run) {
  run_ = &run;
  ++epoch_;
  const size_t n = run.steps().size();
  IOMMUFD_CHECK(n < UINT16_MAX, "clocks count steps in 16 bits");
  clocks_.resize(n);
  index_.resize(n);
  previous_.resize(n);
  if (conflicts_.size() < n) conflicts_.resize(n);
  std::array<int32_t, sim::kMaxTasks> last{};
  last.fill(-1);
  for (size_t j = 0; j < n; ++j) {
    previous_[j] = last[task(j)];
    last[task(j)] = static_cast<int32_t>(j);
    Append(j);
  }
}

// The accesses that do not commute with `access`; enters it into the history.
const HappensBefore::Group* HappensBefore::Conflicting(const Access& access, History& history) {
  if (history.epoch != epoch_) {
    history = History{};
    history.epoch = epoch_;
  }
  if (history.now.tasks == 0) {
    history.now.mode = access.mode;
  } else if (!Commute(history.now.mode, access.mode)) {
    history.before = history.now;
    history.now = Group{.mode = access.mode};
  }
  return &history.before;
}

void HappensBefore::Append(size_t j) {
  const Step& step = run_->steps()[j];
  Clock& clock = clocks_[j];
  clock = previous_[j] >= 0 ? clocks_[static_cast<size_t>(previous_[j])] : Clock{};
  index_[j] = static_cast<uint16_t>(clock[step.task] + 1);
  std::vector<uint16_t>& conflicts = conflicts_[j];
  conflicts.clear();
  for (const Access& access : run_->AccessesOf(step)) {
    if (access.location >= histories_.size()) histories_.resize(access.location + 1);
    History& history = histories_[access.location];
    const Group& group = *Conflicting(access, history);
    for (uint8_t left = group.tasks; left != 0; left &= static_cast<uint8_t>(left - 1)) {
      const int other = std::countr_zero(left);
      const auto i = static_cast<size_t>(group.last[static_cast<size_t>(other)]);
      if (other != step.task) conflicts.push_back(static_cast<uint16_t>(i));
      for (size_t t = 0; t < clock.size(); ++t) clock[t] = std::max(clock[t], clocks_[i][t]);
    }
    history.now.last[step.task] = static_cast<int32_t>(j);
    history.now.tasks |= static_cast<uint8_t>(1u << step.task);
  }
  clock[step.task] = index_[j];
}

// `lock` is held, in a mode that keeps `task` out, right before step i.
bool HappensBefore::HeldBefore(size_t i, uint32_t lock, bool exclusive, sim::TaskId task) const {
  uint8_t seen = static_cast<uint8_t>(1u << task);
  while (i > 0) {
    const Step& step = run_->steps()[--i];
    if (step.acquires != lock && step.releases != lock) continue;
    if ((seen >> step.task) & 1u) continue;
    seen |= static_cast<uint8_t>(1u << step.task);
    if (step.acquires == lock && (exclusive || step.exclusive)) return true;
  }
  return false;
}

// Acquisitions of `lock` by others that keep `task` out, none before another or before what the
// task did last.
void HappensBefore::FindLockRaces(sim::TaskId task, uint32_t lock, bool exclusive, size_t end) {
  const size_t first = races_.size();
  const Clock* own = nullptr;  // of the task's step before
  for (size_t i = end; i > 0 && own == nullptr; --i) {
    if (run_->steps()[i - 1].task == task) own = &clocks_[i - 1];
  }
  for (size_t i = end; i > 0; --i) {
    const size_t a = i - 1;
    const Step& step = run_->steps()[a];
    if (step.acquires != lock || step.task == task || !(exclusive || step.exclusive)) continue;
    if (own != nullptr && (*own)[step.task] >= index_[a]) continue;
    const bool hidden = std::any_of(races_.begin() + static_cast<ptrdiff_t>(first), races_.end(),
                                    [&](size_t later) { return Before(a, later); });
    if (!hidden) races_.push_back(a);
  }
}

void HappensBefore::FindRaces(size_t j) {
  const Step& step = run_->steps()[j];
  const std::vector<uint16_t>& conflicts = conflicts_[j];
  if (step.acquires != kNoLocation) FindLockRaces(step.task, step.acquires, step.exclusive, j);
  for (const uint16_t i : conflicts) {
    const auto hides = [&](size_t other) { return other != i && other > i && Before(i, other); };
    if (previous_[j] >= 0 && hides(static_cast<size_t>(previous_[j]))) continue;
    if (std::any_of(conflicts.begin(), conflicts.end(), hides)) continue;
    if (std::find(races_.begin(), races_.end(), i) != races_.end()) continue;
    if (step.acquires != kNoLocation &&
        HeldBefore(i, step.acquires, step.exclusive, step.task)) {
      continue;
    }
    races_.push_back(i);
  }
}

sim::Fingerprint HappensBefore::TraceFingerprint(const LocationTable& table) const {
  std::vector<uint64_t> words;
  std::vector<std::pair<uint64_t, AccessMode>> accesses;
  for (sim::TaskId t = 0; t < sim::kMaxTasks; ++t) {
    for (size_t j = 0; j < index_.size(); ++j) {
      if (task(j) != t) continue;
      for (const uint16_t count : clocks_[j]) words.push_back(count);
      accesses.clear();
      for (const Access& access : run_->AccessesOf(run_->steps()[j])) {
        accesses.emplace_back(table.KeyOf(access.location), access.mode);
      }
      std::sort(accesses.begin(), accesses.end());
      for (const auto& [key, mode] : accesses) {
        words.push_back(key);
        words.push_back(static_cast<uint64_t>(mode));
      }
    }
  }
  return sim::HashWords(words);
}

}  // namespace iommufd_check::explore
