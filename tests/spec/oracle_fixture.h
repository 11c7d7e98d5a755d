// An oracle at boot, and each system call as a method: what tests of the rules are written in.
//
// Boot: two memfds and two buffers of four pages each, two devices, the iommufd open.
//
//   const uint32_t ioas = IoasAlloc().created_id;
//   EXPECT_EQ(Result(Map(ioas, {.iova = 0x1000, .length = 0x1000})), "0");
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "model/sim/errno.h"
#include "model/spec/oracle/oracle.h"

namespace iommufd_check::spec {

inline constexpr uint64_t kMax = mm::kMax;
inline constexpr mm::FileRef kIommufdFile{mm::FileRef::Kind::kIommufd, 0};
constexpr mm::FileRef MemfdFile(uint16_t number) {
  return mm::FileRef{mm::FileRef::Kind::kMemfd, number};
}

inline std::string Result(const Prediction& prediction) {
  return std::string(sim::ErrnoName(prediction.result));
}

// The arguments of a map; `source` is a memfd or a buffer.
struct Range {
  uint64_t iova = 0;
  uint64_t length = 0x1000;
  uint64_t offset = 0;
  uint16_t source = 0;
  uint64_t permissions = 3;
  bool fixed = true;
};

inline Snapshot BootSnapshot() {
  Snapshot snapshot;
  snapshot.iommufds = {{.number = 0}};
  for (uint16_t number : {0, 1}) {
    snapshot.memfds.push_back(MemfdView{.number = number, .size = 0x4000});
  }
  return snapshot;
}

inline Limits TestLimits() { return Limits{{0x4000, 0x4000}, 2, 0x100000}; }

class OracleTest : public ::testing::Test {
 protected:
  using Kind = Call::Kind;

  OracleTest() { oracle.Restart(TestLimits(), BootSnapshot()); }

  Prediction IoasAlloc() { return oracle.Apply({.kind = Kind::kIoasAlloc}); }
  Prediction Bind(uint16_t index) {
    return oracle.Apply({.kind = Kind::kDeviceBind, .index = index});
  }
  Prediction Unbind(uint32_t id) { return oracle.Apply({.kind = Kind::kDeviceUnbind, .id = id}); }
  Prediction Attach(uint32_t id, uint32_t target) {
    return oracle.Apply({.kind = Kind::kDeviceAttach, .id = id, .id2 = target});
  }
  Prediction Detach(uint32_t id) { return oracle.Apply({.kind = Kind::kDeviceDetach, .id = id}); }
  Prediction HwptAlloc(uint32_t device, uint32_t parent) {
    return oracle.Apply({.kind = Kind::kHwptAlloc, .id = device, .id2 = parent});
  }
  static Call MapCall(Kind kind, uint32_t ioas, const Range& r) {
    return Call{.kind = kind,
                .id = ioas,
                .index = r.source,
                .offset = r.offset,
                .iova = r.iova,
                .fixed = r.fixed,
                .length = r.length,
                .permissions = r.permissions};
  }
  Prediction Map(uint32_t ioas, const Range& r) {
    return oracle.Apply(MapCall(Kind::kMap, ioas, r));
  }
  Prediction MapFile(uint32_t ioas, const Range& r) {
    return oracle.Apply(MapCall(Kind::kMapFile, ioas, r));
  }
  static Call UnmapCall(uint32_t ioas, uint64_t iova, uint64_t length) {
    return Call{.kind = Kind::kUnmap, .id = ioas, .iova = iova, .length = length};
  }
  Prediction Unmap(uint32_t ioas, uint64_t iova, uint64_t length) {
    return oracle.Apply(UnmapCall(ioas, iova, length));
  }
  Prediction Destroy(uint32_t id) { return oracle.Apply({.kind = Kind::kDestroy, .id = id}); }
  Prediction Close() { return oracle.Apply({.kind = Kind::kCloseIommufd}); }
  Prediction Seal(uint16_t memfd, uint32_t seals) {
    return oracle.Apply({.kind = Kind::kMemfdSeal, .index = memfd, .seals = seals});
  }
  Prediction Punch(uint16_t memfd, uint64_t offset, uint64_t length) {
    return oracle.Apply(
        {.kind = Kind::kMemfdPunchHole, .index = memfd, .offset = offset, .length = length});
  }
  Prediction Truncate(uint16_t memfd, uint64_t size) {
    return oracle.Apply({.kind = Kind::kMemfdTruncate, .index = memfd, .length = size});
  }
  Prediction Create(const std::string& name) {
    return oracle.Apply({.kind = Kind::kLuoCreateSession, .name = name});
  }
  static Call PreserveCall(uint16_t session, mm::FileRef file, uint64_t token) {
    return Call{.kind = Kind::kLuoPreserve, .token = token, .session = session, .file = file};
  }
  Prediction Preserve(uint16_t session, mm::FileRef file, uint64_t token) {
    return oracle.Apply(PreserveCall(session, file, token));
  }
  Prediction CloseSession(uint16_t session) {
    return oracle.Apply({.kind = Kind::kLuoCloseSession, .session = session});
  }
  Prediction Mark(uint32_t hwpt, uint64_t token) {
    return oracle.Apply({.kind = Kind::kLuMark, .id = hwpt, .token = token});
  }

  Oracle oracle;
};

// Also with ids 1: IOAS, 2: device 0, 3: HWPT on the IOAS.
class OracleWithHwptTest : public OracleTest {
 protected:
  OracleWithHwptTest() {
    EXPECT_EQ(IoasAlloc().created_id, kIoas);
    EXPECT_EQ(Bind(0).created_id, kDevice);
    EXPECT_EQ(HwptAlloc(kDevice, kIoas).created_id, kHwpt);
  }

  static constexpr uint32_t kIoas = 1;
  static constexpr uint32_t kDevice = 2;
  static constexpr uint32_t kHwpt = 3;
};

}  // namespace iommufd_check::spec
