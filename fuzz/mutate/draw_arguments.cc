#include "fuzz/mutate/draw_arguments.h"

#include <vector>

#include "fuzz/mutate/operation_edits.h"
#include "model/program/bytes/byte_layout.h"

namespace iommufd_check::cli {

using program::Argument;
using program::ArgumentKind;
using program::ArgumentSpec;
using program::Operation;
using program::Program;

namespace {

// A value of one can stand for the other: bytes for bytes, a token for a token.
bool AreAlike(ArgumentKind a, ArgumentKind b) {
  return program::IsNumber(a) && program::IsNumber(b) &&
         program::CountsBytes(a) == program::CountsBytes(b);
}

Argument DrawNumber(const Program& program, const ArgumentSpec& wanted, Draw& draw) {
  if (draw.OneIn(2)) return program::DecodeNumber(wanted, draw.Word());
  std::vector<uint64_t> known;
  for (const Operation& operation : program.operations) {
    const auto specs = program::SpecOf(operation.code).arguments;
    for (size_t i = 0; i < specs.size(); ++i) {
      if (AreAlike(specs[i].kind, wanted.kind)) known.push_back(operation.arguments[i].value);
    }
  }
  if (known.empty()) return program::DecodeNumber(wanted, draw.Word());
  return {.value = draw.Of(known)};
}

}  // namespace

Argument DrawObject(const Program& program, size_t index, uint8_t task, ArgumentKind kind,
                    Draw& draw) {
  const auto definers = Definers(program, index, task, kind, draw.OneIn(8));
  if (definers.empty() || draw.OneIn(16)) return {.value = program::DecodeRawId(draw.Word())};
  return {.variable = draw.Of(definers)};
}

void DrawArguments(Program* program, size_t index, Draw& draw) {
  Operation& operation = program->operations[index];
  const auto specs = program::SpecOf(operation.code).arguments;
  for (size_t i = 0; i < specs.size(); ++i) {
    const ArgumentKind kind = specs[i].kind;
    Argument& argument = operation.arguments[i];
    if (program::IsObject(kind)) {
      argument = DrawObject(*program, index, operation.task, kind, draw);
    } else if (specs[i].fallback && draw.OneIn(2)) {
      argument = {.value = *specs[i].fallback};
    } else if (program::IsNumber(kind)) {
      argument = DrawNumber(*program, specs[i], draw);
    } else if (kind == ArgumentKind::kName) {
      operation.name = program::DecodeName(draw.Byte());
    } else if (kind == ArgumentKind::kIommufd) {
      argument = {.value = program::DecodeIommufd(program->boot, draw.Byte())};
    } else {
      argument = {.value = program::DecodeSmall(kind, program->boot, draw.Byte())};
    }
  }
}

}  // namespace iommufd_check::cli
