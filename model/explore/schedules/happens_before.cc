#include "model/explore/schedules/happens_before.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "model/sim/check.h"

namespace iommufd_check::explore {
namespace {

// Told that the clocks are not the same, the compiler takes the eight counts at once. No count is
// stored alone either: the next load of the whole clock would have to wait for that.
void Add(uint16_t* __restrict clock, const uint16_t* __restrict other) {
  for (size_t t = 0; t < sim::kMaxTasks; ++t) clock[t] = static_cast<uint16_t>(clock[t] + other[t]);
}
void Raise(uint16_t* __restrict clock, const uint16_t* __restrict other) {
  for (size_t t = 0; t < sim::kMaxTasks; ++t) clock[t] = std::max(clock[t], other[t]);
}

// By task: the clock of its first step.
constexpr auto kFirst = [] {
  std::array<HappensBefore::Clock, sim::kMaxTasks> first{};
  for (size_t t = 0; t < first.size(); ++t) first[t][t] = 1;
  return first;
}();

}  // namespace

void HappensBefore::Build(const RunSteps& run) {
  if (run_ != &run) Forget(0);
  run_ = &run;
  const std::vector<Step>& steps = run.steps();
  IOMMUFD_CHECK(steps.size() <= kMostSteps, "clocks count steps in 16 bits");
  size_t kept = std::min(places_.size(), steps.size());
  while (kept > 0 && places_[kept - 1].serial != steps[kept - 1].serial) --kept;
  Forget(kept);
  if (kept == steps.size()) return;
  if (latest_.size() < run.locations()) latest_.resize(run.locations(), kNone);
  places_.resize(steps.size());
  records_.resize(steps.back().first_access + steps.back().accesses);
  for (size_t j = kept; j < steps.size(); ++j) Append(j);
}

// Goes back to what was known after the first `kept` steps.
void HappensBefore::Forget(size_t kept) {
  if (kept == places_.size()) return;
  conflicts_.resize(places_[kept].first_conflict);
  const size_t records = places_[kept].first_record;
  for (size_t r = records_.size(); r > records; --r) {
    latest_[records_[r - 1].location] = records_[r - 1].previous;
  }
  records_.resize(records);
  for (size_t j = places_.size(); j > kept; --j) {
    last_[places_[j - 1].task] = places_[j - 1].previous;
  }
  places_.resize(kept);
}

void HappensBefore::Append(size_t j) {
  const Step& step = run_->steps()[j];
  Place& place = places_[j];
  place.serial = step.serial;
  place.task = step.task;
  place.previous = last_[step.task];
  place.first_record = step.first_access;
  place.first_conflict = static_cast<uint32_t>(conflicts_.size());
  if (place.previous != kNone) {
    place.clock = places_[place.previous].clock;
    place.index = places_[place.previous].index;
  }
  ++place.index;
  Add(place.clock.data(), kFirst[step.task].data());
  last_[step.task] = static_cast<uint32_t>(j);
  uint32_t r = step.first_access;
  for (const Access& access : run_->AccessesOf(step)) {
    const Record& record = Enter(access, r++, j, step.task);
    if (record.conflicting == kNone) continue;
    const Group& group = records_[record.conflicting].now;
    for (uint8_t left = group.tasks; left != 0; left &= static_cast<uint8_t>(left - 1)) {
      const int other = std::countr_zero(left);
      const uint16_t i = group.last[static_cast<size_t>(other)];
      if (other != step.task) conflicts_.push_back(i);
      Raise(place.clock.data(), places_[i].clock.data());
    }
  }
  place.may_race = step.acquires != kNoLocation || conflicts_.size() > place.first_conflict;
}

// Enters an access into the history of its location, as record r.
inline const HappensBefore::Record& HappensBefore::Enter(const Access& access, uint32_t r, size_t j,
                                                         sim::TaskId task) {
  Record& record = records_[r];
  record.location = access.location;
  record.previous = std::exchange(latest_[access.location], r);
  record.step = static_cast<uint16_t>(j);
  record.now.mode = access.mode;
  if (record.previous != kNone) {
    const Record& before = records_[record.previous];
    const bool joins = Commute(before.now.mode, access.mode);
    if (joins) record.now = before.now;
    record.conflicting = joins ? before.conflicting : record.previous;
  }
  record.now.last[task] = record.step;
  record.now.tasks |= static_cast<uint8_t>(1u << task);
  return record;
}

std::span<const uint16_t> HappensBefore::ConflictsOf(size_t j) const {
  const size_t first = places_[j].first_conflict;
  const size_t end = j + 1 < places_.size() ? places_[j + 1].first_conflict : conflicts_.size();
  return std::span(conflicts_).subspan(first, end - first);
}

uint32_t HappensBefore::LatestOf(uint32_t location, size_t end) const {
  uint32_t r = location < latest_.size() ? latest_[location] : kNone;
  while (r != kNone && records_[r].step >= end) r = records_[r].previous;
  return r;
}

uint32_t HappensBefore::LastOf(sim::TaskId task, size_t end) const {
  uint32_t step = last_[task];
  while (step != kNone && step >= end) step = places_[step].previous;
  return step;
}

bool HappensBefore::StillWaits(const Attempt& attempt, size_t end) const {
  if (attempt.steps > end) return false;
  const uint32_t last = LastOf(attempt.waiting.task, end);
  return last == kNone || last < attempt.steps;
}

// Of the step's access to the location, kNone: it has none.
uint32_t HappensBefore::RecordOf(size_t j, uint32_t location) const {
  for (uint32_t r = places_[j].first_record; r < records_.size() && records_[r].step == j; ++r) {
    if (records_[r].location == location) return r;
  }
  return kNone;
}

// The lock is held, in a mode that keeps the task out, right before step i. The search begins at
// `record`, of a later step.
bool HappensBefore::HeldBefore(size_t i, const Waiting& wanted, uint32_t record) const {
  uint8_t seen = static_cast<uint8_t>(1u << wanted.task);
  for (uint32_t r = record; r != kNone; r = records_[r].previous) {
    if (records_[r].step >= i) continue;
    const Step& step = run_->steps()[records_[r].step];
    if (((seen >> step.task) & 1u) == 0) {
      seen |= static_cast<uint8_t>(1u << step.task);
      if (step.acquires == wanted.lock && (wanted.exclusive || step.exclusive)) return true;
    }
    // Whoever has it alone, nobody else has had it since before.
    if (records_[r].now.mode == AccessMode::kWrite) return false;
  }
  return false;
}

// Acquisitions of the lock by others that keep the task out, none before another or before `own`,
// what the task did last. The search goes back from `record`.
void HappensBefore::FindLockRaces(const Waiting& wanted, uint32_t record, uint32_t own) {
  const size_t first = races_.size();
  for (uint32_t r = record; r != kNone; r = records_[r].previous) {
    const size_t a = records_[r].step;
    const Step& step = run_->steps()[a];
    if (step.acquires != wanted.lock) continue;
    const bool keeps_out = step.task != wanted.task && (wanted.exclusive || step.exclusive);
    if (keeps_out && (own == kNone || !Before(a, own))) {
      const bool hidden = std::any_of(races_.begin() + static_cast<ptrdiff_t>(first), races_.end(),
                                      [&](size_t later) { return Before(a, later); });
      if (!hidden) races_.push_back(a);
    }
    // All earlier ones happen before it, and it is a race, the task's own, or before such a step.
    if (step.exclusive) return;
  }
}

void HappensBefore::FindRaces(size_t j) {
  const Step& step = run_->steps()[j];
  const Place& place = places_[j];
  const std::span<const uint16_t> conflicts = ConflictsOf(j);
  const bool locks = step.acquires != kNoLocation;
  const Waiting wanted{step.task, step.acquires, step.exclusive};
  const uint32_t record = locks ? RecordOf(j, step.acquires) : kNone;
  const uint32_t before = record != kNone ? records_[record].previous : kNone;
  if (locks) FindLockRaces(wanted, before, place.previous);
  for (const uint16_t i : conflicts) {
    const auto hides = [&](size_t other) { return other != i && other > i && Before(i, other); };
    if (place.previous != kNone && hides(place.previous)) continue;
    if (std::any_of(conflicts.begin(), conflicts.end(), hides)) continue;
    if (std::find(races_.begin(), races_.end(), i) != races_.end()) continue;
    if (locks && HeldBefore(i, wanted, before)) continue;
    races_.push_back(i);
  }
}

sim::Fingerprint HappensBefore::TraceFingerprint(const LocationTable& table) const {
  std::vector<uint64_t> words;
  std::vector<std::pair<uint64_t, AccessMode>> accesses;
  for (sim::TaskId t = 0; t < sim::kMaxTasks; ++t) {
    for (size_t j = 0; j < places_.size(); ++j) {
      if (places_[j].task != t) continue;
      for (const uint16_t count : places_[j].clock) words.push_back(count);
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
