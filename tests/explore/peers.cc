#include "tests/explore/peers.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <regex>

#include "tests/support/subprocess.h"

namespace iommufd_check::explore::support {
namespace {

using iommufd_check::test_support::RunProgram;
using iommufd_check::test_support::RunResult;

double UserSeconds(int who) {
  rusage usage = {};
  EXPECT_EQ(getrusage(who, &usage), 0);
  return static_cast<double>(usage.ru_utime.tv_sec) +
         static_cast<double>(usage.ru_utime.tv_usec) * 1e-6;
}

// A folder of its own, removed at the end.
class Workshop {
 public:
  Workshop() {
    std::string name = ::testing::TempDir() + "/peer-XXXXXX";
    EXPECT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  ~Workshop() { std::filesystem::remove_all(folder_); }

  void Write(const std::string& name, const std::string& text) {
    std::ofstream(folder_ + "/" + name) << text;
  }
  RunResult Shell(const std::string& command) {
    return RunProgram({"sh", "-c", "cd '" + folder_ + "' && " + command});
  }

 private:
  std::string folder_;
};

// The number before `what`.
std::uint64_t NumberBefore(const std::string& text, const std::string& what) {
  std::smatch match;
  if (!std::regex_search(text, match, std::regex("([0-9]+) " + what))) {
    ADD_FAILURE() << "no number before '" << what << "' in:\n" << text;
    return 0;
  }
  return std::stoull(match[1]);
}

const char* Optimization(ProgramSize size) { return size == ProgramSize::kLarge ? "-O3" : "-O1"; }

PeerResult Timed(Workshop* workshop, const std::string& command) {
  PeerResult result;
  const double before = UserSeconds(RUSAGE_CHILDREN);
  const RunResult run = workshop->Shell(command);
  result.cpu_seconds = UserSeconds(RUSAGE_CHILDREN) - before;
  result.violated = run.status != 0;
  result.log = run.out + run.err;
  return result;
}

}  // namespace

bool HasPeer(const std::string& tool) {
  return RunProgram({"sh", "-c", "command -v " + tool + " && command -v cc"}).status == 0;
}

PeerResult RunSpin(const std::string& promela, ProgramSize size) {
  Workshop workshop;
  workshop.Write("model.pml", promela);
  const RunResult built =
      workshop.Shell(std::string("spin -a model.pml && cc -w -DSAFETY -DNOREDUCE -o pan pan.c ") +
                     Optimization(size));
  EXPECT_EQ(built.status, 0) << built.out << built.err;
  PeerResult result = Timed(&workshop, "./pan -E -m4000000 -w24");
  // Its exit status is 0 whatever it found, so only its words count.
  EXPECT_EQ(result.log.find("max search depth too small"), std::string::npos) << result.log;
  result.violated = result.log.find("errors: 0") == std::string::npos;
  const bool stopped = result.log.find("Search not completed") != std::string::npos;
  EXPECT_EQ(stopped, result.violated) << result.log;
  result.states = NumberBefore(result.log, "states, stored");
  result.transitions = NumberBefore(result.log, "transitions") - 1;
  return result;
}

PeerResult RunRumur(const std::string& murphi, ProgramSize size) {
  Workshop workshop;
  workshop.Write("model.m", murphi);
  const RunResult built = workshop.Shell(
      std::string("rumur --threads 1 --symmetry-reduction exhaustive --output model.c model.m && "
                  "cc -w -std=c11 -mcx16 -o checker model.c -lpthread ") +
      Optimization(size));
  EXPECT_EQ(built.status, 0) << built.out << built.err;
  PeerResult result = Timed(&workshop, "./checker");
  result.states = NumberBefore(result.log, "states, [0-9]+ rules");
  result.transitions = NumberBefore(result.log, "rules fired in");
  return result;
}

double OwnCpuSeconds() { return UserSeconds(RUSAGE_SELF); }

}  // namespace iommufd_check::explore::support
