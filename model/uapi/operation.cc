#include "model/uapi/operation.h"

#include <array>

#include "model/sim/check.h"

namespace iommufd_check::uapi {
namespace {

// Rows have no comma between arguments; an array's initialiser has one behind each.
#define A(kind, name, fallback) ArgumentSpec{#name, ArgumentKind::kind, fallback},
#define OPERATION(id, name, result, through, traits, weight, faults, arguments, errnos) \
  constexpr ArgumentSpec k##id##Arguments[] = {arguments};
#include "model/uapi/operations.def"

constexpr OperationSpec kSpecs[] = {
#define A(...)
#define OPERATION(id, name, result, through, traits, weight, faults, arguments, errnos) \
  {name, ResultKind::result, Through::through, traits, weight, faults, k##id##Arguments},
#include "model/uapi/operations.def"
};

constexpr OpCode kAll[] = {
#define A(...)
#define OPERATION(id, ...) OpCode::k##id,
#include "model/uapi/operations.def"
};

}  // namespace

const OperationSpec& SpecOf(OpCode code) {
  IOMMUFD_CHECK(code < OpCode::kCount, "operation code outside the alphabet");
  return kSpecs[static_cast<size_t>(code)];
}

std::span<const OpCode> AllOperations() { return kAll; }

std::optional<OpCode> OpCodeFromName(std::string_view name) {
  for (const OpCode code : kAll) {
    if (SpecOf(code).name == name) return code;
  }
  return std::nullopt;
}

std::string_view Name(ResultKind kind) {
  constexpr std::string_view kNames[] = {"", "ioas", "hwpt", "device", "session"};
  return kNames[static_cast<size_t>(kind)];
}

bool Accepts(ArgumentKind argument, ResultKind result) {
  switch (argument) {
    case ArgumentKind::kIoas:
      return result == ResultKind::kIoas;
    case ArgumentKind::kHwpt:
      return result == ResultKind::kHwpt;
    case ArgumentKind::kDevice:
      return result == ResultKind::kDevice;
    case ArgumentKind::kSession:
      return result == ResultKind::kSession;
    case ArgumentKind::kObject:
      return result != ResultKind::kNone && result != ResultKind::kSession;
    default:
      return false;
  }
}

}  // namespace iommufd_check::uapi
