// What makes two violations the same finding, its spelling, and which findings one cause makes.
//
// A finding is told apart by the invariant, the operation that broke it, the kind of object, the
// function of the kernel in which it was seen, and what the kernel itself would have printed there:
//
//   I37@map_file:ioas:iopt_abort_area:warn.immutable
//   I05@luo_preserve:ioas
//   I36@exit
//
// The parts after '@' are operation, kind of object, function, and the splat with the condition of
// a WARN or BUG; `-` stands for a part that is missing, and is left out at the end. Minimising
// keeps all of them, so that a small program shows what the large one showed.
//
// Threads: pure functions.
#pragma once

#include <compare>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "model/program/execute/executor.h"
#include "model/program/program.h"
#include "model/spec/invariants.h"

namespace iommufd_check::program {

struct Identity {
  spec::Invariant invariant = spec::Invariant::kCount;
  std::optional<OpCode> operation;  // empty: the exit of the process
  sim::ObjectKind object = sim::ObjectKind::kNone;
  sim::Fn function = sim::Fn::kNone;
  sim::Splat splat = sim::Splat::kCount;  // kCount: the kernel was silent
  sim::Condition condition = sim::Condition::kNone;

  friend auto operator<=>(const Identity&, const Identity&) = default;
};

Identity IdentityOf(const Program& program, const spec::Violation& violation);

std::string TextOf(const Identity& identity);
// "luo_preserve", "exit".
std::string OperationOf(const Identity& identity);
// The identity that TextOf spells so. ERRORS: InvalidArgument, naming the part that is unknown.
absl::StatusOr<Identity> IdentityFromText(std::string_view text);

// A violation of the run with this identity, or null.
const spec::Violation* FindIdentity(const Program& program, const Execution& execution,
                                    const Identity& identity);

// `program` as a file about this finding: it names the design, expects exactly what `execution`
// violates with `identity` first, and says nothing about errnos.
Program AsFinding(Program program, const Execution& execution, const Identity& identity,
                  const std::string& design);

// What breaks nothing by itself: the order and context in which locks are taken, and races, but not
// a deadlock. Every other violation may have the first one of its run as its cause.
bool StandsAlone(const spec::Violation& violation);

// The violation that may have caused the others of the run: the first that does not stand alone, of
// several seen at once that of the lowest invariant. Null when there is none.
const spec::Violation* PrimaryOf(const std::vector<spec::Violation>& violations);

}  // namespace iommufd_check::program
