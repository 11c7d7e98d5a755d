// PrintProgram of text_codec.h: the canonical text.
#include <array>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "model/program/text/switch_text.h"
#include "model/program/text/text_codec.h"
#include "model/program/text/vocabulary_text.h"
#include "model/sim/check.h"
#include "model/sim/errno.h"

namespace iommufd_check::program {
namespace {

std::string QuotedName(std::string_view name) {
  std::string text = "\"";
  for (const char c : name) {
    if (c == '"' || c == '\\') text += '\\';
    text += c;
  }
  return text + '"';
}

std::string FileText(uint64_t file) {
  if (file == kFileIommufd) return "iommufd";
  if (IsFileIommufd(file)) return absl::StrCat("iommufd=", kFileIommufd - file);
  return absl::StrCat("memfd=", file);
}

class Printer {
 public:
  explicit Printer(const Program& program) : program_(program) {}

  std::string Print();
  std::string PrintCall(size_t index);

 private:
  void PrintHead();
  void PrintOperations();
  void AppendCall(size_t index);
  void PrintPlan();
  void NameVariables(const std::vector<uint16_t>& order);
  std::string ValueText(const Operation& operation, size_t index) const;

  const Program& program_;
  std::vector<std::string> variables_;  // by operation; empty where nothing is created
  std::string text_;
};

std::string Printer::Print() {
  PrintHead();
  PrintOperations();
  PrintPlan();
  return std::move(text_);
}

void Printer::PrintHead() {
  if (!program_.title.empty()) {
    text_ += '#';
    if (program_.title[0] != '\n') text_ += ' ';
    for (size_t i = 0; i < program_.title.size(); ++i) {
      const char c = program_.title[i];
      text_ += c;
      if (c != '\n') continue;
      const bool empty_line = i + 1 == program_.title.size() || program_.title[i + 1] == '\n';
      text_ += empty_line ? "#" : "# ";
    }
    text_ += '\n';
  }
  absl::StrAppend(&text_, "format ", kTextFormat, "\n");
  if (!program_.design.empty()) absl::StrAppend(&text_, "design ", program_.design, "\n");
  text_ += "boot";
  for (const BootField& field : BootFields()) {
    const uint32_t value = program_.boot.*(field.member);
    const bool always = field.member == &Boot::memfds || field.member == &Boot::devices;
    if (!always && value == Boot{}.*(field.member)) continue;
    absl::StrAppend(&text_, " ", std::string(field.name), "=", value);
  }
  text_ += '\n';
}

void Printer::NameVariables(const std::vector<uint16_t>& order) {
  std::array<int, static_cast<size_t>(ResultKind::kCount)> ordinals{};
  variables_.resize(program_.operations.size());
  for (const uint16_t index : order) {
    const ResultKind result = SpecOf(program_.operations[index].code).result;
    if (result == ResultKind::kNone) continue;
    const int ordinal = ++ordinals[static_cast<size_t>(result)];
    variables_[index] = std::string(VariableStem(result));
    if (ordinal > 1) absl::StrAppend(&variables_[index], ordinal);
  }
}

void Printer::PrintOperations() {
  const std::vector<uint16_t> order = DefinitionOrder(program_);
  IOMMUFD_CHECK(order.size() == program_.operations.size(), "only a valid program has a text");
  NameVariables(order);
  std::optional<uint8_t> task;
  for (const uint16_t index : order) {
    const Operation& operation = program_.operations[index];
    if (!task) text_ += '\n';
    if (task != operation.task) absl::StrAppend(&text_, TaskName(operation.task), ":\n");
    task = operation.task;
    text_ += "  ";
    AppendCall(index);
    const std::optional<int>& expected = operation.expected_errno;
    if (expected) absl::StrAppend(&text_, "  -> ", std::string(sim::ErrnoName(*expected)));
    text_ += '\n';
  }
}

std::string Printer::ValueText(const Operation& operation, size_t index) const {
  const ArgumentSpec& spec = SpecOf(operation.code).arguments[index];
  const Argument& argument = operation.arguments[index];
  if (argument.variable) return variables_[*argument.variable];
  if (argument.automatic) return "auto";
  if (CountsBytes(spec.kind)) return absl::StrFormat("%#x", argument.value);
  switch (spec.kind) {
    case ArgumentKind::kProt:
      return std::string(ProtName(argument.value));
    case ArgumentKind::kSeals:
      return SealsText(argument.value);
    case ArgumentKind::kName:
      return QuotedName(operation.name);
    case ArgumentKind::kIommufd:
      return absl::StrCat(argument.value - WrittenIommufd(0));
    default:
      break;
  }
  return absl::StrCat(argument.value);
}

// Objects and the memfd that an operation is about stand without their name, as a reader expects.
void Printer::AppendCall(size_t index) {
  const Operation& operation = program_.operations[index];
  const OperationSpec& spec = SpecOf(operation.code);
  if (!variables_[index].empty()) absl::StrAppend(&text_, variables_[index], " = ");
  absl::StrAppend(&text_, std::string(spec.name), "(");
  bool first = true;
  for (size_t i = 0; i < spec.arguments.size(); ++i) {
    const ArgumentSpec& argument = spec.arguments[i];
    const Argument& value = operation.arguments[i];
    const bool plain = !value.variable && !value.automatic;
    if (plain && value.value == argument.fallback) continue;
    if (!first) text_ += ", ";
    first = false;
    if (argument.kind == ArgumentKind::kFile) {
      text_ += FileText(value.value);
      continue;
    }
    const bool bare = IsObject(argument.kind) || (i == 0 && argument.kind == ArgumentKind::kMemfd);
    if (!bare) absl::StrAppend(&text_, std::string(argument.name), "=");
    text_ += ValueText(operation, i);
  }
  text_ += ')';
}

std::string Printer::PrintCall(size_t index) {
  NameVariables(DefinitionOrder(program_));
  AppendCall(index);
  return std::move(text_);
}

void Printer::PrintPlan() {
  const bool any = !program_.faults.empty() || !program_.switches.empty() ||
                   !program_.expected.empty() || !program_.also.empty();
  if (any) text_ += '\n';
  for (const sim::PlannedFault& fault : program_.faults) {
    absl::StrAppend(&text_, "fault ", OperationLabel(program_, fault.operation), " ",
                    std::string(sim::Name(fault.site)), " nth=", fault.nth, "\n");
  }
  for (const sim::Switch& change : program_.switches) {
    absl::StrAppend(&text_, "switch ", SwitchText(program_, change), "\n");
  }
  for (const ExpectedViolation& expected : program_.expected) {
    absl::StrAppend(&text_, "expect violation ", expected.invariant);
    if (expected.operation) {
      absl::StrAppend(&text_, " ", std::string(SpecOf(*expected.operation).name));
    }
    text_ += '\n';
  }
  if (program_.also.empty()) return;
  text_ += "also";
  for (const std::string& also : program_.also) absl::StrAppend(&text_, " ", also);
  text_ += '\n';
}

}  // namespace

std::string PrintProgram(const Program& program) {
  IOMMUFD_CHECK(FirstProblem(program).empty(), "only a valid program has a text");
  return Printer(program).Print();
}

std::string PrintOperation(const Program& program, size_t index) {
  IOMMUFD_CHECK(index < program.operations.size(), "an operation of the program");
  return Printer(program).PrintCall(index);
}

}  // namespace iommufd_check::program
