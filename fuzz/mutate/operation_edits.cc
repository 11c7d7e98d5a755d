#include "fuzz/mutate/operation_edits.h"

#include <algorithm>
#include <array>
#include <utility>

#include "fuzz/mutate/draw_arguments.h"
#include "model/iommu/table_format.h"
#include "model/program/bytes/byte_layout.h"
#include "model/sim/check.h"

namespace iommufd_check::cli {

using program::Argument;
using program::ArgumentKind;
using program::ArgumentSpec;
using program::OpCode;
using program::Operation;
using program::Program;

namespace {

// What creates an object is itself given what it needs, up to so many levels of it.
constexpr int kMostCreators = 3;

struct Range {
  size_t begin = 0;
  size_t end = 0;
};

// Where the operations of `task` stand; an empty range is where they would.
Range RangeOf(const Program& program, uint8_t task) {
  const auto& operations = program.operations;
  const auto before = [](const Operation& op, uint8_t t) { return op.task < t; };
  const auto behind = [](uint8_t t, const Operation& op) { return t < op.task; };
  const auto begin = std::lower_bound(operations.begin(), operations.end(), task, before);
  const auto end = std::upper_bound(begin, operations.end(), task, behind);
  return {static_cast<size_t>(begin - operations.begin()),
          static_cast<size_t>(end - operations.begin())};
}

// Puts operation `from` where `to` is; the others keep their order, and what names one goes along.
void Move(Program* program, size_t from, size_t to) {
  std::vector<Operation>& operations = program->operations;
  IOMMUFD_CHECK(from < operations.size() && to < operations.size(), "operations of the program");
  const auto at = [&](size_t i) { return operations.begin() + static_cast<ptrdiff_t>(i); };
  if (from < to) std::rotate(at(from), at(from + 1), at(to + 1));
  if (to < from) std::rotate(at(to), at(from), at(from + 1));
  const auto moved = [&](uint16_t index) -> uint16_t {
    if (index == from) return static_cast<uint16_t>(to);
    if (from < index && index <= to) return static_cast<uint16_t>(index - 1);
    return to <= index && index < from ? static_cast<uint16_t>(index + 1) : index;
  };
  for (Operation& operation : operations) {
    for (Argument& argument : operation.arguments) {
      if (argument.variable) argument.variable = moved(*argument.variable);
    }
  }
  for (sim::PlannedFault& fault : program->faults) fault.operation = moved(fault.operation);
  for (sim::Switch& change : program->switches) change.operation = moved(change.operation);
}

// Most operations set something up or meet in the first tasks.
uint8_t DrawTask(const Limits& limits, Draw& draw) {
  if (draw.OneIn(16)) return program::kFinally;
  if (limits.tasks == 0 || draw.OneIn(2)) return program::kMain;
  return static_cast<uint8_t>(1 + std::min(draw.Below(limits.tasks), draw.Below(limits.tasks)));
}

// By the weights of the rows, or each as likely: the weights are for who has to create what he
// uses.
OpCode DrawOperation(Draw& draw) {
  const std::span<const OpCode> all = uapi::AllOperations();
  if (draw.OneIn(2)) return draw.Of(all);
  int total = 0;
  for (const OpCode code : all) total += program::SpecOf(code).weight;
  auto left = static_cast<int>(draw.Below(static_cast<size_t>(total)));
  for (const OpCode code : all) {
    left -= program::SpecOf(code).weight;
    if (left < 0) return code;
  }
  IOMMUFD_CHECK(false, "the weights add up");
  return all.front();
}

// The operations that can create what an argument of that kind names.
std::vector<OpCode> CreatorsOf(ArgumentKind kind) {
  std::vector<OpCode> creators;
  for (const OpCode code : uapi::AllOperations()) {
    if (program::Accepts(kind, program::SpecOf(code).result)) creators.push_back(code);
  }
  return creators;
}

void Insert(Program* program, OpCode code, uint8_t task, int creators, Draw& draw) {
  if (!program::IsPossible(code, program->boot)) return;
  for (const ArgumentSpec& wanted : program::SpecOf(code).arguments) {
    if (!program::IsObject(wanted.kind) || creators == 0 || draw.OneIn(16)) continue;
    const size_t end = RangeOf(*program, task).end;
    if (!Definers(*program, end, task, wanted.kind, false).empty()) continue;
    Insert(program, draw.Of(CreatorsOf(wanted.kind)), program::kMain, creators - 1, draw);
  }
  const Range range = RangeOf(*program, task);
  // More often at the end than elsewhere, since there everything exists.
  const size_t at =
      draw.OneIn(2) ? range.end : range.begin + draw.Below(range.end - range.begin + 1);
  program->operations.push_back({.code = code, .task = task});
  Move(program, program->operations.size() - 1, at);
  DrawArguments(program, at, draw);
}

// Rewires what names an object that does not exist any more where it is named.
void MendVariables(Program* program, Draw& draw) {
  for (size_t i = 0; i < program->operations.size(); ++i) {
    Operation& operation = program->operations[i];
    const std::span<const ArgumentSpec> specs = program::SpecOf(operation.code).arguments;
    for (size_t k = 0; k < specs.size(); ++k) {
      Argument& argument = operation.arguments[k];
      if (!argument.variable) continue;
      const auto known = Definers(*program, i, operation.task, specs[k].kind, true);
      if (std::find(known.begin(), known.end(), *argument.variable) != known.end()) continue;
      argument = DrawObject(*program, i, operation.task, specs[k].kind, draw);
    }
  }
  *program = program::WithoutLooseSwitches(std::move(*program));
}

// A machine on which programs of both run.
program::Boot Larger(const program::Boot& a, const program::Boot& b) {
  return {.memfds = std::max(a.memfds, b.memfds),
          .memfd_pages = std::max(a.memfd_pages, b.memfd_pages),
          .buffers = std::max(a.buffers, b.buffers),
          .buffer_pages = std::max(a.buffer_pages, b.buffer_pages),
          .devices = std::max(a.devices, b.devices),
          .iommufds = std::max(a.iommufds, b.iommufds)};
}

struct ArgumentAt {
  size_t operation;
  size_t argument;
};

// The arguments whose kind `wanted` holds of.
template <class Wanted>
std::vector<ArgumentAt> ArgumentsThat(const Program& program, Wanted wanted) {
  std::vector<ArgumentAt> found;
  for (size_t i = 0; i < program.operations.size(); ++i) {
    const auto specs = program::SpecOf(program.operations[i].code).arguments;
    for (size_t k = 0; k < specs.size(); ++k) {
      if (wanted(specs[k].kind)) found.push_back({i, k});
    }
  }
  return found;
}

}  // namespace

std::vector<uint16_t> Definers(const Program& program, size_t index, uint8_t task,
                               ArgumentKind kind, bool of_other_tasks) {
  std::vector<uint16_t> definers;
  for (size_t i = 0; i < program.operations.size(); ++i) {
    const Operation& definer = program.operations[i];
    if (!program::Accepts(kind, program::SpecOf(definer.code).result)) continue;
    const int phase = program::PhaseOf(definer.task);
    const bool before = definer.task == task
                            ? i < index
                            : phase < program::PhaseOf(task) ||
                                  (of_other_tasks && phase == 1 && program::PhaseOf(task) == 1);
    if (before) definers.push_back(static_cast<uint16_t>(i));
  }
  return definers;
}

bool InsertInto(Program* program, uint8_t task, Draw& draw) {
  const size_t before = program->operations.size();
  Insert(program, DrawOperation(draw), task, kMostCreators, draw);
  return program->operations.size() > before;
}

bool InsertOperation(Program* program, const Limits& limits, Draw& draw) {
  return InsertInto(program, DrawTask(limits, draw), draw);
}

bool DeleteOperation(Program* program, const Limits&, Draw& draw) {
  if (program->operations.empty()) return false;
  *program = program::WithoutOperation(*program, draw.Below(program->operations.size()));
  return true;
}

bool DuplicateOperation(Program* program, const Limits& limits, Draw& draw) {
  if (program->operations.empty()) return false;
  Operation copy = draw.Of(program->operations);
  copy.task = DrawTask(limits, draw);
  const Range range = RangeOf(*program, copy.task);
  program->operations.push_back(std::move(copy));
  Move(program, program->operations.size() - 1,
       range.begin + draw.Below(range.end - range.begin + 1));
  MendVariables(program, draw);
  return true;
}

bool ReorderOperation(Program* program, const Limits&, Draw& draw) {
  if (program->operations.empty()) return false;
  const size_t from = draw.Below(program->operations.size());
  const Range range = RangeOf(*program, program->operations[from].task);
  if (range.end - range.begin < 2) return false;
  const size_t to = range.begin + draw.Below(range.end - range.begin);
  if (to == from) return false;
  Move(program, from, to);
  MendVariables(program, draw);
  return true;
}

bool MoveToTask(Program* program, const Limits& limits, Draw& draw) {
  if (program->operations.empty()) return false;
  Operation& operation = draw.Of(program->operations);
  const uint8_t task = DrawTask(limits, draw);
  if (task == operation.task) return false;
  operation.task = task;
  program::SortOperations(program);
  MendVariables(program, draw);
  return true;
}

bool RewireObject(Program* program, const Limits&, Draw& draw) {
  const auto objects = ArgumentsThat(*program, program::IsObject);
  if (objects.empty()) return false;
  const ArgumentAt at = draw.Of(objects);
  Operation& operation = program->operations[at.operation];
  const ArgumentKind kind = program::SpecOf(operation.code).arguments[at.argument].kind;
  const Argument drawn = DrawObject(*program, at.operation, operation.task, kind, draw);
  if (drawn == operation.arguments[at.argument]) return false;
  operation.arguments[at.argument] = drawn;
  return true;
}

bool NudgeNumber(Program* program, const Limits&, Draw& draw) {
  const auto numbers = ArgumentsThat(*program, program::IsNumber);
  if (numbers.empty()) return false;
  constexpr uint64_t kSuperpage = iommu::EntrySpan(1);
  // The end of the address space of 64 bits is 0 once more.
  constexpr std::array<uint64_t, 5> kBoundaries = {0, mm::kPageSize, kSuperpage,
                                                   iommu::kApertureLast + 1, uint64_t{1} << 32};
  constexpr std::array<uint64_t, 7> kSteps = {0,
                                              1,
                                              uint64_t{0} - 1,
                                              mm::kPageSize,
                                              uint64_t{0} - mm::kPageSize,
                                              kSuperpage,
                                              uint64_t{0} - kSuperpage};
  const ArgumentAt at = draw.Of(numbers);
  Argument& argument = program->operations[at.operation].arguments[at.argument];
  const uint64_t from = draw.OneIn(2) ? draw.Of(kBoundaries) : argument.value;
  const Argument nudged{.value = from + draw.Of(kSteps)};
  if (nudged == argument) return false;
  argument = nudged;
  return true;
}

bool RedrawArguments(Program* program, const Limits&, Draw& draw) {
  if (program->operations.empty()) return false;
  const size_t index = draw.Below(program->operations.size());
  const Operation before = program->operations[index];
  DrawArguments(program, index, draw);
  return program->operations[index] != before;
}

bool ChangeBoot(Program* program, const Limits&, Draw& draw) {
  program::HeaderBytes header = program::EncodeBoot(program->boot);
  // Byte 0 is the version; what follows are the fields of the boot line, then nothing yet.
  header[1 + draw.Below(8)] = draw.Byte();
  program::Boot boot = program::DecodeBoot(header);
  if (boot == program->boot) return false;
  program->boot = boot;
  return true;
}

bool Splice(Program* program, const Program& other, const Limits& limits, Draw& draw) {
  if (other.operations.empty()) return false;
  const Operation& first = draw.Of(other.operations);
  Range range = RangeOf(other, first.task);
  if (draw.OneIn(2)) {
    range.begin = draw.Below(other.operations.size());
    range.end = range.begin + 1 + draw.Below(other.operations.size() - range.begin);
  }
  const bool one_task = other.operations[range.begin].task == other.operations[range.end - 1].task;
  const uint8_t task = one_task && draw.OneIn(2) ? DrawTask(limits, draw) : first.task;
  const size_t base = program->operations.size();
  const auto moved = [&](size_t index) {
    return static_cast<uint16_t>(base + index - range.begin);
  };
  const auto taken = [&](size_t index) { return range.begin <= index && index < range.end; };
  for (size_t i = range.begin; i < range.end; ++i) {
    Operation copy = other.operations[i];
    if (one_task) copy.task = task;
    for (Argument& argument : copy.arguments) {
      if (!argument.variable) continue;
      // An operation names nothing at or behind itself, so what mends it finds it wrong.
      argument.variable = taken(*argument.variable) ? moved(*argument.variable) : moved(i);
    }
    program->operations.push_back(std::move(copy));
  }
  for (sim::PlannedFault fault : other.faults) {
    if (!taken(fault.operation)) continue;
    fault.operation = moved(fault.operation);
    program->faults.push_back(fault);
  }
  for (sim::Switch change : other.switches) {
    if (!taken(change.operation)) continue;
    change.operation = moved(change.operation);
    program->switches.push_back(change);
  }
  program->boot = Larger(program->boot, other.boot);
  program::SortOperations(program);
  MendVariables(program, draw);
  return true;
}

}  // namespace iommufd_check::cli
