// What makes a program invalid, in words.
#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "model/program/designs.h"
#include "model/program/program.h"
#include "model/program/widths.h"
#include "model/sim/errno.h"

namespace iommufd_check::program {
namespace {

using sim::Primitive;

absl::string_view View(std::string_view text) { return {text.data(), text.size()}; }

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
  switch (FormOf(spec.kind)) {
    case Form::kObject:
      return value > kMaxObjectId ? "is an id of more than 32 bits" : "";
    case Form::kMemfd:
      return value >= boot.memfds ? "names no memfd" : "";
    case Form::kBuffer:
      return value >= boot.buffers ? "names no buffer" : "";
    case Form::kIndex:
      return value >= boot.devices ? "names no device" : "";
    case Form::kFile:
      if (IsFileIommufd(value)) {
        const bool known = value == kFileIommufd || kFileIommufd - value < boot.iommufds;
        return known ? "" : "names no iommufd";
      }
      return value >= boot.memfds ? "names no memfd" : "";
    case Form::kIommufd:
      return value > boot.iommufds ? "names no iommufd" : "";
    case Form::kProt:
      return value > kMaxProt ? "is not a protection" : "";
    case Form::kSeals:
      return value > kMaxSeals ? "has unknown seals" : "";
    case Form::kName:
      return value != 0 ? "is a name with a value" : "";
    case Form::kNumber:
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
