#include "model/program/widths.h"

#include "absl/strings/str_cat.h"

namespace iommufd_check::program {
namespace {

constexpr size_t kTokenOfMark = 1;  // lu_mark(hwpt, token)

}  // namespace

uint64_t LargestArgument(OpCode code, size_t argument, const liveupdate::Design& design) {
  if (code != OpCode::kLuMark || argument != kTokenOfMark) return UINT64_MAX;
  return uapi::LargestToken(design.contract());
}

std::string WidthProblem(const Program& program, const liveupdate::Design& design) {
  for (size_t i = 0; i < program.operations.size(); ++i) {
    const Operation& operation = program.operations[i];
    if (operation.code != OpCode::kLuMark) continue;
    const uint64_t most = LargestArgument(operation.code, kTokenOfMark, design);
    const uint64_t value = operation.arguments[kTokenOfMark].value;
    if (value <= most) continue;
    return absl::StrCat(OperationLabel(program, i), ": argument token of lu_mark is 0x",
                        absl::Hex(value), ", and design ", std::string(design.name()), " carries ",
                        design.contract().token_bits, " bits; write at most 0x", absl::Hex(most));
  }
  return "";
}

void MaskToWidths(const liveupdate::Design& design, Program* program) {
  for (Operation& operation : program->operations) {
    if (operation.code != OpCode::kLuMark) continue;
    operation.arguments[kTokenOfMark].value &=
        LargestArgument(operation.code, kTokenOfMark, design);
  }
}

}  // namespace iommufd_check::program
