#include "fuzz/targets/row_choice.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <tuple>

#include "model/program/program.h"
#include "model/sim/check.h"

namespace iommufd_check::cli {
namespace {

using sim::Event;
using sim::Note;
using sim::Primitive;

// Of what is only background, so many events before the violation are worth a row.
constexpr size_t kNear = 10;
// So many of the calls that a task made before are taken for causes, the last ones.
constexpr size_t kCauses = 6;

// Lower is shown first. kOther: begin and end of the calls of other tasks. kCause: what the calls
// before, and other tasks, did to what the violation is about.
enum Rank : int {
  kSubject,
  kFault,
  kOther,
  kCause,
  kTouching,
  kTurn,
  kContext,
  kSplat,
  kBackground,
  kHidden
};

// The events of one operation.
struct Span {
  size_t begin = 0;
  int64_t code = 0;  // of the operation
  size_t later = 0;  // causes of the same task behind it
  size_t last = 0;
  bool ended = false;
  bool alone = true;  // no event of another task lies inside
};

bool IsAccess(Primitive primitive) {
  return primitive == Primitive::kRead || primitive == Primitive::kWrite;
}

bool IsReference(Primitive primitive) {
  return primitive == Primitive::kRefInc || primitive == Primitive::kRefDec;
}

bool IsLock(Primitive primitive) {
  return primitive == Primitive::kLock || primitive == Primitive::kUnlock ||
         primitive == Primitive::kWait;
}

// The row of the operation; null of the exit.
const program::OperationSpec* SpecOf(int64_t code) {
  const bool known = 0 <= code && code < static_cast<int64_t>(program::OpCode::kCount);
  return known ? &program::SpecOf(static_cast<program::OpCode>(code)) : nullptr;
}

// Calls that only make room for others. One that fails may be a cause all the same.
bool IsSetUp(int64_t code) {
  const program::OperationSpec* spec = SpecOf(code);
  return spec != nullptr && spec->result != program::ResultKind::kNone;
}

bool TakesAway(int64_t code) {
  const program::OperationSpec* spec = SpecOf(code);
  return spec != nullptr && spec->Has(uapi::kTakesAway);
}

// Pages come and go by the dozen, and rarely tell anything unless the violation is about one.
bool IsAboutPages(const Event& event) {
  if (event.primitive != Primitive::kNote) return false;
  switch (static_cast<Note>(event.detail)) {
    case Note::kKhoAdd:
    case Note::kKhoDel:
    case Note::kFrameAlloc:
    case Note::kFrameFree:
    case Note::kTableAlloc:
    case Note::kTableFree:
    case Note::kTableWrite:
      return true;
    default:
      return false;
  }
}

class Ranking {
 public:
  Ranking(const std::vector<Event>& events, const spec::Violation& subject)
      : events_(events), subject_(subject), seen_(SeenAt(events, subject)) {
    FindSpans();
    FindLocks();
    FindCallers();
  }

  int RankOf(size_t i) const;

 private:
  using OperationKey = std::tuple<sim::TaskId, uint16_t>;
  static OperationKey OperationOf(const Event& event) { return {event.task, event.operation}; }

  void FindSpans();
  void FindLocks();
  void FindCallers();
  bool Touches(const Event& event) const;
  bool TaskChangesAt(size_t i) const;
  int RankAfter(size_t i) const;
  int RankInBackground(size_t i, const Span& span) const;
  int RankUnderWay(size_t i) const;

  const std::vector<Event>& events_;
  const spec::Violation& subject_;
  const size_t seen_;
  std::map<OperationKey, Span> spans_;
  std::set<size_t> first_splats_;  // the first of each kind in each task
  std::set<size_t> callers_;       // entries of the functions that the violation was seen in
  std::set<size_t> held_since_;    // lock events of locks that are held where the violation is seen
};

void Ranking::FindSpans() {
  std::set<std::tuple<sim::TaskId, uint8_t>> splats;
  for (size_t i = 0; i < events_.size(); ++i) {
    const Event& event = events_[i];
    const auto [it, is_new] =
        spans_.try_emplace(OperationOf(event), Span{.begin = i, .code = event.value});
    Span& span = it->second;
    if (!is_new && events_[i - 1].task != event.task) span.alone = false;
    span.last = i;
    if (event.primitive == Primitive::kOpEnd) span.ended = true;
    if (event.primitive == Primitive::kSplat && splats.insert({event.task, event.detail}).second) {
      first_splats_.insert(i);
    }
  }
  std::map<sim::TaskId, size_t> causes;
  for (size_t i = events_.size(); i-- > 0;) {
    if (i > seen_ || events_[i].primitive != Primitive::kOpEnd) continue;
    Span& span = spans_.at(OperationOf(events_[i]));
    span.later = causes[events_[i].task];
    if (!IsSetUp(span.code) || events_[i].value != 0) ++causes[events_[i].task];
  }
}

// The last entry of the violation's function and, going back, of each function around it. Returns
// leave no event, but a function that was entered less deep later had returned.
void Ranking::FindCallers() {
  int64_t depth = 0;  // of the innermost that was found
  for (size_t i = seen_ + 1; i-- > 0;) {
    const Event& event = events_[i];
    if (OperationOf(event) != OperationOf(events_[seen_])) continue;
    if (event.primitive == Primitive::kOpBegin) return;
    if (event.primitive != Primitive::kEnter) continue;
    const bool innermost = depth == 0 && static_cast<sim::Fn>(event.detail) == subject_.function;
    if (!innermost && (depth == 0 || event.value >= depth)) continue;
    callers_.insert(i);
    depth = event.value;
  }
}

void Ranking::FindLocks() {
  std::map<std::tuple<sim::TaskId, uint16_t>, size_t> held;
  for (size_t i = 0; i <= seen_; ++i) {
    const Event& event = events_[i];
    if (!IsLock(event.primitive)) continue;
    if (event.primitive == Primitive::kLock) held[{event.task, event.spare}] = i;
    if (event.primitive == Primitive::kUnlock) held.erase({event.task, event.spare});
  }
  for (const auto& [lock, since] : held) held_since_.insert(since);
}

// What a violation that was seen at an access is about is one field, else the whole object, of
// which reads rarely tell anything.
bool Ranking::Touches(const Event& event) const {
  if (subject_.object.kind == sim::ObjectKind::kNone || event.object != subject_.object) {
    return false;
  }
  if (event.primitive == Primitive::kCall || IsReference(event.primitive)) return false;
  // An object owns pages by the dozen.
  if (IsAboutPages(event) && event.object.kind != sim::ObjectKind::kFrame &&
      !IsAboutPages(events_[seen_])) {
    return false;
  }
  if (!IsAccess(event.primitive)) return true;
  const Event& seen = events_[seen_];
  if (IsAccess(seen.primitive) && seen.object == event.object) return seen.detail == event.detail;
  return event.primitive == Primitive::kWrite;
}

bool Ranking::TaskChangesAt(size_t i) const {
  const bool left = i + 1 < events_.size() && events_[i + 1].task != events_[i].task;
  const bool entered = i > 0 && events_[i - 1].task != events_[i].task;
  return left || entered;
}

// Once the violation was seen, only how it ends matters.
int Ranking::RankAfter(size_t i) const {
  const Event& event = events_[i];
  const bool of_subject = OperationOf(event) == OperationOf(events_[seen_]);
  if (event.primitive == Primitive::kOpEnd) {
    if (of_subject) return kTurn;
    const bool beside = spans_.at(OperationOf(event)).begin < seen_ && event.task != 0;
    return beside ? kContext : kHidden;
  }
  const bool last = i + 1 == events_.size();
  return last && event.primitive == Primitive::kSplat ? kTurn : kHidden;
}

// An event of an operation that was over when the subject's began. `span`: the operation.
int Ranking::RankInBackground(size_t i, const Span& span) const {
  const Event& event = events_[i];
  const bool is_end = event.primitive == Primitive::kOpEnd;
  if (event.primitive == Primitive::kFail) return kFault;
  if (event.primitive == Primitive::kSplat) return kBackground;
  if (is_end && event.task != events_[seen_].task && event.task != 0) return kOther;
  if (subject_.task != 0 && event.task == 0) {
    // A lane of main costs the others their width.
    return is_end && (TakesAway(span.code) || event.value != 0) ? kCause : kHidden;
  }
  if (is_end && (!IsSetUp(span.code) || event.value != 0)) {
    return span.later < kCauses ? kCause : kContext;
  }
  if (is_end) return kContext;
  const bool same_field = IsAccess(event.primitive) && IsAccess(events_[seen_].primitive);
  if (Touches(event) && (event.primitive == Primitive::kNote || same_field)) return kTouching;
  const bool quiet = IsReference(event.primitive) || IsAccess(event.primitive) ||
                     event.primitive == Primitive::kCall || event.primitive == Primitive::kEnter;
  return span.alone || quiet ? kHidden : kBackground;
}

int Ranking::RankUnderWay(size_t i) const {
  const Event& event = events_[i];
  const bool other = event.task != events_[seen_].task;
  const bool border =
      event.primitive == Primitive::kOpBegin || event.primitive == Primitive::kOpEnd;
  if (event.primitive == Primitive::kFail) return kFault;
  if (event.primitive == Primitive::kSplat) {
    const bool related = subject_.splat != sim::Splat::kCount && event.object == subject_.object;
    if (related) return kTouching;
    return first_splats_.contains(i) ? kSplat : kBackground;
  }
  if (border) return other ? kOther : kTurn;
  if (event.primitive == Primitive::kEnter) {
    if (callers_.contains(i)) return kTurn;
    return other ? kSplat : kBackground;
  }
  if (event.primitive == Primitive::kWait) return kTurn;
  if (Touches(event)) return other && !IsLock(event.primitive) ? kCause : kTouching;
  if (IsAccess(event.primitive) || IsReference(event.primitive)) return kHidden;
  if (event.primitive == Primitive::kCall) return kHidden;
  if (IsAboutPages(event)) return kBackground;
  if (event.primitive == Primitive::kNote || TaskChangesAt(i)) return kTurn;
  // Locks that were released again are background; those still held stand in every row anyway.
  return IsLock(event.primitive) && !held_since_.contains(i) ? kBackground : kContext;
}

int Ranking::RankOf(size_t i) const {
  const Event& event = events_[i];
  if (i == seen_) return kSubject;
  if (i > 0 && event == events_[i - 1]) return kHidden;  // a loop inside one step
  if (i > seen_) return RankAfter(i);
  const Span& subject = spans_.at(OperationOf(events_[seen_]));
  if (i == subject.begin) return kSubject;
  const Span& span = spans_.at(OperationOf(event));
  const bool over = span.ended && span.last < subject.begin;
  const int rank = over ? RankInBackground(i, span) : RankUnderWay(i);
  return rank == kBackground && seen_ - i > kNear ? kHidden : rank;
}

// The lines that rows and the gaps between them take, kept while rows are added.
class Screen {
 public:
  explicit Screen(const std::vector<Event>& events) : steps_(events, 0xff) {}

  size_t LinesWith(size_t row) const {
    const auto next = rows_.lower_bound(row);
    size_t lines = lines_ + 1;
    const bool has_next = next != rows_.end();
    if (next != rows_.begin()) {
      const size_t previous = *std::prev(next);
      if (has_next) lines -= Gap(previous, *next);
      lines += Gap(previous, row);
    }
    if (has_next) lines += Gap(row, *next);
    return lines;
  }
  void Add(size_t row) {
    lines_ = LinesWith(row);
    rows_.insert(row);
  }
  bool empty() const { return rows_.empty(); }
  std::vector<size_t> Rows() const { return {rows_.begin(), rows_.end()}; }

 private:
  size_t Gap(size_t a, size_t b) const { return steps_.Between(a, b) > 0 ? 1 : 0; }

  StepCount steps_;
  std::set<size_t> rows_;
  size_t lines_ = 0;
};

}  // namespace

size_t SeenAt(const std::vector<Event>& events, const spec::Violation& subject) {
  IOMMUFD_CHECK(!events.empty(), "a violation without events");
  if (subject.event == 0) return 0;
  return std::min<size_t>(subject.event, events.size()) - 1;
}

StepCount::StepCount(const std::vector<Event>& events, uint8_t tasks) {
  std::array<uint32_t, sim::kMaxTasks> steps{};
  std::array<size_t, sim::kMaxTasks> opened{};
  uint32_t total = 0;
  size_t begin = 0;  // of the operation that runs undisturbed
  for (size_t i = 0; i < events.size(); ++i) {
    const sim::TaskId task = events[i].task;
    const bool begins = events[i].primitive == Primitive::kOpBegin;
    if (begins || (i > 0 && events[i - 1].task != task)) begin = i;
    const bool whole = events[begin].primitive == Primitive::kOpBegin;
    const bool ends = events[i].primitive == Primitive::kOpEnd;
    stands_from_.push_back(ends && whole ? begin : i);
    if (events[i].step > steps[task]) {
      if ((tasks >> task) & 1) total += events[i].step - steps[task];
      steps[task] = events[i].step;
      opened[task] = i;
    }
    total_.push_back(total);
    opener_.push_back(opened[task]);
  }
}

uint32_t StepCount::Between(size_t first, size_t last) const {
  const size_t begin = first == kStart ? 0 : first + 1;
  if (stands_from_[last] >= begin) last = stands_from_[last];
  if (last <= begin) return 0;
  const uint32_t before = begin == 0 ? 0 : total_[begin - 1];
  const uint32_t inside = total_[last - 1] - before;
  const bool shown_by_last = opener_[last] >= begin && opener_[last] < last;
  return inside > 0 && shown_by_last ? inside - 1 : inside;
}

std::vector<size_t> ChooseRows(const std::vector<Event>& events, const spec::Violation& subject,
                               size_t max_rows) {
  if (events.empty()) return {};
  const Ranking ranking(events, subject);
  const size_t seen = SeenAt(events, subject);
  std::vector<std::tuple<int, size_t, size_t>> candidates;  // rank, distance, event
  for (size_t i = 0; i < events.size(); ++i) {
    const int rank = ranking.RankOf(i);
    if (rank < kHidden) candidates.emplace_back(rank, i < seen ? seen - i : i - seen, i);
  }
  std::sort(candidates.begin(), candidates.end());
  // Beyond these nothing could fit; a run that hangs has millions of events.
  candidates.resize(std::min(candidates.size(), 8 * max_rows));

  Screen screen(events);
  for (const auto& [rank, distance, i] : candidates) {
    if (screen.empty() || screen.LinesWith(i) <= max_rows) screen.Add(i);
  }
  return screen.Rows();
}

}  // namespace iommufd_check::cli
