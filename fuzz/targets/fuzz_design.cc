// Fuzz target: bytes -> a random design and a short program -> execution with all checks on. What
// it finds are failed checks of the tool itself; violations are what random designs are full of.
//
//   fuzz_design -runs=1000000 corpus        libFuzzer
//   fuzz_design --executions=1000000 [--seed=1]   every build: random bytes, counted, no corpus
//
// The first form replays files in builds without libFuzzer.

#include <cstdio>
#include <cstdlib>
#include <random>
#include <string_view>
#include <vector>

#include "absl/strings/numbers.h"
#include "fuzz/cli/exit_codes.h"
#include "fuzz/targets/random_design_run.h"

namespace iommufd_check::cli {
namespace {

RandomDesignRun& TheRun() {
  static RandomDesignRun run;
  return run;
}

[[noreturn]] void Usage(std::string_view argument) {
  std::fprintf(stderr, "fuzz_design: %.*s: known are --executions=N and --seed=N\n",
               static_cast<int>(argument.size()), argument.data());
  std::exit(static_cast<int>(ExitCode::kUsage));
}

uint64_t NumberOf(std::string_view argument, size_t prefix) {
  uint64_t number = 0;
  if (!absl::SimpleAtoi(std::string(argument.substr(prefix)), &number)) Usage(argument);
  return number;
}

[[noreturn]] void Loop(uint64_t executions, uint64_t seed) {
  std::printf("fuzz_design: %llu executions, seed %llu\n",
              static_cast<unsigned long long>(executions), static_cast<unsigned long long>(seed));
  std::mt19937_64 random(seed);
  std::vector<uint8_t> bytes;
  for (uint64_t i = 0; i < executions; ++i) {
    RandomDesignRun::FillRandom(random, &bytes);
    TheRun().Execute(bytes);
  }
  std::fputs(TheRun().Summary().c_str(), stdout);
  std::exit(executions > 0 ? 0 : static_cast<int>(ExitCode::kUsage));
}

}  // namespace
}  // namespace iommufd_check::cli

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
  using namespace iommufd_check::cli;
  uint64_t executions = 0;
  uint64_t seed = 1;
  bool loop = false;
  for (int i = 1; i < *argc; ++i) {
    const std::string_view argument = (*argv)[i];
    if (argument.rfind("--executions=", 0) == 0) {
      executions = NumberOf(argument, 13);
      loop = true;
    } else if (argument.rfind("--seed=", 0) == 0) {
      seed = NumberOf(argument, 7);
    } else if (argument.rfind("--", 0) == 0) {
      Usage(argument);
    }
  }
  if (loop) Loop(executions, seed);
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  iommufd_check::cli::TheRun().Execute({data, size});
  return 0;
}
