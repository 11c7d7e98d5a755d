// Ids, names and sentences of the invariants (invariants.def), and what a violation of one says.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "model/sim/vocabulary.h"

namespace iommufd_check::spec {

enum class Invariant : uint8_t {
#define X(id, ...) k##id,
#include "model/spec/invariants.def"
#undef X
  kCount
};
inline constexpr int kInvariants = static_cast<int>(Invariant::kCount);

std::string_view IdOf(Invariant invariant);        // "I05"
std::string_view NameOf(Invariant invariant);      // "rollback-atomicity"
std::string_view WhenOf(Invariant invariant);
std::string_view SentenceOf(Invariant invariant);
// By id or by name.
std::optional<Invariant> InvariantFromName(std::string_view name);

struct Violation {
  Invariant invariant = Invariant::kCount;
  uint16_t operation = 0;  // index in Program::operations; kExitOperation during process exit
  uint8_t task = 0;
  uint32_t step = 0;       // of that task
  uint32_t event = 0;      // number of events logged when it was seen
  sim::ObjectRef object;
  std::string detail;      // one clause: what was seen, with the numbers

  friend bool operator==(const Violation&, const Violation&) = default;
};

inline constexpr uint16_t kExitOperation = UINT16_MAX;

}  // namespace iommufd_check::spec
