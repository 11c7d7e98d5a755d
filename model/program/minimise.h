// The minimiser: makes a failing program as small as it can while it still fails.
//
// A pure function of the program and the predicate, which must itself be one. What "fails" means is
// the caller's: to keep a finding's identity, compare the invariant and the operation, not only
// that something was violated. Design, title, expectations and names of errnos are never touched.
//
// At the end no single attempt of any kind below succeeds (the result is 1-minimal), unless
// MinimiseStats says that the budget ended before.
//
// Switches are anchored to what happens in an operation, so taking another operation away moves
// none of them, and a candidate is one run.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "model/program/program.h"

namespace iommufd_check::program {

enum class Attempt : uint8_t {
  kInitial,    // the program as given
  kTask,       // without all operations of one task
  kChunk,      // without several neighbouring operations
  kOperation,  // without one operation
  kFault,      // without some faults, or one
  kSwitch,     // without some switches, or one
  kToMain,     // one concurrent operation runs at the end of main
  kRename,     // the tasks behind an unused letter move up
  kVariable,   // an argument names an earlier object of its kind
  kNumber,     // a smaller number, index, id, or fewer seals; whole pages first
  kName,       // a shorter session name
  kBoot,       // fewer or smaller memfds, buffers, devices
  kNth,        // an earlier occurrence, of a fault or of what a switch is anchored to
  kCount
};
std::string_view Name(Attempt attempt);  // "task", "to-main", ...

struct MinimiseStats {
  struct Counter {
    uint64_t tried = 0;  // calls of the predicate
    uint64_t kept = 0;   // of them, those that still failed
  };
  std::array<Counter, static_cast<size_t>(Attempt::kCount)> by_kind{};
  uint64_t attempts = 0;      // sum of all tried
  uint64_t rounds = 0;        // passes over all kinds; the last one changes nothing
  bool reproduced = false;    // the program failed as given
  bool budget_ended = false;  // stopped before the result was 1-minimal

  const Counter& of(Attempt attempt) const { return by_kind[static_cast<size_t>(attempt)]; }
};

inline constexpr uint64_t kMinimiseAttempts = 20'000;

// The smallest program found. A program that does not fail is returned as it is. `stats` may be
// null. REQUIRES: FirstProblem(program) is empty; the predicate only sees such programs.
Program Minimise(Program program, const std::function<bool(const Program&)>& still_fails,
                 MinimiseStats* stats, uint64_t max_attempts = kMinimiseAttempts);

}  // namespace iommufd_check::program
