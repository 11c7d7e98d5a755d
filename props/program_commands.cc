#include "props/program_commands.h"

#include <algorithm>
#include <memory>

#include "model/program/text_codec.h"

namespace iommufd_check::props {

using program::ArgumentKind;
using program::OpCode;
using program::Operation;
using program::ResultKind;

namespace {

constexpr ResultKind kKinds[] = {ResultKind::kIoas, ResultKind::kHwpt, ResultKind::kDevice,
                                 ResultKind::kSession};

// Raw choices; what they mean depends on what exists when the command runs.
struct Choices {
  std::array<uint16_t, program::kMaxArguments> argument{};
  bool fails = false;
  uint16_t site = 0;
  uint16_t nth = 1;
};

int Acceptable(const ProgramModel& model, ArgumentKind kind) {
  int n = 0;
  for (ResultKind result : kKinds) {
    if (program::Accepts(kind, result)) n += model.created[static_cast<size_t>(result)];
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

uint64_t NumberFor(std::string_view name, uint16_t choice) {
  if (name == "token") return choice % 3;
  const uint64_t pages = choice % 5;
  if (name == "length") return (pages == 0 ? 1 : pages) * 0x1000;
  if (name == "offset" || name == "start") return (choice % 3) * 0x1000;
  if (name == "iova" && choice % 7 == 6) return program::kAutoIova;
  return pages * 0x1000 + (choice % 11 == 10 ? 0x200000 : 0);
}

program::Argument ArgumentFor(const program::Program& program, const program::ArgumentSpec& spec,
                              uint16_t choice) {
  program::Argument argument;
  if (program::IsObject(spec.kind) || spec.kind == ArgumentKind::kSession) {
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
    case ArgumentKind::kNumber:
      argument.value = NumberFor(spec.name, choice);
      break;
    default:
      break;  // index, memfd and buffer: the first, there is one of each
  }
  return argument;
}

// One operation. `code` is drawn uniformly, so that the interesting ones are as frequent as map.
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
        sut.Append(Build(sut.program()), choices_.fails,
                   static_cast<sim::FaultSite>(choices_.site), choices_.nth);
    if (violation == nullptr) return;
    SmallestFailure& smallest = Smallest();
    if (!smallest.found ||
        sut.program().operations.size() <= smallest.program.operations.size()) {
      smallest = SmallestFailure{true, sut.program(), *violation};
    }
    RC_FAIL(std::string(spec::IdOf(violation->invariant)) + ": " + violation->detail);
  }

  void show(std::ostream& out) const override {
    out << program::SpecOf(code_).name;
    if (choices_.fails) {
      out << " with " << sim::Name(static_cast<sim::FaultSite>(choices_.site)) << " failing";
    }
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

rc::Gen<Choices> GenChoices() {
  return rc::gen::map(
      rc::gen::tuple(rc::gen::container<std::vector<uint16_t>>(program::kMaxArguments,
                                                               rc::gen::inRange<uint16_t>(0, 64)),
                     rc::gen::weightedElement<bool>({{3, false}, {1, true}}),
                     rc::gen::inRange<uint16_t>(0, sim::Count<sim::FaultSite>()),
                     rc::gen::inRange<uint16_t>(1, 4)),
      [](const std::tuple<std::vector<uint16_t>, bool, uint16_t, uint16_t>& drawn) {
        Choices choices;
        std::copy(std::get<0>(drawn).begin(), std::get<0>(drawn).end(), choices.argument.begin());
        choices.fails = std::get<1>(drawn);
        choices.site = std::get<2>(drawn);
        choices.nth = std::get<3>(drawn);
        return choices;
      });
}

}  // namespace

SmallestFailure& Smallest() {
  static SmallestFailure smallest;
  return smallest;
}

const spec::Violation* ProgramUnderTest::Append(Operation operation, bool fails,
                                                sim::FaultSite site, uint16_t nth) {
  if (fails) {
    program_.faults.push_back({static_cast<uint16_t>(program_.operations.size()), site, nth});
  }
  program_.operations.push_back(std::move(operation));
  const program::Execution& run = executor_.Run(design_, program_, {});
  for (const spec::Violation& violation : run.violations) {
    const bool counts = wanted_.empty() || std::find(wanted_.begin(), wanted_.end(),
                                                     violation.invariant) != wanted_.end();
    if (counts) return &violation;
  }
  return nullptr;
}

rc::Gen<std::shared_ptr<const Command>> GenCommand(const ProgramModel&) {
  return rc::gen::map(
      rc::gen::pair(rc::gen::inRange<int>(0, static_cast<int>(OpCode::kCount)), GenChoices()),
      [](const std::pair<int, Choices>& drawn) -> std::shared_ptr<const Command> {
        return std::make_shared<RunOperation>(static_cast<OpCode>(drawn.first), drawn.second);
      });
}

}  // namespace iommufd_check::props
