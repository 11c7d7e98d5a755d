// A machine with the image linux-6.12, for tests that are skipped, and say so, where it was not
// built.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "model/linux/host/machine.h"
#include "tests/support/subprocess.h"

namespace iommufd_check::linux_host {

inline std::string ImagePath() {
  return test_support::SourceRoot() + "/build/linux/linux-6.12/image.so";
}

// Of this thread; loaded once.
inline Machine* SharedMachine() {
  static absl::StatusOr<std::unique_ptr<Machine>> machine = Machine::Load(ImagePath());
  if (!machine.ok()) ADD_FAILURE() << machine.status();
  return machine.ok() ? machine->get() : nullptr;
}

class LinuxTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(ImagePath())) {
      GTEST_SKIP() << "NOT TESTED: no image; run fuzz/linux/build --package=linux-source-6.12";
    }
    machine_ = SharedMachine();
    ASSERT_NE(machine_, nullptr);
    Start({});
  }

  void Start(const MachineConfig& config, const CallPlan& plan = {}) {
    runtime_.Reset({.locks = &no_locks_});
    const absl::Status status = machine_->Start(config, &runtime_, plan);
    ASSERT_TRUE(status.ok()) << status;
  }

  // False: the run ended inside.
  bool Run(const std::function<void(sim::Task&)>& body) { return runtime_.RunSequential(body); }

  Machine* machine_ = nullptr;
  sim::LockTable no_locks_;
  sim::Runtime runtime_;
};

}  // namespace iommufd_check::linux_host
