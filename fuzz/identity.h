// What makes two violations the same finding: the invariant, and the kind of operation that broke
// it. Minimising keeps it, so that a small program shows what the large one showed.
#pragma once

#include <optional>
#include <string>

#include "model/program/executor.h"
#include "model/program/program.h"
#include "model/spec/invariants.h"

namespace iommufd_check::cli {

struct Identity {
  spec::Invariant invariant = spec::Invariant::kCount;
  std::optional<program::OpCode> operation;  // empty: the exit of the process
  friend bool operator==(const Identity&, const Identity&) = default;
};

Identity IdentityOf(const program::Program& program, const spec::Violation& violation);

// A violation of the run with this identity, or null.
const spec::Violation* FindIdentity(const program::Program& program,
                                    const program::Execution& execution, const Identity& identity);

// `program` as a file about this finding: it names the design, expects exactly what `execution`
// violates with `identity` first, and says nothing about errnos.
program::Program AsFinding(program::Program program, const program::Execution& execution,
                           const Identity& identity, const std::string& design);

}  // namespace iommufd_check::cli
