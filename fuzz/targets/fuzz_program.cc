// libFuzzer target: bytes -> program -> execution under one design; a violation aborts.
//
// Own flags (libFuzzer ignores what starts with two dashes): --design=NAME, default reference;
// --tolerate=... and --only=... say which findings count, as for iommufd-check. Standard libFuzzer
// flags and corpora as usual.

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <string>
#include <string_view>
#include <vector>

#include "fuzz/cli/exit_codes.h"
#include "fuzz/cli/finding_flags.h"
#include "fuzz/report/report.h"
#include "fuzz/report/witness.h"
#include "fuzz/targets/extra_counters.h"
#include "fuzz/targets/record_mutator.h"
#include "model/liveupdate/designs/registry.h"
#include "model/program/bytes/byte_codec.h"
#include "model/program/execute/executor.h"
#include "model/program/identity.h"
#include "model/program/widths.h"
#include "model/sim/check.h"

extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t max_size);

namespace iommufd_check::cli {
namespace {

// Longer programs find nothing that shorter ones do not, and cost their length. Every page of a
// memfd is a step of its own when it is preserved.
constexpr size_t kMaxFuzzOperations = 24;
constexpr size_t kMaxFuzzBytes = 8 + 12 * (kMaxFuzzOperations + 8);
constexpr uint32_t kMaxFuzzPages = 16;

// A truncate to more than the machine can hold is refused, and so costs nothing.
bool GrowsTooMuch(const program::Operation& operation) {
  if (operation.code != program::OpCode::kMemfdTruncate) return false;
  const uint64_t size = operation.arguments[1].value;
  return size > kMaxFuzzPages * mm::kPageSize && size <= mm::Machine::kMaxMemfdBytes;
}

bool TooLarge(const program::Program& program) {
  return program.operations.size() > kMaxFuzzOperations ||
         program.boot.memfd_pages > kMaxFuzzPages || program.boot.buffer_pages > kMaxFuzzPages ||
         std::any_of(program.operations.begin(), program.operations.end(), GrowsTooMuch);
}

struct Target {
  liveupdate::Design* design = nullptr;
  FindingFlags findings;
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

const spec::Violation* FirstWanted(const Target& target, const program::Program& program,
                                   const program::Execution& run) {
  for (const spec::Violation& violation : run.violations) {
    if (target.findings.policy.Wants(IdentityOf(program, violation))) return &violation;
  }
  return nullptr;
}

// Appends a fault at one of the sites that the program comes past; 0 when it has none or no room.
size_t AddVisitedFault(uint8_t* data, size_t size, size_t max_size, unsigned choice) {
  Target& target = TheTarget();
  program::Program program = program::DecodeBytes({data, size});
  if (TooLarge(program) || program.faults.size() >= 4) return 0;
  program::MaskToWidths(*target.design, &program);
  const program::Execution& run = target.executor.Run(*target.design, program, {});
  if (run.sites.empty()) return 0;
  const program::SiteVisit& visit = run.sites[choice % run.sites.size()];
  program.faults.push_back({visit.operation, visit.site, visit.nth});
  const std::vector<uint8_t> bytes = program::EncodeBytes(program);
  if (bytes.size() > max_size) return 0;
  std::copy(bytes.begin(), bytes.end(), data);
  return bytes.size();
}

// Prints the report of the smallest program with the same finding, and aborts: libFuzzer keeps the
// input that it was.
[[noreturn]] void Fail(program::Program program, const program::Identity& identity) {
  Target& target = TheTarget();
  program.title.clear();
  program = SmallestWitness(target.executor, *target.design, std::move(program), identity);
  program::RunOptions options;
  options.keep_worlds = true;
  const program::Execution& run = target.executor.Run(*target.design, program, options);
  const spec::Violation* violation = FindIdentity(program, run, identity);
  IOMMUFD_CHECK(violation != nullptr, "a minimised program keeps its finding");
  ReportOptions report;
  report.design = std::string(target.design->name());
  std::fputs(RenderReport(program, run, target.executor.events(), *violation, report).c_str(),
             stderr);
  std::abort();
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
    } else if (argument.rfind("--tolerate=", 0) == 0) {
      cli::TheTarget().findings.tolerate = std::string(argument.substr(11));
    } else if (argument.rfind("--only=", 0) == 0) {
      cli::TheTarget().findings.only = std::string(argument.substr(7));
    } else if (argument.rfind("--", 0) == 0) {
      cli::Usage(std::string(argument) +
                 ": unknown flag; known are --design, --tolerate and --only");
    }
  }
  if (const std::string problem = cli::TheTarget().findings.Read(std::cin); !problem.empty()) {
    cli::Usage(problem);
  }
  cli::SetDesign(design);
  return 0;
}

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size,
                                          unsigned seed) {
  using namespace iommufd_check;
  max_size = std::min(max_size, cli::kMaxFuzzBytes);
  size = std::min(size, max_size);
  // One mutation in eight lets a call fail that the program is known to make.
  if (seed % 8 == 0) {
    if (const size_t grown = cli::AddVisitedFault(data, size, max_size, seed / 8)) return grown;
  }
  return cli::MutateRecords(data, size, max_size, seed, &LLVMFuzzerMutate);
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace iommufd_check;
  cli::Target& target = cli::TheTarget();
  program::Program program = program::DecodeBytes({data, size});
  if (cli::TooLarge(program)) return -1;  // not for the corpus
  program::MaskToWidths(*target.design, &program);
  const program::Execution& run = target.executor.Run(*target.design, program, {.digested = false});
  const spec::Violation* violation = cli::FirstWanted(target, program, run);
  cli::SetExtraCounters(program, target.executor.events());
  if (violation == nullptr) return 0;
  const program::Identity identity = IdentityOf(program, *violation);
  cli::Fail(std::move(program), identity);
}
