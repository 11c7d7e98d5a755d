#include "props/program_commands.h"

#include <algorithm>
#include <memory>

#include "model/program/text/text_codec.h"

namespace iommufd_check::props {

using program::ArgumentKind;
using program::OpCode;
using program::Operation;
using program::ResultKind;

namespace {

// Raw choices; what they mean depends on what exists when the command runs.
struct Choices {
  std::array<uint16_t, program::kMaxArguments> argument{};
  bool fails = false;
  uint16_t failing_call = 0;
};

int Acceptable(const ProgramModel& model, ArgumentKind kind) {
  int n = 0;
  for (size_t i = 0; i < model.created.size(); ++i) {
    if (program::Accepts(kind, static_cast<ResultKind>(i))) n += model.created[i];
  }
  return n;
}

// The operation that creates the object chosen for an argument of this kind.
uint16_t VariableFor(const program::Program& program, ArgumentKind kind, uint16_t choice) {
  std::vector<uint16_t> candidates;
  for (size_t i = 0; i < program.operations.size(); ++i) {
    if (program::Accepts(kind, program::SpecOf(program.operations[i].code).result)) {
      candidates.push_back(static_cast<uint16_t>(i));
    }
  }
  return candidates[choice % candidates.size()];
}

uint64_t NumberFor(ArgumentKind kind, uint16_t choice) {
  const uint64_t pages = choice % 5;
  switch (kind) {
    case ArgumentKind::kToken:
    case ArgumentKind::kMarkToken:
      return choice;
    case ArgumentKind::kLength:
      return (pages == 0 ? 1 : pages) * mm::kPageSize;
    case ArgumentKind::kOffset:
      return (choice % 3) * mm::kPageSize;
    default:
      return pages * mm::kPageSize + (choice % 11 == 10 ? 0x200000 : 0);
  }
}

program::Argument ArgumentFor(const program::Program& program, const program::ArgumentSpec& spec,
                              uint16_t choice) {
  program::Argument argument;
  if (program::IsNumber(spec.kind)) {
    argument.automatic = program::TakesAuto(spec.kind) && choice % 7 == 6;
    if (!argument.automatic) argument.value = NumberFor(spec.kind, choice);
    return argument;
  }
  if (program::IsObject(spec.kind)) {
    argument.variable = VariableFor(program, spec.kind, choice);
    return argument;
  }
  switch (spec.kind) {
    case ArgumentKind::kFile:
      argument.value = choice % 2 == 0 ? program::kFileIommufd : 0;
      break;
    case ArgumentKind::kProt:
      argument.value = choice % 4 == 0 ? 1 : 3;
      break;
    case ArgumentKind::kSeals:
      argument.value = choice % 2 == 0 ? 7 : choice % 64;
      break;
    default:
      break;  // index, memfd and buffer: the first, there is one of each
  }
  return argument;
}

// One operation of the alphabet.
class RunOperation : public Command {
 public:
  RunOperation(OpCode code, Choices choices) : code_(code), choices_(choices) {}

  void checkPreconditions(const ProgramModel& model) const override {
    for (const program::ArgumentSpec& spec : program::SpecOf(code_).arguments) {
      if (program::IsObject(spec.kind)) RC_PRE(Acceptable(model, spec.kind) > 0);
    }
  }

  void apply(ProgramModel& model) const override {
    ++model.created[static_cast<size_t>(program::SpecOf(code_).result)];
  }

  void run(const ProgramModel&, ProgramUnderTest& sut) const override {
    const spec::Violation* violation =
        sut.Append(Build(sut.program()), choices_.fails, choices_.failing_call);
    if (violation == nullptr) return;
    SmallestFailure& smallest = Smallest();
    if (!smallest.found || sut.program().operations.size() <= smallest.program.operations.size()) {
      smallest = SmallestFailure{true, sut.program(), *violation};
    }
    RC_FAIL(std::string(spec::IdOf(violation->invariant)) + ": " + violation->detail);
  }

  void show(std::ostream& out) const override {
    out << program::SpecOf(code_).name;
    if (choices_.fails) out << ", call " << choices_.failing_call << " failing";
  }

 private:
  Operation Build(const program::Program& program) const {
    Operation operation;
    operation.code = code_;
    const auto& specs = program::SpecOf(code_).arguments;
    for (size_t i = 0; i < specs.size(); ++i) {
      if (specs[i].kind == ArgumentKind::kName) {
        operation.name = std::string(1, static_cast<char>('a' + choices_.argument[i] % 3));
      } else {
        operation.arguments[i] = ArgumentFor(program, specs[i], choices_.argument[i]);
      }
    }
    return operation;
  }

  OpCode code_;
  Choices choices_;
};

rc::Gen<OpCode> GenOpCode() {
  std::vector<OpCode> weighted;
  for (const OpCode code : uapi::AllOperations()) {
    weighted.insert(weighted.end(), static_cast<size_t>(program::SpecOf(code).weight), code);
  }
  return rc::gen::elementOf(weighted);
}

rc::Gen<Choices> GenChoices(OpCode code) {
  return rc::gen::map(
      rc::gen::tuple(rc::gen::container<std::vector<uint16_t>>(program::kMaxArguments,
                                                               rc::gen::inRange<uint16_t>(0, 64)),
                     rc::gen::inRange<int>(0, 24), rc::gen::inRange<uint16_t>(0, 64)),
      [code](const std::tuple<std::vector<uint16_t>, int, uint16_t>& drawn) {
        Choices choices;
        std::copy(std::get<0>(drawn).begin(), std::get<0>(drawn).end(), choices.argument.begin());
        choices.fails =
            std::get<1>(drawn) >= 24 - program::SpecOf(code).faults;  // shrinks towards none
        choices.failing_call = std::get<2>(drawn);
        return choices;
      });
}

}  // namespace

SmallestFailure& Smallest() {
  static SmallestFailure smallest;
  return smallest;
}

ArmedCounts& Armed() {
  static ArmedCounts armed{};
  return armed;
}

// The call that fails is chosen among those that the operation makes when none does.
void ProgramUnderTest::PlanFault(uint16_t operation, uint16_t choice) {
  std::vector<program::SiteVisit> visits;
  for (const program::SiteVisit& visit : executor_.Run(design_, program_, {}).sites) {
    if (visit.operation == operation) visits.push_back(visit);
  }
  if (visits.empty()) return;
  const program::SiteVisit& chosen = visits[choice % visits.size()];
  program_.faults.push_back({chosen.operation, chosen.site, chosen.nth});
}

const spec::Violation* ProgramUnderTest::Append(Operation operation, bool fails,
                                                uint16_t failing_call) {
  program_.operations.push_back(std::move(operation));
  if (fails) {
    PlanFault(static_cast<uint16_t>(program_.operations.size() - 1), failing_call);
  }
  const program::Execution& run = executor_.Run(design_, program_, {});
  for (size_t i = 0; i < run.armed.size(); ++i) Armed()[i] += run.armed[i];
  for (const spec::Violation& violation : run.violations) {
    const bool counts = wanted_.empty() || std::find(wanted_.begin(), wanted_.end(),
                                                     violation.invariant) != wanted_.end();
    if (counts) return &violation;
  }
  return nullptr;
}

rc::Gen<std::shared_ptr<const Command>> GenCommand(const ProgramModel&) {
  return rc::gen::mapcat(GenOpCode(), [](OpCode code) {
    // Ranges are whole at the nominal size; only the length of a sequence is to grow.
    return rc::gen::map(rc::gen::resize(rc::kNominalSize, GenChoices(code)),
                        [code](const Choices& choices) -> std::shared_ptr<const Command> {
                          return std::make_shared<RunOperation>(code, choices);
                        });
  });
}

}  // namespace iommufd_check::props
