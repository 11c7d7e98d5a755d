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

namespace {

struct ResultNames {
  std::string_view name;
  std::string_view stem;
};
constexpr ResultNames kResults[] = {
    {"", ""},
#define OBJECT(kind, name, Type, slots, type, value, stem) {#name, #stem},
#define DESCRIPTOR(kind, name, Type, table, stem) {#name, #stem},
#include "model/sim/objects.def"
};

const ResultNames& NamesOf(ResultKind kind) {
  IOMMUFD_CHECK(kind < ResultKind::kCount, "a kind of result");
  return kResults[static_cast<size_t>(kind)];
}

// Has an id on its iommufd.
bool HasId(ResultKind result) {
#define OBJECT(kind, ...) \
  if (result == ResultKind::kind) return true;
#include "model/sim/objects.def"
  return false;
}

}  // namespace

std::string_view Name(ResultKind kind) { return NamesOf(kind).name; }
std::string_view StemOf(ResultKind kind) { return NamesOf(kind).stem; }

bool Accepts(ArgumentKind argument, ResultKind result) {
  if (argument == ArgumentKind::kObject) return HasId(result);
#define OBJECT(kind, ...) \
  if (argument == ArgumentKind::kind) return result == ResultKind::kind;
#define DESCRIPTOR(kind, ...) OBJECT(kind)
#include "model/sim/objects.def"
  return false;
}

}  // namespace iommufd_check::uapi
