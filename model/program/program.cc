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

absl::string_view View(std::string_view text) { return {text.data(), text.size()}; }

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

// Bit t is set when concurrent task t has an operation.
uint32_t TasksInUse(const Program& program) {
  uint32_t used = 0;
  for (const Operation& operation : program.operations) {
    if (PhaseOf(operation.task) == 1) used |= 1u << operation.task;
  }
  return used;
}

bool IsPrintable(char c) { return c >= 0x20 && c <= 0x7e; }

bool IsLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

std::string BootProblem(const Boot& boot) {
  if (boot.memfds > Boot::kMaxMemfds) return "too many memfds";
  if (boot.buffers > Boot::kMaxBuffers) return "too many buffers";
  if (boot.devices > Boot::kMaxDevices) return "too many devices";
  if (boot.iommufds > Boot::kMaxIommufds) return "too many iommufds";
  if (boot.memfd_pages > Boot::kMaxPages) return "memfds are too large";
  if (boot.buffer_pages > Boot::kMaxPages) return "buffers are too large";
  return "";
}

std::string VariableProblem(const Program& program, size_t user, const ArgumentSpec& spec,
                            const Argument& argument) {
  const size_t definer = *argument.variable;
  if (!IsObject(spec.kind)) return "is a variable where a value is due";
  if (argument.value != 0 || argument.automatic) return "has both a variable and a value";
  if (definer >= program.operations.size()) return "names no operation";
  const Operation& from = program.operations[definer];
  const Operation& to = program.operations[user];
  if (!Accepts(spec.kind, SpecOf(from.code).result)) return "is a variable of the wrong kind";
  if (from.task == to.task && definer >= user) return "is defined later in its own task";
  if (PhaseOf(from.task) > PhaseOf(to.task)) return "is defined by a task that runs later";
  return "";
}

std::string ValueProblem(const Boot& boot, const ArgumentSpec& spec, uint64_t value) {
  switch (spec.kind) {
#include "model/uapi/object_cases.def"
    case ArgumentKind::kSession:
    case ArgumentKind::kObject:
      return value > kMaxObjectId ? "is an id of more than 32 bits" : "";
    case ArgumentKind::kMemfd:
      return value >= boot.memfds ? "names no memfd" : "";
    case ArgumentKind::kBuffer:
      return value >= boot.buffers ? "names no buffer" : "";
    case ArgumentKind::kIndex:
      return value >= boot.devices ? "names no device" : "";
    case ArgumentKind::kFile:
      if (IsFileIommufd(value)) {
        const bool known = value == kFileIommufd || kFileIommufd - value < boot.iommufds;
        return known ? "" : "names no iommufd";
      }
      return value >= boot.memfds ? "names no memfd" : "";
    case ArgumentKind::kIommufd:
      return value > boot.iommufds ? "names no iommufd" : "";
    case ArgumentKind::kProt:
      return value > kMaxProt ? "is not a protection" : "";
    case ArgumentKind::kSeals:
      return value > kMaxSeals ? "has unknown seals" : "";
    case ArgumentKind::kName:
      return value != 0 ? "is a name with a value" : "";
    case ArgumentKind::kOffset:
    case ArgumentKind::kLength:
    case ArgumentKind::kSize:
    case ArgumentKind::kIova:
    case ArgumentKind::kAddress:
    case ArgumentKind::kToken:
    case ArgumentKind::kMarkToken:
      return "";
  }
  return "is of no kind";
}

std::string ArgumentProblem(const Program& program, size_t user, const ArgumentSpec& spec,
                            const Argument& argument) {
  if (argument.variable) return VariableProblem(program, user, spec, argument);
  if (!argument.automatic) return ValueProblem(program.boot, spec, argument.value);
  if (!TakesAuto(spec.kind)) return "is auto where a value is due";
  return argument.value != 0 ? "is both auto and a value" : "";
}

std::string OperationProblem(const Program& program, size_t index) {
  const Operation& operation = program.operations[index];
  if (operation.code >= OpCode::kCount) return "has a code outside the alphabet";
  if (operation.task > kMaxTask && operation.task != kFinally) return "belongs to no task";
  const OperationSpec& spec = SpecOf(operation.code);
  IOMMUFD_CHECK(spec.arguments.size() <= kMaxArguments, "the alphabet has too many arguments");
  bool named = false;
  for (size_t i = 0; i < kMaxArguments; ++i) {
    const Argument& argument = operation.arguments[i];
    if (i >= spec.arguments.size()) {
      if (argument != Argument{}) return "has too many arguments";
      continue;
    }
    const ArgumentSpec& wanted = spec.arguments[i];
    named = named || wanted.kind == ArgumentKind::kName;
    const std::string problem = ArgumentProblem(program, index, wanted, argument);
    if (!problem.empty()) return absl::StrCat("argument '", View(wanted.name), "' ", problem);
  }
  if (!named && !operation.name.empty()) return "has a name that it does not take";
  if (!IsName(operation.name)) return "has a name that is too long or not printable";
  if (operation.expected_errno) {
    const int expected = *operation.expected_errno;
    if (expected < 0 || sim::ErrnoName(expected) == "E?") return "expects an unknown errno";
  }
  return "";
}

std::string SwitchProblem(const Program& program, const sim::Switch& change) {
  if (change.operation >= program.operations.size()) return "a switch names no operation";
  const uint8_t from = program.operations[change.operation].task;
  if (PhaseOf(from) != 1) return "a switch leaves an operation that runs alone";
  if (!IsAnchor(change.side, change.act)) return "a switch is anchored to nothing that happens";
  if (change.nth == 0) return "a switch counts from 1";
  const auto once = change.act.primitive;
  if ((once == Primitive::kOpBegin || once == Primitive::kOpEnd) && change.nth != 1) {
    return "an operation begins and ends once";
  }
  if (change.to == from) return "a switch leads to its own task";
  if (change.to > kMaxTask || !((TasksInUse(program) >> change.to) & 1u)) {
    return "a switch leads to a task without operations";
  }
  return "";
}

std::string PlanProblem(const Program& program) {
  if (program.faults.size() > kMaxFaults) return "too many faults";
  for (const sim::PlannedFault& fault : program.faults) {
    if (fault.operation >= program.operations.size()) return "a fault names no operation";
    if (fault.site >= sim::FaultSite::kCount) return "a fault names no site";
    if (fault.nth == 0) return "a fault counts from 1";
  }
  if (program.switches.size() > kMaxSwitches) return "too many switches";
  for (const sim::Switch& change : program.switches) {
    if (std::string problem = SwitchProblem(program, change); !problem.empty()) return problem;
  }
  return "";
}

std::string TextProblem(const Program& program) {
  if (!program.design.empty() && !IsWord(program.design)) return "the design is not a word";
  if (program.expected.size() > kMaxExpected) return "too many expected violations";
  for (const ExpectedViolation& expected : program.expected) {
    if (!IsWord(expected.invariant)) return "an expected violation is not a word";
    if (expected.operation && *expected.operation >= OpCode::kCount) {
      return "an expected violation names no operation";
    }
  }
  if (program.also.size() > kMaxAlso) return "too many companions";
  for (const std::string& also : program.also) {
    if (!IsWord(also)) return "a companion is not a word";
  }
  if (program.title.size() > kMaxTitleBytes) return "the title is too long";
  const auto in_title = [](char c) { return IsPrintable(c) || c == '\n'; };
  if (!std::all_of(program.title.begin(), program.title.end(), in_title)) {
    return "the title is not printable";
  }
  return "";
}

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

std::string FirstProblem(const Program& program) {
  if (std::string problem = BootProblem(program.boot); !problem.empty()) return problem;
  const std::vector<Operation>& operations = program.operations;
  if (operations.size() > kMaxOperations) return "too many operations";
  bool forward = false;  // some variable is defined at a higher index, so there may be a cycle
  for (size_t i = 0; i < operations.size(); ++i) {
    if (i > 0 && operations[i].task < operations[i - 1].task) return "operations are not sorted";
    if (std::string problem = OperationProblem(program, i); !problem.empty()) {
      return absl::StrCat("operation ", i, " ", problem);
    }
    for (const Argument& argument : operations[i].arguments) {
      forward = forward || (argument.variable && *argument.variable > i);
    }
  }
  if (forward && DefinitionOrder(program).size() < operations.size()) {
    return "variables of concurrent tasks form a cycle";
  }
  if (const liveupdate::Design* design = DesignNamed(program.design)) {
    if (std::string problem = WidthProblem(program, *design); !problem.empty()) return problem;
  }
  if (std::string problem = PlanProblem(program); !problem.empty()) return problem;
  return TextProblem(program);
}

}  // namespace iommufd_check::program
