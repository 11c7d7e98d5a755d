// Accesses that go astray in guarded code become calls, on the stack where they happened.
#include "model/linux/host/fault_guard.h"

#include <gtest/gtest.h>

#include <csetjmp>
#include <cstring>

namespace iommufd_check::linux_host {
namespace {

struct Landed {
  std::jmp_buf back = {};
  Fault fault;
  int times = 0;
};

void Land(void* context, const Fault& fault) {
  auto* landed = static_cast<Landed*>(context);
  landed->fault = fault;
  ++landed->times;
  std::longjmp(landed->back, 1);
}

__attribute__((noinline)) char ReadAt(uintptr_t address) {
  return *reinterpret_cast<volatile const char*>(address);
}

// The functions of this process: what is guarded is told by a range of addresses.
const void* Code() { return reinterpret_cast<const void*>(&ReadAt); }
constexpr size_t kCodeBytes = 256;

bool FaultsAt(uintptr_t address, Landed* landed) {
  const FaultGuard guard(Code(), kCodeBytes, &Land, landed);
  if (setjmp(landed->back) != 0) return true;
  ReadAt(address);
  return false;
}

TEST(FaultGuard, AWildReadLands) {
  Landed landed;
  EXPECT_TRUE(FaultsAt(8, &landed));
  EXPECT_EQ(landed.times, 1);
  EXPECT_EQ(landed.fault.address, 8u);
  EXPECT_FALSE(landed.fault.no_address);
  EXPECT_GE(landed.fault.instruction, Code());
}

TEST(FaultGuard, WhatIsReadFromAFreedObjectIsNoAddress) {
  Landed landed;
  EXPECT_TRUE(FaultsAt(0x6b6b6b6b6b6b6b6b, &landed));
  EXPECT_TRUE(landed.fault.no_address);
}

TEST(FaultGuard, ItIsThereForTheNextOne) {
  Landed landed;
  const char good = 1;
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(FaultsAt(16, &landed));
  EXPECT_FALSE(FaultsAt(reinterpret_cast<uintptr_t>(&good), &landed));
  EXPECT_EQ(landed.times, 3);
}

TEST(FaultGuardDeathTest, OtherCodeFaultsAsEver) {
  Landed landed;
  const FaultGuard guard(&landed, 1, &Land, &landed);
  EXPECT_DEATH(ReadAt(8), "");
  EXPECT_EQ(landed.times, 0);
}

}  // namespace
}  // namespace iommufd_check::linux_host
