// Runs a program and keeps what it printed, for tests of command lines and exit codes.
//
//   const RunResult run = RunProgram({BinDir() + "/iommufd-check", "--help"});
//   EXPECT_EQ(run.status, 0) << run.err;
#pragma once

#include <string>
#include <vector>

namespace iommufd_check::test_support {

struct RunResult {
  int status = 0;   // The exit status; 128 + n after signal n; 127 when it could not be started.
  std::string out;  // Standard output.
  std::string err;  // Standard error.
};

// Runs argv[0], looked up in PATH, with /dev/null as standard input, and waits for it.
RunResult RunProgram(const std::vector<std::string>& argv);

// The repository root, and the folder of built binaries.
std::string SourceRoot();
std::string BinDir();

}  // namespace iommufd_check::test_support
