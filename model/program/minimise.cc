#include "model/program/minimise.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "model/mm/types.h"
#include "model/program/text/vocabulary_text.h"
#include "model/sim/check.h"

namespace iommufd_check::program {
namespace {

class Minimiser {
 public:
  Minimiser(Program program, const std::function<bool(const Program&)>& still_fails,
            uint64_t max_attempts)
      : best_(std::move(program)), still_fails_(still_fails), max_attempts_(max_attempts) {}

  void Run();
  Program TakeBest() { return std::move(best_); }
  const MinimiseStats& stats() const { return stats_; }

 private:
  bool Try(Attempt kind, Program candidate);
  void Round();

  void RemoveTasks();
  void RemoveOperations();
  bool RemoveRange(Attempt kind, size_t begin, size_t end);
  template <class Item>
  void RemoveItems(Attempt kind, std::vector<Item> Program::* items);
  void MoveToMain();
  void RenameTasks();
  void RebindVariables();
  void ShrinkArguments();
  void ShrinkBytes(size_t operation, size_t argument);
  void ShrinkSeals(size_t operation, size_t argument);
  void ShrinkIommufdFile(size_t operation, size_t argument);
  void ShrinkName(size_t operation);
  void ShrinkBoot();
  void ShrinkSchedule();

  // Lowers a value to the least for which Try(with(value)) holds, as far as halving steps find it.
  // After a call without success value-1 and `least`, among others, are known to pass.
  template <class With>
  void Lower(Attempt kind, uint64_t value, uint64_t least, With with);

  Program best_;
  const std::function<bool(const Program&)>& still_fails_;
  const uint64_t max_attempts_;
  uint64_t kept_ = 0;
  MinimiseStats stats_;
};

void Minimiser::Run() {
  stats_.reproduced = Try(Attempt::kInitial, best_);
  if (!stats_.reproduced) return;
  for (uint64_t before = kept_ + 1; before != kept_ && !stats_.budget_ended;) {
    before = kept_;
    ++stats_.rounds;
    Round();
  }
}

bool Minimiser::Try(Attempt kind, Program candidate) {
  const bool initial = kind == Attempt::kInitial;
  if (!initial && (stats_.budget_ended || candidate == best_)) return false;
  if (!FirstProblem(candidate).empty()) {
    IOMMUFD_CHECK(!initial, "only a valid program can be minimised");
    return false;
  }
  if (stats_.attempts >= max_attempts_) {
    stats_.budget_ended = true;
    return false;
  }
  MinimiseStats::Counter& counter = stats_.by_kind[static_cast<size_t>(kind)];
  ++stats_.attempts;
  ++counter.tried;
  if (!still_fails_(candidate)) return false;
  ++counter.kept;
  if (initial) return true;
  ++kept_;
  best_ = std::move(candidate);
  return true;
}

// What removes most comes first; what only makes numbers smaller comes last.
void Minimiser::Round() {
  RemoveTasks();
  RemoveOperations();
  RemoveItems(Attempt::kFault, &Program::faults);
  RemoveItems(Attempt::kSwitch, &Program::switches);
  MoveToMain();
  RenameTasks();
  RebindVariables();
  ShrinkArguments();
  ShrinkBoot();
  ShrinkSchedule();
}

bool Minimiser::RemoveRange(Attempt kind, size_t begin, size_t end) {
  IOMMUFD_CHECK(begin < end, "something to remove");
  IOMMUFD_CHECK(end <= best_.operations.size(), "only operations that exist can go");
  std::vector<bool> keep(best_.operations.size(), true);
  std::fill(keep.begin() + static_cast<ptrdiff_t>(begin),
            keep.begin() + static_cast<ptrdiff_t>(end), false);
  return Try(kind, KeepOperations(best_, keep));
}

void Minimiser::RemoveTasks() {
  for (size_t end = best_.operations.size(); end > 0;) {
    const uint8_t task = best_.operations[end - 1].task;
    size_t begin = end;
    while (begin > 0 && best_.operations[begin - 1].task == task) --begin;
    RemoveRange(Attempt::kTask, begin, end);
    end = begin;
  }
}

// From the end, so that users of an object go before what creates it.
void Minimiser::RemoveOperations() {
  for (size_t size = best_.operations.size() / 2; size > 0; size /= 2) {
    const Attempt kind = size > 1 ? Attempt::kChunk : Attempt::kOperation;
    for (size_t end = best_.operations.size(); end > 0;) {
      const size_t begin = end > size ? end - size : 0;
      RemoveRange(kind, begin, end);
      end = begin;
    }
  }
  if (best_.operations.size() == 1) RemoveRange(Attempt::kOperation, 0, 1);
}

template <class Item>
void Minimiser::RemoveItems(Attempt kind, std::vector<Item> Program::* items) {
  for (size_t size = (best_.*items).size(); size > 0; size /= 2) {
    for (size_t end = (best_.*items).size(); end > 0;) {
      const size_t begin = end > size ? end - size : 0;
      Program candidate = best_;
      std::vector<Item>& list = candidate.*items;
      list.erase(list.begin() + static_cast<ptrdiff_t>(begin),
                 list.begin() + static_cast<ptrdiff_t>(end));
      Try(kind, std::move(candidate));
      end = begin;
    }
  }
}

void Minimiser::MoveToMain() {
  // A kept move changes only what stands before the operation, so the next one is still the next.
  for (size_t i = 0; i < best_.operations.size(); ++i) {
    if (PhaseOf(best_.operations[i].task) != 1) continue;
    Program candidate = best_;
    candidate.operations[i].task = kMain;
    SortOperations(&candidate);
    Try(Attempt::kToMain, WithoutLooseSwitches(std::move(candidate)));
  }
}

void Minimiser::RenameTasks() {
  const auto used = [&](uint8_t task) {
    return std::any_of(best_.operations.begin(), best_.operations.end(),
                       [&](const Operation& operation) { return operation.task == task; });
  };
  for (uint8_t gap = kMaxTask; gap >= 1; --gap) {
    if (used(gap)) continue;
    // Keeps the order of tasks, which the schedule depends on.
    const auto shifted = [&](uint8_t task) {
      return static_cast<uint8_t>(PhaseOf(task) == 1 && task > gap ? task - 1 : task);
    };
    Program candidate = best_;
    for (Operation& operation : candidate.operations) operation.task = shifted(operation.task);
    for (sim::Switch& change : candidate.switches) change.to = shifted(change.to);
    Try(Attempt::kRename, std::move(candidate));
  }
}

void Minimiser::RebindVariables() {
  for (size_t i = 0; i < best_.operations.size(); ++i) {
    const size_t count = SpecOf(best_.operations[i].code).arguments.size();
    for (size_t a = 0; a < count; ++a) {
      const std::optional<uint16_t> bound = best_.operations[i].arguments[a].variable;
      if (!bound) continue;
      const ResultKind kind = SpecOf(best_.operations[*bound].code).result;
      for (uint16_t earlier = 0; earlier < *bound; ++earlier) {
        if (SpecOf(best_.operations[earlier].code).result != kind) continue;
        Program candidate = best_;
        candidate.operations[i].arguments[a].variable = earlier;
        if (Try(Attempt::kVariable, std::move(candidate))) break;
      }
    }
  }
}

template <class With>
void Minimiser::Lower(Attempt kind, uint64_t value, uint64_t least, With with) {
  if (value <= least || Try(kind, with(least))) return;
  for (uint64_t step = std::bit_floor(value - least); step > 0; step /= 2) {
    // `least` itself was tried; a step to it or beyond tells nothing new.
    if (value - least <= step) continue;
    if (Try(kind, with(value - step))) value -= step;
  }
}

void Minimiser::ShrinkArguments() {
  for (size_t i = 0; i < best_.operations.size(); ++i) {
    const OperationSpec& spec = SpecOf(best_.operations[i].code);
    for (size_t a = 0; a < spec.arguments.size(); ++a) {
      const Argument& argument = best_.operations[i].arguments[a];
      const ArgumentKind kind = spec.arguments[a].kind;
      if (argument.variable || kind == ArgumentKind::kProt) continue;
      if (kind == ArgumentKind::kFile && IsFileIommufd(argument.value)) {
        ShrinkIommufdFile(i, a);
      } else if (kind == ArgumentKind::kName) {
        ShrinkName(i);
      } else if (kind == ArgumentKind::kSeals) {
        ShrinkSeals(i, a);
      } else if (CountsBytes(spec.arguments[a].kind)) {
        ShrinkBytes(i, a);
      } else {
        Lower(Attempt::kNumber, argument.value, 0, [&](uint64_t value) {
          Program candidate = best_;
          candidate.operations[i].arguments[a].value = value;
          return candidate;
        });
      }
    }
  }
}

// Whole pages are simpler than anything between, so an aligned value stays aligned.
void Minimiser::ShrinkBytes(size_t operation, size_t argument) {
  const auto current = [&] { return best_.operations[operation].arguments[argument].value; };
  const auto with = [&](uint64_t value) {
    Program candidate = best_;
    candidate.operations[operation].arguments[argument] = {.value = value};
    return candidate;
  };
  if (best_.operations[operation].arguments[argument].automatic) {
    // `auto` is a choice, not a large number: only the two simplest fixed addresses replace it.
    if (!Try(Attempt::kNumber, with(0))) Try(Attempt::kNumber, with(mm::kPageSize));
    return;
  }
  const auto rest = [&] { return current() % mm::kPageSize; };
  if (rest() != 0) Try(Attempt::kNumber, with(current() - rest()));
  const uint64_t below_page = rest();
  Lower(Attempt::kNumber, current() / mm::kPageSize, 0,
        [&](uint64_t pages) { return with(pages * mm::kPageSize + below_page); });
  if (below_page == 0) return;
  const uint64_t base = current() - below_page;
  Lower(Attempt::kNumber, below_page, 1, [&](uint64_t bytes) { return with(base + bytes); });
}

void Minimiser::ShrinkSeals(size_t operation, size_t argument) {
  for (uint64_t seal = 1; seal <= kMaxSeals; seal <<= 1) {
    Program candidate = best_;
    candidate.operations[operation].arguments[argument].value &= ~seal;
    Try(Attempt::kNumber, std::move(candidate));
  }
}

void Minimiser::ShrinkIommufdFile(size_t operation, size_t argument) {
  const uint64_t file = best_.operations[operation].arguments[argument].value;
  Lower(Attempt::kNumber, kFileIommufd - file, 0, [&](uint64_t index) {
    Program candidate = best_;
    candidate.operations[operation].arguments[argument].value = FileIommufd(index);
    return candidate;
  });
}

void Minimiser::ShrinkName(size_t operation) {
  const std::string name = best_.operations[operation].name;
  Lower(Attempt::kName, name.size(), 1, [&](uint64_t length) {
    Program candidate = best_;
    candidate.operations[operation].name = name.substr(0, length);
    return candidate;
  });
}

void Minimiser::ShrinkBoot() {
  for (const BootField& field : BootFields()) {
    // One of each stays: a program without memfds is no simpler than one that uses none.
    Lower(Attempt::kBoot, best_.boot.*(field.member), 1, [&](uint64_t value) {
      Program candidate = best_;
      candidate.boot.*(field.member) = static_cast<uint32_t>(value);
      return candidate;
    });
  }
}

void Minimiser::ShrinkSchedule() {
  for (size_t i = 0; i < best_.switches.size(); ++i) {
    Lower(Attempt::kNth, best_.switches[i].nth, 1, [&](uint64_t nth) {
      Program candidate = best_;
      candidate.switches[i].nth = static_cast<uint16_t>(nth);
      return candidate;
    });
  }
  for (size_t i = 0; i < best_.faults.size(); ++i) {
    Lower(Attempt::kNth, best_.faults[i].nth, 1, [&](uint64_t nth) {
      Program candidate = best_;
      candidate.faults[i].nth = static_cast<uint16_t>(nth);
      return candidate;
    });
  }
}

}  // namespace

std::string_view Name(Attempt attempt) {
  constexpr std::string_view kNames[] = {"initial", "task",    "chunk",  "operation", "fault",
                                         "switch",  "to-main", "rename", "variable",  "number",
                                         "name",    "boot",    "nth"};
  static_assert(std::size(kNames) == static_cast<size_t>(Attempt::kCount));
  IOMMUFD_CHECK(attempt < Attempt::kCount, "an attempt of a known kind");
  return kNames[static_cast<size_t>(attempt)];
}

Program Minimise(Program program, const std::function<bool(const Program&)>& still_fails,
                 MinimiseStats* stats, uint64_t max_attempts) {
  Minimiser minimiser(std::move(program), still_fails, max_attempts);
  minimiser.Run();
  IOMMUFD_CHECK(minimiser.stats().attempts <= max_attempts, "the budget is a bound");
  if (stats != nullptr) *stats = minimiser.stats();
  return minimiser.TakeBest();
}

}  // namespace iommufd_check::program
