#include "model/program/widths.h"

#include "absl/strings/str_cat.h"

namespace iommufd_check::program {
namespace {

// Calls visit(argument, spec, the most it can hold) of every argument that is not 64 bits wide.
template <class Visit>
void ForEachNarrow(const Operation& operation, const liveupdate::Design& design, Visit visit) {
  const auto specs = SpecOf(operation.code).arguments;
  for (size_t i = 0; i < specs.size(); ++i) {
    if (specs[i].kind != ArgumentKind::kMarkToken) continue;
    visit(i, specs[i], LargestArgument(operation.code, i, design));
  }
}

}  // namespace

uint64_t LargestArgument(OpCode code, size_t argument, const liveupdate::Design& design) {
  const auto specs = SpecOf(code).arguments;
  const bool narrow = argument < specs.size() && specs[argument].kind == ArgumentKind::kMarkToken;
  return narrow ? uapi::LargestToken(design.contract()) : UINT64_MAX;
}

std::string WidthProblem(const Program& program, const liveupdate::Design& design) {
  std::string problem;
  for (size_t i = 0; i < program.operations.size(); ++i) {
    const Operation& operation = program.operations[i];
    ForEachNarrow(operation, design, [&](size_t argument, const ArgumentSpec& spec, uint64_t most) {
      const uint64_t value = operation.arguments[argument].value;
      if (value <= most || !problem.empty()) return;
      problem =
          absl::StrCat(OperationLabel(program, i), ": argument ", std::string(spec.name), " of ",
                       std::string(SpecOf(operation.code).name), " is 0x", absl::Hex(value),
                       ", and design ", std::string(design.name()), " carries ",
                       design.contract().token_bits, " bits; write at most 0x", absl::Hex(most));
    });
  }
  return problem;
}

void MaskToWidths(const liveupdate::Design& design, Program* program) {
  for (Operation& operation : program->operations) {
    ForEachNarrow(operation, design, [&](size_t argument, const ArgumentSpec&, uint64_t most) {
      operation.arguments[argument].value &= most;
    });
  }
}

}  // namespace iommufd_check::program
