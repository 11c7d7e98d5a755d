// Ids, devices, HWPTs, DESTROY and close: objects.md sections 2, 4, 6 and 7, uapi.md section 9.

#include "tests/spec/oracle_fixture.h"

namespace iommufd_check::spec {
namespace {

using OracleObjectsTest = OracleTest;
using OracleHwptTest = OracleWithHwptTest;

TEST_F(OracleObjectsTest, IdsAreTheLowestFree) {
  EXPECT_EQ(IoasAlloc(), (Prediction{.created_id = 1}));
  EXPECT_EQ(IoasAlloc().created_id, 2U);
  EXPECT_EQ(Bind(1), (Prediction{.created_id = 3}));
  EXPECT_EQ(Result(Destroy(1)), "0");
  EXPECT_EQ(HwptAlloc(3, 2).created_id, 1U);
  EXPECT_EQ(IoasAlloc().created_id, 4U);
}

TEST_F(OracleObjectsTest, Bind) {
  EXPECT_EQ(Result(Bind(2)), "ENODEV");
  EXPECT_EQ(Result(Bind(0)), "0");
  EXPECT_EQ(Result(Bind(0)), "EBUSY");
  EXPECT_EQ(Result(Unbind(1)), "0");
  EXPECT_EQ(Result(Unbind(1)), "ENOENT");
  EXPECT_EQ(Result(Bind(0)), "0");
  EXPECT_EQ(Result(Close()), "0");
  EXPECT_EQ(Result(Bind(7)), "EBADF");
}

TEST_F(OracleHwptTest, AttachChecksInOrder) {
  EXPECT_EQ(Result(Attach(9, 9)), "ENOENT");
  EXPECT_EQ(Result(Attach(kIoas, kHwpt)), "ENOENT");  // not a device
  EXPECT_EQ(Result(Attach(kDevice, 9)), "ENOENT");
  EXPECT_EQ(Result(Attach(kDevice, kIoas)), "EINVAL");
  EXPECT_EQ(Result(Attach(kDevice, kDevice)), "EINVAL");
  EXPECT_EQ(Result(Attach(kDevice, kHwpt)), "0");
  EXPECT_EQ(Result(Attach(kDevice, kHwpt)), "EBUSY");
  EXPECT_EQ(Result(Attach(kDevice, kIoas)), "EINVAL");
}

TEST_F(OracleHwptTest, Detach) {
  EXPECT_EQ(Result(Detach(kIoas)), "ENOENT");
  EXPECT_EQ(Result(Detach(kDevice)), "0");  // not attached
  EXPECT_EQ(Result(Attach(kDevice, kHwpt)), "0");
  EXPECT_EQ(Result(Destroy(kHwpt)), "EBUSY");
  EXPECT_EQ(Result(Detach(kDevice)), "0");
  EXPECT_EQ(Result(Destroy(kHwpt)), "0");
}

TEST_F(OracleHwptTest, UnbindDetachesFirst) {
  EXPECT_EQ(Result(Attach(kDevice, kHwpt)), "0");
  EXPECT_EQ(Result(Unbind(kHwpt)), "ENOENT");
  EXPECT_EQ(Result(Unbind(kDevice)), "0");
  EXPECT_EQ(Result(Destroy(kHwpt)), "0");
}

TEST_F(OracleHwptTest, Destroy) {
  EXPECT_EQ(Result(Destroy(0)), "ENOENT");
  EXPECT_EQ(Result(Destroy(9)), "ENOENT");
  EXPECT_EQ(Result(Destroy(kDevice)), "EBUSY");  // its driver
  EXPECT_EQ(Result(Destroy(kIoas)), "EBUSY");    // its HWPT
  EXPECT_EQ(Result(Map(kIoas, {.iova = 0x1000})), "0");
  EXPECT_EQ(Result(Destroy(kHwpt)), "0");
  EXPECT_EQ(Result(Destroy(kIoas)), "0");  // areas do not keep it
  EXPECT_EQ(Result(Destroy(kIoas)), "ENOENT");
}

TEST_F(OracleHwptTest, HwptAllocChecksInOrder) {
  EXPECT_EQ(Result(HwptAlloc(9, 9)), "ENOENT");
  EXPECT_EQ(Result(HwptAlloc(0, kIoas)), "ENOENT");
  EXPECT_EQ(Result(HwptAlloc(kIoas, kIoas)), "ENOENT");
  EXPECT_EQ(Result(HwptAlloc(kDevice, 0)), "EINVAL");
  EXPECT_EQ(Result(HwptAlloc(kDevice, 9)), "EINVAL");
  EXPECT_EQ(Result(HwptAlloc(kDevice, kDevice)), "EINVAL");
  EXPECT_EQ(Result(HwptAlloc(kDevice, kHwpt)), "EOPNOTSUPP");
}

// Areas that a first domain cannot take: alignment and aperture before any pinning.
TEST_F(OracleObjectsTest, AreasThatDoNotFitADomain) {
  struct Vector {
    Range range;
    std::string result;
  };
  const uint64_t end = uint64_t{1} << 39;
  const std::vector<Vector> vectors = {
      {{.iova = 0x1000}, "0"},
      {{.iova = 0x1000, .length = 100}, "EADDRINUSE"},
      {{.iova = 0x1800}, "EADDRINUSE"},
      {{.iova = 0x1000, .offset = 0x800}, "EADDRINUSE"},
      {{.iova = end}, "EADDRINUSE"},
      {{.iova = end - 0x1000, .length = 0x2000}, "EADDRINUSE"},
      {{.iova = end - 0x1000}, "0"},
      {{.iova = end, .offset = 0x100000}, "EADDRINUSE"},
      {{.iova = 0x1000, .offset = 0x100000}, "EFAULT"},
      {{.iova = 0x1000, .length = 0x5000}, "EFAULT"},
  };
  EXPECT_EQ(Result(Bind(0)), "0");
  for (size_t i = 0; i < vectors.size(); ++i) {
    const uint32_t ioas = IoasAlloc().created_id;
    EXPECT_EQ(Result(Map(ioas, vectors[i].range)), "0") << "vector " << i;
    EXPECT_EQ(Result(HwptAlloc(1, ioas)), vectors[i].result) << "vector " << i;
    // A refusal leaves no domain behind.
    if (vectors[i].result != "0") {
      EXPECT_EQ(Result(Map(ioas, {.iova = 0x9001, .length = 1})), "0");
    }
  }
}

TEST_F(OracleObjectsTest, TheFirstDomainPinsInIovaOrder) {
  EXPECT_EQ(Bind(0).created_id, 1U);
  EXPECT_EQ(IoasAlloc().created_id, 2U);
  EXPECT_EQ(Result(Map(2, {.iova = 0x5000, .source = 9})), "0");
  EXPECT_EQ(Result(MapFile(2, {.iova = 0x1000, .offset = 0x4000})), "0");
  EXPECT_EQ(Result(HwptAlloc(1, 2)), "EINVAL");  // the file's end
  EXPECT_EQ(Result(Truncate(0, 0x5000)), "0");
  EXPECT_EQ(Result(HwptAlloc(1, 2)), "EFAULT");  // then the missing buffer
  EXPECT_EQ(Result(Unmap(2, 0x5000, 0x1000)), "0");
  EXPECT_EQ(HwptAlloc(1, 2).created_id, 3U);
  // A second domain takes the pages from the first: the file may have shrunk since.
  EXPECT_EQ(Result(Truncate(0, 0)), "0");
  EXPECT_EQ(Result(HwptAlloc(1, 2)), "0");
}

TEST_F(OracleHwptTest, CloseKeepsWhatDevicesHold) {
  EXPECT_EQ(Result(Close()), "0");
  EXPECT_EQ(Result(Close()), "EBADF");
  EXPECT_EQ(Result(IoasAlloc()), "EBADF");
  EXPECT_EQ(Result(Destroy(9)), "EBADF");
  EXPECT_EQ(Result(HwptAlloc(9, 9)), "EBADF");
  EXPECT_EQ(Result(Mark(kHwpt, 1)), "EBADF");
  EXPECT_EQ(Result(Attach(kDevice, kHwpt)), "0");  // through the device's own descriptor
  EXPECT_EQ(Result(Detach(kDevice)), "0");
  EXPECT_EQ(Result(Unbind(kDevice)), "0");
  Snapshot gone = BootSnapshot();
  gone.iommufds.clear();
  EXPECT_EQ(oracle.Compare(gone), "");
  EXPECT_EQ(Result(Unbind(kDevice)), "ENOENT");
}

}  // namespace
}  // namespace iommufd_check::spec
