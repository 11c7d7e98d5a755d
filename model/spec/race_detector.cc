#include "model/spec/race_detector.h"

#include <algorithm>
#include <bit>

namespace iommufd_check::spec {

using sim::Field;
using sim::ObjectKind;
using sim::Primitive;

namespace {

// Stands for every element of a field, where what frees the object looks.
constexpr uint16_t kAnyElement = UINT16_MAX - 1;

uint64_t KeyOf(sim::ObjectRef object, uint16_t rest) {
  return uint64_t{rest} << 32 | uint64_t{static_cast<uint16_t>(object.kind)} << 16 | object.number;
}

uint64_t CounterOf(const sim::Event& event) { return KeyOf(event.object, event.detail); }

bool IsCounter(const sim::Event& event) { return sim::IsCounter(static_cast<Field>(event.detail)); }

bool HasElements(sim::ObjectRef object) { return object.kind == ObjectKind::kFrame; }
uint8_t Bit(uint8_t task) { return static_cast<uint8_t>(1u << task); }
bool Marked(const sim::Event& event) { return (event.mode & sim::kAccessMarked) != 0; }
// Taken to be atomic: marked, or a plain write of up to a word.
bool Atomic(const sim::Event& event, bool write) {
  return Marked(event) || (write && (event.mode & sim::kAccessWord) != 0);
}

}  // namespace

void RaceDetector::Clear() {
  for (Clock& clock : clocks_) clock.fill(0);
  for (size_t task = 0; task < clocks_.size(); ++task) clocks_[task][task] = 1;
  locks_.clear();
  counters_.Clear();
  first_.Clear();
  histories_.clear();
  meetings_.Clear();
}

RaceDetector::History& RaceDetector::HistoryOf(sim::ObjectRef object, uint8_t field,
                                               uint16_t element) {
  uint32_t& first = first_.FindOr(KeyOf(object, element), kNone);
  for (uint32_t at = first; at != kNone; at = histories_[at].next) {
    if (histories_[at].field == field) return histories_[at].history;
  }
  histories_.push_back({.field = field, .next = first});
  first = static_cast<uint32_t>(histories_.size() - 1);
  return histories_.back().history;
}

void RaceDetector::Join(Clock& into, const Clock& from) {
  for (size_t i = 0; i < into.size(); ++i) into[i] = std::max(into[i], from[i]);
}

// What of the history conflicts with the event and is not ordered before it. A race when KCSAN
// would say so.
std::optional<RaceDetector::Race> RaceDetector::Meet(const History& history,
                                                     const sim::Event& event, bool write,
                                                     bool* meets) const {
  std::optional<Race> race;
  const uint8_t now = event.task;
  const bool atomic = Atomic(event, write);
  const bool same = write && (event.mode & sim::kAccessSame) != 0;
  for (uint8_t left = history.tasks & static_cast<uint8_t>(~Bit(now)); left != 0;
       left &= static_cast<uint8_t>(left - 1)) {
    const auto other = static_cast<uint8_t>(std::countr_zero(left));
    for (size_t kind = write ? kReads : kWrites; kind < kKinds; ++kind) {
      const Last& last = history.last[kind][other];
      if (last.when == 0 || Ordered(other, last.when, now)) continue;
      *meets = true;
      const bool other_wrote = kind >= kWrites;
      const bool other_atomic = kind == kAtomicReads || kind == kAtomicWrites;
      const bool changes = (write && !same) || (other_wrote && !last.same);
      if (race.has_value() || (atomic && other_atomic) || !changes) continue;
      race = Race{other, last.operation, other_wrote, last.marked};
    }
  }
  return race;
}

void RaceDetector::Enter(History& history, const sim::Event& event, bool write) const {
  const bool atomic = Atomic(event, write);
  const size_t kind = write ? (atomic ? kAtomicWrites : kWrites) : (atomic ? kAtomicReads : kReads);
  history.tasks |= Bit(event.task);
  history.last[kind][event.task] = {clocks_[event.task][event.task], event.operation,
                                    (event.mode & sim::kAccessSame) != 0, Marked(event)};
}

std::optional<RaceDetector::Race> RaceDetector::OnAccess(const sim::Event& event, bool write) {
  bool meets = false;
  History& history = HistoryOf(event.object, event.detail, event.spare);
  std::optional<Race> race = Meet(history, event, write, &meets);
  Enter(history, event, write);
  if (HasElements(event.object) && event.spare != sim::kWholeField) {
    // Walks of the whole see each write of an element.
    if (write) {
      History& whole = HistoryOf(event.object, event.detail, sim::kWholeField);
      History reads = whole;
      reads.last[kWrites].fill({});
      reads.last[kAtomicWrites].fill({});
      Meet(reads, event, write, &meets);
      Enter(whole, event, write);
    }
    Enter(HistoryOf(event.object, event.detail, kAnyElement), event, write);
  }
  if (meets) meetings_.Add(event.object.kind, static_cast<Field>(event.detail));
  return race;
}

void RaceDetector::OnCount(const sim::Event& event) {
  if (!IsCounter(event)) return;  // a plain atomic counter
  Clock& mine = clocks_[event.task];
  Counter& counter = counters_[CounterOf(event)];
  int8_t& balance = counter.balance[event.task];
  counter.counted |= Bit(event.task);
  if (event.primitive == Primitive::kRefInc) {
    if (balance < INT8_MAX) ++balance;
  } else {
    // Who gives back what it did not take may take the last reference away from the others.
    if (balance > INT8_MIN) --balance;
    if (balance < 0) meetings_.Add(event.object.kind, static_cast<Field>(event.detail));
    Join(counter.released, mine);
    ++mine[event.task];
    if (event.value == 0) Join(mine, counter.released);
  }
  if ((counter.tested & ~Bit(event.task)) != 0) {
    meetings_.Add(event.object.kind, static_cast<Field>(event.detail));
  }
}

void RaceDetector::OnTest(const sim::Event& event) {
  Counter& counter = counters_[CounterOf(event)];
  counter.tested |= Bit(event.task);
  if (event.primitive == Primitive::kWrite) counter.counted |= Bit(event.task);
  if ((event.mode & sim::kAccessOrders) != 0) Join(clocks_[event.task], counter.released);
  if ((counter.counted & ~Bit(event.task)) != 0) {
    meetings_.Add(event.object.kind, static_cast<Field>(event.detail));
  }
}

// Freeing writes the whole object.
void RaceDetector::OnFreed(const sim::Event& event) {
  sim::Event free = event;
  free.mode = sim::kAccessMarked;
  for (const uint16_t element : {uint16_t{0}, kAnyElement, sim::kWholeField}) {
    uint32_t* const first = first_.Find(KeyOf(event.object, element));
    if (first == nullptr) continue;
    for (uint32_t at = *first; at != kNone; at = histories_[at].next) {
      bool meets = false;
      Meet(histories_[at].history, free, true, &meets);
      if (meets) meetings_.Add(event.object.kind, static_cast<Field>(histories_[at].field));
    }
    *first = kNone;
  }
}

std::optional<RaceDetector::Race> RaceDetector::OnEvent(const sim::Event& event) {
  if (event.task == 0) return std::nullopt;  // ordered before and after all tasks
  Clock& mine = clocks_[event.task];
  const bool shared = event.mode == 1;
  switch (event.primitive) {
    case Primitive::kLock:
    case Primitive::kUnlock: {
      if (event.spare >= locks_.size()) locks_.resize(event.spare + size_t{1});
      LockClocks& lock = locks_[event.spare];
      if (lock.generation != event.value) lock = {.generation = event.value};
      if (event.primitive == Primitive::kLock) {
        Join(mine, lock.writers);
        if (!shared) Join(mine, lock.readers);
      } else {
        Join(shared ? lock.readers : lock.writers, mine);
        ++mine[event.task];
      }
      return std::nullopt;
    }
    case Primitive::kRefInc:
    case Primitive::kRefDec:
      OnCount(event);
      return std::nullopt;
    case Primitive::kRead:
    case Primitive::kWrite:
      if (IsCounter(event)) {
        OnTest(event);
        return std::nullopt;
      }
      return OnAccess(event, event.primitive == Primitive::kWrite);
    case Primitive::kNote:
      if (sim::Frees(event)) OnFreed(event);
      return std::nullopt;
    default:
      return std::nullopt;
  }
}

}  // namespace iommufd_check::spec
