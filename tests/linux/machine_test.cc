// Linux's own code on a machine: system calls by hand, resets, failing calls, complaints.
#include "model/mm/machine.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "model/uapi/abi.h"
#include "tests/linux/linux_fixture.h"

namespace iommufd_check::linux_host {
namespace {

namespace abi = uapi::abi;
using sim::Task;

class MachineTest : public LinuxTest {
 protected:
  unsigned AllocIoas(Task& t, int fd) {
    abi::IoasAlloc arguments;
    EXPECT_EQ(machine_->Ioctl(t, fd, abi::kIoasAlloc, &arguments), 0);
    return arguments.out_ioas_id;
  }
  long Map(Task& t, int fd, unsigned ioas, uint64_t iova, uint64_t length) {
    abi::IoasMap arguments{.flags = abi::kFixedIova | abi::kWriteable | abi::kReadable,
                           .ioas_id = ioas,
                           .user_va = mm::UserAddressOf(0),
                           .length = length,
                           .iova = iova};
    return machine_->Ioctl(t, fd, abi::kIoasMap, &arguments);
  }
  long Unmap(Task& t, int fd, unsigned ioas, uint64_t iova, uint64_t length) {
    abi::IoasUnmap arguments{.ioas_id = ioas, .iova = iova, .length = length};
    return machine_->Ioctl(t, fd, abi::kIoasUnmap, &arguments);
  }
  // An iommufd with device 0 attached to a HWPT.
  struct Attached {
    int fd = -1;
    unsigned ioas = 0;
    unsigned device = 0;
    unsigned hwpt = 0;
  };
  Attached Attach(Task& t) {
    Attached made;
    made.fd = static_cast<int>(machine_->OpenIommu(t));
    EXPECT_GE(made.fd, 0);
    made.ioas = AllocIoas(t, made.fd);
    EXPECT_EQ(machine_->DeviceBind(t, made.fd, 0, &made.device), 0);
    abi::HwptAlloc arguments{.dev_id = made.device, .pt_id = made.ioas};
    EXPECT_EQ(machine_->Ioctl(t, made.fd, abi::kHwptAlloc, &arguments), 0);
    made.hwpt = arguments.out_hwpt_id;
    EXPECT_EQ(machine_->DeviceAttach(t, 0, made.hwpt), 0);
    return made;
  }
  void TearDownAttached(Task& t, const Attached& made) {
    EXPECT_EQ(machine_->DeviceUnbind(t, 0), 0);
    EXPECT_EQ(machine_->Close(t, made.fd), 0);
  }
};

TEST_F(MachineTest, ALifeLeavesNothingBehind) {
  ASSERT_TRUE(Run([&](Task& t) {
    const Attached made = Attach(t);
    EXPECT_EQ(made.ioas, 1u);
    EXPECT_EQ(made.device, 2u);
    EXPECT_EQ(made.hwpt, 3u);
    EXPECT_EQ(Map(t, made.fd, made.ioas, 0x10000, 0x3000), 0);
    EXPECT_EQ(Map(t, made.fd, made.ioas, 0x11000, 0x1000), -sim::kEEXIST);
    EXPECT_FALSE(machine_->Remains().empty());
    EXPECT_EQ(Unmap(t, made.fd, made.ioas, 0x10000, 0x1000), -sim::kENOENT);
    EXPECT_EQ(Unmap(t, made.fd, made.ioas, 0x10000, 0x3000), 0);
    TearDownAttached(t, made);
  }));
  EXPECT_EQ(machine_->Remains(), std::vector<std::string>{});
  EXPECT_TRUE(machine_->complaints().empty());
}

TEST_F(MachineTest, DmaFindsThePagesOfTheBuffer) {
  ASSERT_TRUE(Run([&](Task& t) {
    const Attached made = Attach(t);
    EXPECT_EQ(Map(t, made.fd, made.ioas, 0x10000, 0x4000), 0);
    for (uint64_t page = 0; page < 4; ++page) {
      unsigned permissions = 0;
      EXPECT_EQ(machine_->Translate(0, 0x10000 + page * 0x1000, &permissions),
                machine_->UserPage(mm::UserAddressOf(0) + page * 0x1000));
      EXPECT_EQ(permissions, 3u);
      EXPECT_EQ(machine_->Translate(0, 0x14000 + page * 0x1000, &permissions), 0u);
    }
    TearDownAttached(t, made);
    unsigned permissions = 0;
    EXPECT_EQ(machine_->Translate(0, 0x10000, &permissions), 0u);
  }));
}

TEST_F(MachineTest, EachRunBeginsWhereBootEnded) {
  uint64_t digest = 0;
  uint64_t steps = 0;
  for (int run = 0; run < 3; ++run) {
    Start({});
    // Without an exit: what is left is taken away by the reset.
    ASSERT_TRUE(Run([&](Task& t) { Map(t, Attach(t).fd, 1, 0x10000, 0x1000); }));
    if (run == 0) digest = runtime_.log().digest();
    if (run == 0) steps = runtime_.total_steps();
    EXPECT_EQ(runtime_.log().digest(), digest);
    EXPECT_EQ(runtime_.total_steps(), steps);
  }
  EXPECT_GT(steps, 50u);
  Start({});
  EXPECT_EQ(machine_->Remains(), std::vector<std::string>{});
}

TEST_F(MachineTest, AResetLeavesNoByteOfARun) {
  const uint64_t booted = machine_->StateDigest();
  ASSERT_TRUE(Run([&](Task& t) { Map(t, Attach(t).fd, 1, 0x10000, 0x1000); }));
  EXPECT_NE(machine_->StateDigest(), booted);
  Start({});
  EXPECT_EQ(machine_->StateDigest(), booted);
  // A boot in between leaves none either.
  Start({.devices = 2});
  EXPECT_NE(machine_->StateDigest(), booted);
  Start({});
  EXPECT_EQ(machine_->StateDigest(), booted);
}

TEST_F(MachineTest, AMachineBootsAnewWithOtherDevices) {
  Start({.devices = 3, .buffers = 2, .buffer_pages = 7});
  unsigned id = 0;
  ASSERT_TRUE(Run([&](Task& t) {
    const int fd = static_cast<int>(machine_->OpenIommu(t));
    EXPECT_EQ(machine_->DeviceBind(t, fd, 2, &id), 0);
    EXPECT_EQ(machine_->DeviceBind(t, fd, 2, &id), -sim::kEBUSY);
    EXPECT_EQ(machine_->DeviceBind(t, fd, 3, &id), -sim::kENODEV);
    EXPECT_EQ(machine_->DeviceUnbind(t, 2), 0);
    EXPECT_EQ(machine_->Close(t, fd), 0);
    EXPECT_EQ(machine_->DeviceBind(t, fd, 2, &id), -sim::kEBADF);
  }));
  EXPECT_EQ(machine_->Remains(), std::vector<std::string>{});
}

// Whichever call fails, the kernel undoes what it has done: each of them, and each with the next,
// since a failed allocation of an xarray is tried again.
TEST_F(MachineTest, NoFailingCallLeavesAnythingBehind) {
  const auto life = [&](Task& t) {
    const int fd = static_cast<int>(machine_->OpenIommu(t));
    abi::IoasAlloc ioas;
    machine_->Ioctl(t, fd, abi::kIoasAlloc, &ioas);
    unsigned device = 0;
    const bool bound = machine_->DeviceBind(t, fd, 0, &device) == 0;
    abi::HwptAlloc hwpt{.dev_id = device, .pt_id = ioas.out_ioas_id};
    machine_->Ioctl(t, fd, abi::kHwptAlloc, &hwpt);
    machine_->DeviceAttach(t, 0, hwpt.out_hwpt_id);
    Map(t, fd, ioas.out_ioas_id, 0x10000, 0x4000);
    Unmap(t, fd, ioas.out_ioas_id, 0x10000, 0x4000);
    if (bound) machine_->DeviceUnbind(t, 0);
    machine_->Close(t, fd);
  };
  ASSERT_TRUE(Run(life));
  const uint64_t calls = machine_->calls_that_can_fail();
  EXPECT_GT(calls, 20u);
  for (const uint64_t count : {1u, 2u}) {
    for (uint64_t first = 1; first <= calls; ++first) {
      Start({}, {.first = first, .count = count});
      EXPECT_TRUE(Run(life)) << "call " << first;
      EXPECT_EQ(machine_->Remains(), std::vector<std::string>{}) << "call " << first;
      for (const Complaint& complaint : machine_->complaints()) {
        ADD_FAILURE() << "call " << first << ": " << complaint.text;
      }
    }
  }
}

TEST_F(MachineTest, LockOrdersAreThoseOfTheSource) {
  ASSERT_TRUE(Run([&](Task& t) {
    const Attached made = Attach(t);
    Map(t, made.fd, made.ioas, 0x10000, 0x1000);
    TearDownAttached(t, made);
  }));
  const std::vector<std::string> orders = machine_->LockOrders();
  EXPECT_NE(std::find(orders.begin(), orders.end(), "&ioas->mutex -> &iopt->domains_rwsem"),
            orders.end());
  EXPECT_EQ(std::find(orders.begin(), orders.end(), "&iopt->domains_rwsem -> &ioas->mutex"),
            orders.end());
}

TEST(MachineFile, WhatIsNoImageIsRefused) {
  EXPECT_EQ(Machine::Load("/nowhere/image.so").status().code(), absl::StatusCode::kNotFound);
  const auto refused = Machine::Load(test_support::SourceRoot() + "/README.md");
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_NE(refused.status().message().find("fuzz/linux/build"), std::string::npos);
}

}  // namespace
}  // namespace iommufd_check::linux_host
