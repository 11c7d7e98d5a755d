// Ids, names and sentences of the invariants (invariants.def), and what a violation of one says.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/sim/vocabulary.h"

namespace iommufd_check::spec {

enum class Invariant : uint8_t {
#define X(id, ...) k##id,
#include "model/spec/invariants.def"
#undef X
  kCount
};
inline constexpr int kInvariants = static_cast<int>(Invariant::kCount);

std::string_view IdOf(Invariant invariant);    // "I05"
std::string_view NameOf(Invariant invariant);  // "rollback-atomicity"
std::string_view WhenOf(Invariant invariant);
std::string_view SentenceOf(Invariant invariant);
// By id or by name.
std::optional<Invariant> InvariantFromName(std::string_view name);

// One nesting of a lock-order cycle: `inner` was first wanted inside `outer` here.
struct LockNesting {
  sim::LockClass outer = sim::LockClass::kCount;
  sim::LockClass inner = sim::LockClass::kCount;
  uint16_t operation = 0;
  uint8_t task = 0;
  sim::Fn function = sim::Fn::kNone;

  friend bool operator==(const LockNesting&, const LockNesting&) = default;
};

struct Violation {
  Invariant invariant = Invariant::kCount;
  uint16_t operation = 0;  // index in Program::operations; kExitOperation during process exit
  uint8_t task = 0;
  uint32_t step = 0;   // of that task
  uint32_t event = 0;  // number of events logged when it was seen
  sim::ObjectRef object;
  std::string detail;  // one clause: what was seen, with the numbers
  // The innermost modelled function that the task was in; kNone: none, as between two calls.
  sim::Fn function = sim::Fn::kNone;
  sim::Splat splat = sim::Splat::kCount;  // that the kernel printed; kCount: it was silent
  sim::Condition condition = sim::Condition::kNone;  // of a WARN or BUG
  std::vector<LockNesting> chain;  // of a lock cycle: the nesting that closed it, then the others

  friend bool operator==(const Violation&, const Violation&) = default;
};

inline constexpr uint16_t kExitOperation = UINT16_MAX;

}  // namespace iommufd_check::spec
