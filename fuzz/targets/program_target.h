// What fuzz_program and fuzz_schedule have in common: bytes -> program -> execution under one
// design; a finding ends the process, or is kept as a file.
//
// Own flags (libFuzzer ignores what starts with two dashes):
//   --design=NAME      reference unless given
//   --tolerate=WORD,.. these findings do not count: as for iommufd-check, or a program or a folder
//                      of programs, for everything that they break
//   --only=WORD,..     no others count
//   --findings=DIR     each finding is kept there as a minimised program, one file an identity, and
//                      ends the process only while there is no smaller one: so a fuzzer that goes
//                      on (-fork=2 -ignore_crashes=1) goes past what it found. Leave it out to
//                      replay a crash or to minimise it (-minimize_crash=1).
//   --keep_going       with --findings: nothing ends the process but the fuzzer's own limits; the
//                      exit status is 1 when there was a finding
//   --mutator=NAME     structured, unless given; plain: libFuzzer's mutations of bytes
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "fuzz/cli/finding_flags.h"
#include "fuzz/mutate/limits.h"
#include "fuzz/mutate/program_mutator.h"
#include "fuzz/targets/finding_files.h"
#include "model/program/execute/executor.h"
#include "model/program/identity.h"

namespace iommufd_check::cli {

class ProgramTarget {
 public:
  ProgramTarget(std::string name, const Limits& limits) : name_(std::move(name)), limits_(limits) {}

  // ERRORS: one sentence about the flag that is wrong.
  absl::Status ReadFlags(std::span<const std::string> flags);

  // What LLVMFuzzerTestOneInput returns: 0, or -1 for what is not for the corpus. REQUIRES:
  // ReadFlags was OK.
  int Execute(std::span<const uint8_t> bytes);

  // Null when bytes are to be mutated as bytes.
  ProgramMutator* mutator() { return mutator_ ? &*mutator_ : nullptr; }

  const std::string& name() const { return name_; }
  // How many findings were kept.
  size_t kept() const { return kept_; }

  // Of inputs.
  size_t max_bytes() const;

 private:
  absl::Status ReadTolerated(const std::string& list);
  bool Counts(const program::Identity& identity) const;
  std::vector<program::Identity> NewFindings(const program::Program& program,
                                             const program::Execution& run);
  program::Program Witness(const program::Program& program, const program::Identity& identity);
  void Tell(const program::Program& witness, const program::Identity& identity,
            const std::string& replay);
  void Report(const program::Program& program, const std::vector<program::Identity>& findings);

  const std::string name_;
  const Limits limits_;
  liveupdate::Design* design_ = nullptr;
  bool keep_going_ = false;
  FindingFlags flags_;
  std::set<program::Identity> known_;
  std::optional<FindingFiles> files_;
  program::Executor executor_;
  std::optional<ProgramMutator> mutator_;
  size_t kept_ = 0;
};

// The target of this binary, whose libFuzzer functions are in program_target_main.cc.
ProgramTarget& TheTarget();

}  // namespace iommufd_check::cli
