#include "model/program/operation.h"

#include <array>

#include "model/sim/check.h"

namespace iommufd_check::program {
namespace {

template <class... Specs>
constexpr auto Pack(Specs... specs) {
  return std::array<ArgumentSpec, sizeof...(Specs)>{specs...};
}

#define X(id, name, result, ...) constexpr auto id##Arguments = Pack(__VA_ARGS__);
#include "model/program/operations.def"
#undef X

const std::array<OperationSpec, static_cast<size_t>(OpCode::kCount)> kSpecs{{
#define X(id, name, result, ...) {name, ResultKind::result, id##Arguments},
#include "model/program/operations.def"
#undef X
}};

}  // namespace

const OperationSpec& SpecOf(OpCode code) {
  IOMMUFD_CHECK(code < OpCode::kCount, "operation code outside the alphabet");
  return kSpecs[static_cast<size_t>(code)];
}

std::optional<OpCode> OpCodeFromName(std::string_view name) {
  for (size_t i = 0; i < kSpecs.size(); ++i) {
    if (kSpecs[i].name == name) return static_cast<OpCode>(i);
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

bool IsObject(ArgumentKind argument) { return argument <= ArgumentKind::kObject; }

}  // namespace iommufd_check::program
