#include "fuzz/targets/program_target.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <iostream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "fuzz/cli/names.h"
#include "fuzz/report/report.h"
#include "fuzz/report/witness.h"
#include "fuzz/targets/extra_counters.h"
#include "fuzz/targets/known_programs.h"
#include "model/liveupdate/designs/registry.h"
#include "model/program/bytes/byte_codec.h"
#include "model/program/bytes/byte_layout.h"
#include "model/program/widths.h"
#include "model/sim/check.h"

namespace iommufd_check::cli {

using program::Execution;
using program::Identity;
using program::Program;

absl::Status ProgramTarget::ReadFlags(std::span<const std::string> flags) {
  std::string design(kDefaultDesign);
  std::string tolerate;
  std::string findings;
  std::string mutator = "structured";
  FlagSet known;
  known.Add("design", "NAME", "", &design);
  known.Add("tolerate", "WORD,...", "", &tolerate);
  known.Add("only", "FINDING,...", "", &flags_.only);
  known.Add("findings", "DIR", "", &findings);
  known.Add("keep_going", "", "", &keep_going_);
  known.Add("mutator", "NAME", "", &mutator);
  std::vector<std::string> files;
  const std::string problem = known.Parse({flags.begin(), flags.end()}, &files);
  if (!problem.empty()) return absl::InvalidArgumentError(problem);
  design_ = liveupdate::FindDesign(design);
  if (design_ == nullptr) return absl::InvalidArgumentError(UnknownDesign(design));
  if (keep_going_ && findings.empty()) {
    return absl::InvalidArgumentError("--keep_going: needs --findings=DIR, or nothing is kept");
  }
  if (mutator != "structured" && mutator != "plain") {
    return absl::InvalidArgumentError(
        absl::StrCat("--mutator=", mutator, ": no such mutator; use structured or plain"));
  }
  if (mutator == "structured") mutator_.emplace(&executor_, design_, limits_);
  if (!findings.empty()) {
    if (absl::Status made = MakeFolder(findings); !made.ok()) return made;
    files_.emplace(findings, design);
  }
  return ReadTolerated(tolerate);
}

// Words that are files are known programs; the others are about findings.
absl::Status ProgramTarget::ReadTolerated(const std::string& list) {
  std::vector<std::string> words;
  for (const absl::string_view part : absl::StrSplit(list, ',', absl::SkipEmpty())) {
    const std::string word(part);
    std::error_code error;
    if (!std::filesystem::exists(word, error)) {
      words.push_back(word);
      continue;
    }
    const absl::Status added = AddKnownFindings(word, *design_, &executor_, &known_);
    if (!added.ok()) return added;
  }
  flags_.tolerate = absl::StrJoin(words, ",");
  const std::string problem = flags_.Read(std::cin);
  return problem.empty() ? absl::OkStatus() : absl::InvalidArgumentError(problem);
}

size_t ProgramTarget::max_bytes() const {
  const size_t records = 2 * limits_.operations + limits_.faults + limits_.switches;
  return program::kHeaderBytes + program::kRecordBytes * records;
}

bool ProgramTarget::Counts(const Identity& identity) const {
  return flags_.policy.Wants(identity) && !known_.contains(identity);
}

// Those that the run shows, count, and are not kept already.
std::vector<Identity> ProgramTarget::NewFindings(const Program& program, const Execution& run) {
  std::vector<Identity> found;
  for (const spec::Violation& violation : run.violations) {
    const Identity identity = program::IdentityOf(program, violation);
    if (!Counts(identity)) continue;
    if (files_ && !files_->Lacks(identity, SizeOf(program))) continue;
    if (std::find(found.begin(), found.end(), identity) == found.end()) found.push_back(identity);
  }
  return found;
}

Program ProgramTarget::Witness(const Program& program, const Identity& identity) {
  Program smallest = program;
  smallest.title.clear();
  smallest = SmallestWitness(executor_, *design_, std::move(smallest), identity);
  const Heading heading{name_, std::string(design_->name()), identity};
  return WitnessProgram(executor_, *design_, std::move(smallest), heading);
}

// The report of the witness, which ends with the command that replays it.
void ProgramTarget::Tell(const Program& witness, const Identity& identity,
                         const std::string& replay) {
  const Execution& run = executor_.Run(*design_, witness, {.keep_worlds = true});
  const spec::Violation* violation = program::FindIdentity(witness, run, identity);
  IOMMUFD_CHECK(violation != nullptr, "a minimised program keeps its finding");
  const ReportOptions options{.design = std::string(design_->name()), .replay = replay};
  std::fputs(RenderReport(witness, run, executor_.events(), *violation, options).c_str(), stderr);
}

void ProgramTarget::Report(const Program& program, const std::vector<Identity>& findings) {
  for (const Identity& identity : findings) {
    const Program witness = Witness(program, identity);
    if (!files_) {
      // libFuzzer writes the file, and says where, when this process is gone.
      Tell(witness, identity,
           absl::StrCat("--bytes --design=", std::string(design_->name()), " CRASH-FILE"));
      std::abort();
    }
    const absl::StatusOr<std::string> path = files_->Keep(witness, identity);
    IOMMUFD_CHECK(path.ok(), "a finding is not lost: its folder can be written to");
    ++kept_;
    if (keep_going_) {
      std::fprintf(stderr, "%s: %s: iommufd-check run %s\n", name_.c_str(),
                   program::TextOf(identity).c_str(), path->c_str());
    } else {
      Tell(witness, identity, *path);
    }
  }
  if (!keep_going_) std::abort();
}

int ProgramTarget::Execute(std::span<const uint8_t> bytes) {
  IOMMUFD_CHECK(design_ != nullptr, "flags come before inputs");
  // None of these is for the corpus: a crash file is one that `run` reads.
  if (!program::VersionProblem(bytes).empty()) return -1;
  Program program = program::DecodeBytes(bytes);
  if (!Fits(program, limits_)) return -1;
  program::MaskToWidths(*design_, &program);
  const Execution& run = executor_.Run(*design_, program, {.digested = false});
  SetExtraCounters(program, executor_.events());
  // Nothing that is added behind an oops would run, so such a program is no parent.
  const int answer = run.end == sim::RunEnd::kCompleted ? 0 : -1;
  if (run.violations.empty()) return answer;
  const std::vector<Identity> findings = NewFindings(program, run);
  if (!findings.empty()) Report(program, findings);
  return answer;
}

}  // namespace iommufd_check::cli
