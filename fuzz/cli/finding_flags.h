// The flags --tolerate and --only, which say what findings count: the same for every command.
//
// Each takes a list separated by commas of an invariant, an invariant at an operation, or the
// identity of a finding (model/program/finding_pattern.h). `@FILE` stands for the lines of a file,
// in which `#` begins a comment.
//
//   FindingFlags findings;
//   findings.AddTo(&flags);
//   if (std::string problem = findings.Read(io.in); !problem.empty()) ...
//   findings.policy.Wants(identity)
#pragma once

#include <istream>
#include <string>

#include "fuzz/cli/flag_set.h"
#include "model/program/finding_pattern.h"

namespace iommufd_check::cli {

struct FindingFlags {
  std::string tolerate;
  std::string only;
  program::FindingPolicy policy;  // once Read was called

  void AddTo(FlagSet* flags);
  // What is wrong, in one sentence, or empty.
  std::string Read(std::istream& in);
  // As arguments of a command that tolerates the same: "--tolerate=I19 ", or empty.
  std::string Arguments() const;
};

}  // namespace iommufd_check::cli
