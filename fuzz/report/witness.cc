#include "fuzz/report/witness.h"

#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"

namespace iommufd_check::cli {

std::string HeadingText(const Heading& heading) {
  const program::Identity& identity = heading.identity;
  std::string text =
      absl::StrCat(heading.found_by, ": ", heading.design, " violates ",
                   std::string(spec::IdOf(identity.invariant)), " ",
                   std::string(spec::NameOf(identity.invariant)), " at ", OperationOf(identity));
  if (heading.preemptions >= 0) {
    absl::StrAppend(&text, ", with ", heading.preemptions,
                    heading.preemptions == 1 ? " preemption" : " preemptions");
  }
  absl::StrAppend(&text, ".\n", TextOf(identity));
  for (const program::Identity& other : heading.also) {
    absl::StrAppend(&text, "\nalso ", TextOf(other));
  }
  return text;
}

program::Program WitnessProgram(program::Executor& executor, liveupdate::Design& design,
                                program::Program witness, const Heading& heading) {
  witness.title = HeadingText(heading);
  witness.expected.clear();
  witness.also.clear();
  const program::Execution& execution = executor.Run(design, witness);
  if (FindIdentity(witness, execution, heading.identity) != nullptr) {
    return AsFinding(std::move(witness), execution, heading.identity, heading.design);
  }
  witness.design = heading.design;
  return witness;
}

program::Program SmallestWitness(program::Executor& executor, liveupdate::Design& design,
                                 program::Program witness, const program::Identity& identity,
                                 program::MinimiseStats* stats, uint64_t max_executions) {
  witness.expected.clear();
  witness.also.clear();
  const auto still_shown = [&](const program::Program& candidate) {
    return FindIdentity(candidate, executor.Run(design, candidate), identity) != nullptr;
  };
  return program::Minimise(std::move(witness), still_shown, stats, max_executions);
}

std::string FileStem(const program::Identity& identity) {
  return absl::StrReplaceAll(TextOf(identity), {{"@", "-"}, {":", "-"}});
}

absl::Status MakeFolder(const std::string& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) return absl::PermissionDeniedError(folder + ": cannot be created");
  return absl::OkStatus();
}

}  // namespace iommufd_check::cli
