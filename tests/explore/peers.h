// Other model checkers, run on programs that the models emit, and what they counted.
//
//   if (!HasPeer("spin")) GTEST_SKIP();
//   PeerResult result = RunSpin(program, ProgramSize::kSmall);
#pragma once

#include <cstdint>
#include <string>

namespace iommufd_check::explore::support {

struct PeerResult {
  std::uint64_t states = 0;
  std::uint64_t transitions = 0;  // Without the initial one.
  bool violated = false;
  double cpu_seconds = 0;  // User time of the search itself, not of compiling it.
  std::string log;         // Everything it printed, for a failure's message.
};

// Whether the tool and a C compiler for its output can be run.
bool HasPeer(const std::string& tool);

// Small programs take longer to compile than to run.
enum class ProgramSize { kSmall, kLarge };

// Exhaustive, without reductions. Fails the current test when the run was incomplete.
PeerResult RunSpin(const std::string& promela, ProgramSize size);

// With exhaustive symmetry reduction where the program has scalarsets.
PeerResult RunRumur(const std::string& murphi, ProgramSize size);

// This process's user time so far, in seconds.
double OwnCpuSeconds();

}  // namespace iommufd_check::explore::support
