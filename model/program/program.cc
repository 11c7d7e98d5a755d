#include "model/program/program.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "model/program/designs.h"
#include "model/program/widths.h"
#include "model/sim/check.h"
#include "model/sim/errno.h"

namespace iommufd_check::program {
namespace {

using sim::Primitive;

constexpr uint16_t kGone = UINT16_MAX;
static_assert(kMaxOperations < kGone);

// Rewrites every index of an operation: new_index[old], or kGone for one that was removed.
void Renumber(Program* program, const std::vector<uint16_t>& new_index) {
  for (Operation& operation : program->operations) {
    for (Argument& argument : operation.arguments) {
      if (!argument.variable) continue;
      IOMMUFD_CHECK(*argument.variable < new_index.size(), "a variable names an operation");
      const uint16_t moved = new_index[*argument.variable];
      if (moved == kGone) {
        argument = Argument{};
      } else {
        argument.variable = moved;
      }
    }
  }
  std::erase_if(program->faults, [&](const sim::PlannedFault& fault) {
    IOMMUFD_CHECK(fault.operation < new_index.size(), "a fault names an operation");
    return new_index[fault.operation] == kGone;
  });
  for (sim::PlannedFault& fault : program->faults) fault.operation = new_index[fault.operation];
  std::erase_if(program->switches, [&](const sim::Switch& change) {
    IOMMUFD_CHECK(change.operation < new_index.size(), "a switch is anchored in an operation");
    return new_index[change.operation] == kGone;
  });
  for (sim::Switch& change : program->switches) change.operation = new_index[change.operation];
}

bool IsLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

}  // namespace

int PhaseOf(uint8_t task) { return task == kMain ? 0 : task == kFinally ? 2 : 1; }

bool IsAnchor(sim::Side side, const sim::Act& act) {
  const bool any = act.detail == sim::kAnyDetail;
  const bool lock = any || act.detail < sim::Count<sim::LockClass>();
  const bool queue = any || act.detail == sim::kNoLockClass;
  if (act.primitive == Primitive::kRead && !any) {
    return act.detail > 0 && act.detail < sim::Count<sim::Field>() &&
           act.kind > sim::ObjectKind::kNone && act.kind < sim::ObjectKind::kCount;
  }
  if (act.kind != sim::ObjectKind::kNone) return false;
  switch (act.primitive) {
    case Primitive::kOpBegin:
      return act.detail == 0;
    case Primitive::kOpEnd:
      return act.detail == 0 && side == sim::Side::kAfter;
    case Primitive::kLock:
    case Primitive::kUnlock:
      return lock;
    case Primitive::kWait:  // who wants a lock is about to take it, until it has to wait
      return queue || (lock && side == sim::Side::kAfter);
    case Primitive::kRead:
      return true;
    case Primitive::kCall:
      return any || act.detail < sim::Count<sim::FaultSite>();
    default:
      return false;
  }
}

uint32_t IommufdOf(const Program& program, size_t index) {
  for (;;) {
    IOMMUFD_CHECK(index < program.operations.size(), "an operation of the program");
    const Operation& operation = program.operations[index];
    const std::span<const ArgumentSpec> specs = SpecOf(operation.code).arguments;
    std::optional<uint16_t> definer;
    for (size_t i = 0; i < specs.size(); ++i) {
      const Argument& argument = operation.arguments[i];
      if (specs[i].kind == ArgumentKind::kIommufd && argument.value != kIommufdOfObject) {
        return static_cast<uint32_t>(argument.value - WrittenIommufd(0));
      }
      if (!definer && argument.variable) definer = argument.variable;
    }
    if (!definer) return 0;
    index = *definer;
  }
}

bool IsPrintable(char c) { return c >= 0x20 && c <= 0x7e; }

bool IsName(std::string_view text) {
  return text.size() <= kMaxNameBytes && std::all_of(text.begin(), text.end(), IsPrintable);
}

bool IsWord(std::string_view text) {
  const auto in_word = [](char c) {
    return IsLetter(c) || (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '-';
  };
  return !text.empty() && text.size() <= kMaxWordBytes && IsLetter(text[0]) &&
         std::all_of(text.begin(), text.end(), in_word);
}

uint32_t TasksInUse(const Program& program) {
  uint32_t used = 0;
  for (const Operation& operation : program.operations) {
    if (PhaseOf(operation.task) == 1) used |= 1u << operation.task;
  }
  return used;
}

int TaskCount(const Program& program) {
  int count = 0;
  for (const Operation& operation : program.operations) {
    if (PhaseOf(operation.task) == 1) count = std::max<int>(count, operation.task);
  }
  return count;
}

std::string TaskName(uint8_t task) {
  if (task == kMain) return "main";
  if (task == kFinally) return "finally";
  IOMMUFD_CHECK(task <= kMaxTask, "tasks are main, A to G and finally");
  return std::string(1, static_cast<char>('A' + task - 1));
}

std::optional<uint8_t> TaskFromName(std::string_view name) {
  if (name == "main") return kMain;
  if (name == "finally") return kFinally;
  if (name.size() != 1 || name[0] < 'A' || name[0] >= 'A' + kMaxTask) return std::nullopt;
  return static_cast<uint8_t>(name[0] - 'A' + 1);
}

std::string OperationLabel(const Program& program, size_t index) {
  IOMMUFD_CHECK(index < program.operations.size(), "the label of an operation that exists");
  const uint8_t task = program.operations[index].task;
  const auto first = std::find_if(program.operations.begin(), program.operations.end(),
                                  [&](const Operation& other) { return other.task == task; });
  const size_t before = static_cast<size_t>(first - program.operations.begin());
  return absl::StrCat(TaskName(task), ".", index - before + 1);
}

void SortOperations(Program* program) {
  const auto by_task = [](const Operation& a, const Operation& b) { return a.task < b.task; };
  std::vector<Operation>& operations = program->operations;
  IOMMUFD_CHECK(operations.size() <= kMaxOperations, "operations have 16-bit indexes");
  if (std::is_sorted(operations.begin(), operations.end(), by_task)) return;
  std::vector<uint16_t> order(operations.size());
  std::iota(order.begin(), order.end(), uint16_t{0});
  std::sort(order.begin(), order.end(), [&](uint16_t a, uint16_t b) {
    return std::pair(operations[a].task, a) < std::pair(operations[b].task, b);
  });
  std::vector<Operation> sorted;
  sorted.reserve(operations.size());
  std::vector<uint16_t> new_index(operations.size());
  for (size_t i = 0; i < order.size(); ++i) {
    sorted.push_back(std::move(operations[order[i]]));
    new_index[order[i]] = static_cast<uint16_t>(i);
  }
  operations = std::move(sorted);
  Renumber(program, new_index);
}

std::vector<uint16_t> DefinitionOrder(const Program& program) {
  const std::vector<Operation>& operations = program.operations;
  // The operations of each task are adjacent, so a task is a range with a cursor.
  struct Range {
    size_t next;
    size_t end;
  };
  std::vector<Range> tasks;
  for (size_t i = 0; i < operations.size(); ++i) {
    if (i == 0 || operations[i].task != operations[i - 1].task) tasks.push_back({i, i});
    tasks.back().end = i + 1;
  }
  std::vector<bool> placed(operations.size(), false);
  const auto ready = [&](const Operation& operation) {
    return std::all_of(operation.arguments.begin(), operation.arguments.end(),
                       [&](const Argument& a) { return !a.variable || placed[*a.variable]; });
  };
  std::vector<uint16_t> order;
  order.reserve(operations.size());
  for (size_t before = SIZE_MAX; before != order.size();) {
    before = order.size();
    for (Range& task : tasks) {
      // Finally comes after all tasks, also where one of them waits for a later task's variable.
      const bool early = task.next < task.end && order.size() < task.next;
      if (early && operations[task.next].task == kFinally) continue;
      for (; task.next < task.end && ready(operations[task.next]); ++task.next) {
        placed[task.next] = true;
        order.push_back(static_cast<uint16_t>(task.next));
      }
    }
  }
  return order;
}

Program WithoutLooseSwitches(Program program) {
  const uint32_t used = TasksInUse(program);
  std::erase_if(program.switches, [&](const sim::Switch& change) {
    const uint8_t from = program.operations[change.operation].task;
    return PhaseOf(from) != 1 || from == change.to || !((used >> change.to) & 1u);
  });
  return program;
}

Program KeepOperations(const Program& program, const std::vector<bool>& keep) {
  IOMMUFD_CHECK(keep.size() == program.operations.size(), "one decision for each operation");
  Program smaller = program;
  smaller.operations.clear();
  std::vector<uint16_t> new_index(keep.size(), kGone);
  for (size_t i = 0; i < keep.size(); ++i) {
    if (!keep[i]) continue;
    new_index[i] = static_cast<uint16_t>(smaller.operations.size());
    smaller.operations.push_back(program.operations[i]);
  }
  Renumber(&smaller, new_index);
  return WithoutLooseSwitches(std::move(smaller));
}

Program WithoutOperation(const Program& program, size_t index) {
  IOMMUFD_CHECK(index < program.operations.size(), "only an operation that exists can go");
  std::vector<bool> keep(program.operations.size(), true);
  keep[index] = false;
  return KeepOperations(program, keep);
}

}  // namespace iommufd_check::program
