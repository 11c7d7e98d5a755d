// libFuzzer target: bytes -> program -> execution under one design; a violation aborts.
//
// Own flags (libFuzzer ignores what starts with two dashes): --design=NAME, default reference;
// --invariants=I05,... makes only these count. Standard libFuzzer flags and corpora as usual.

#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "fuzz/exit_codes.h"
#include "fuzz/record_mutator.h"
#include "fuzz/report.h"
#include "model/liveupdate/designs/registry.h"
#include "model/program/byte_codec.h"
#include "model/program/executor.h"
#include "model/program/text_codec.h"

extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t max_size);

namespace iommufd_check::cli {
namespace {

// Longer programs find nothing that shorter ones do not, and cost their length.
constexpr size_t kMaxFuzzOperations = 48;

struct Target {
  liveupdate::Design* design = nullptr;
  std::vector<spec::Invariant> invariants;  // empty: all
  program::Executor executor;
};

Target& TheTarget() {
  static Target target;
  return target;
}

[[noreturn]] void Usage(const std::string& message) {
  std::fprintf(stderr, "fuzz_program: %s\n", message.c_str());
  std::exit(static_cast<int>(ExitCode::kUsage));
}

void SetDesign(std::string_view name) {
  TheTarget().design = liveupdate::FindDesign(name);
  if (TheTarget().design == nullptr) {
    Usage("--design=" + std::string(name) +
          ": no such design; `iommufd-check list designs` names them");
  }
}

void SetInvariants(std::string_view list) {
  for (absl::string_view word : absl::StrSplit(absl::string_view(list.data(), list.size()), ',')) {
    const auto invariant = spec::InvariantFromName(std::string_view(word.data(), word.size()));
    if (!invariant.has_value()) {
      Usage("--invariants: no invariant `" + std::string(word) +
            "`; `iommufd-check list invariants` names them");
    }
    TheTarget().invariants.push_back(*invariant);
  }
}

const spec::Violation* FirstWanted(const Target& target, const program::Execution& run) {
  if (run.violations.empty()) return nullptr;
  if (target.invariants.empty()) return &run.violations.front();
  for (spec::Invariant invariant : target.invariants) {
    if (const spec::Violation* violation = run.Find(invariant)) return violation;
  }
  return nullptr;
}

}  // namespace
}  // namespace iommufd_check::cli

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
  using namespace iommufd_check;
  std::string_view design = "reference";
  for (int i = 1; i < *argc; ++i) {
    const std::string_view argument = (*argv)[i];
    if (argument.rfind("--design=", 0) == 0) {
      design = argument.substr(9);
    } else if (argument.rfind("--invariants=", 0) == 0) {
      cli::SetInvariants(argument.substr(13));
    } else if (argument.rfind("--", 0) == 0) {
      cli::Usage(std::string(argument) + ": unknown flag; known are --design and --invariants");
    }
  }
  cli::SetDesign(design);
  return 0;
}

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size,
                                          unsigned seed) {
  return iommufd_check::cli::MutateRecords(data, size, max_size, seed, &LLVMFuzzerMutate);
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace iommufd_check;
  cli::Target& target = cli::TheTarget();
  program::Program program = program::DecodeBytes({data, size});
  if (program.operations.size() > cli::kMaxFuzzOperations) return -1;  // not for the corpus
  const program::Execution& run = target.executor.Run(*target.design, program, {});
  const spec::Violation* violation = cli::FirstWanted(target, run);
  if (violation == nullptr) return 0;
  program.design = std::string(target.design->name());
  const std::string report =
      cli::RenderReport(program, run, target.executor.events(), *violation, {});
  std::fputs(report.c_str(), stderr);
  std::abort();
}
