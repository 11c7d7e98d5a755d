// The ioctls of /dev/iommu as Linux takes them: numbers, flags and argument structs (uapi.md
// section 3 and 4). Written out here because Debian 12's own headers are older than iommufd.
//
// The first member of each is the size of the struct; members that are not written stay 0.
#pragma once

#include <cstdint>

namespace iommufd_check::uapi::abi {

// _IO(';', 0x80 + n)
constexpr unsigned Request(unsigned n) { return 0x3b80 + n; }
inline constexpr unsigned kDestroy = Request(0);
inline constexpr unsigned kIoasAlloc = Request(1);
inline constexpr unsigned kIoasCopy = Request(3);
inline constexpr unsigned kIoasMap = Request(5);
inline constexpr unsigned kIoasUnmap = Request(6);
inline constexpr unsigned kHwptAlloc = Request(9);

enum MapFlag : uint32_t { kFixedIova = 1, kWriteable = 2, kReadable = 4 };

struct Destroy {
  uint32_t size = sizeof(Destroy);
  uint32_t id = 0;
};
static_assert(sizeof(Destroy) == 8);

struct IoasAlloc {
  uint32_t size = sizeof(IoasAlloc);
  uint32_t flags = 0;
  uint32_t out_ioas_id = 0;
};
static_assert(sizeof(IoasAlloc) == 12);

struct IoasMap {
  uint32_t size = sizeof(IoasMap);
  uint32_t flags = 0;
  uint32_t ioas_id = 0;
  uint32_t reserved = 0;
  uint64_t user_va = 0;
  uint64_t length = 0;
  uint64_t iova = 0;  // in and out
};
static_assert(sizeof(IoasMap) == 40);

struct IoasCopy {
  uint32_t size = sizeof(IoasCopy);
  uint32_t flags = 0;
  uint32_t dst_ioas_id = 0;
  uint32_t src_ioas_id = 0;
  uint64_t length = 0;
  uint64_t dst_iova = 0;  // in and out
  uint64_t src_iova = 0;
};
static_assert(sizeof(IoasCopy) == 40);

struct IoasUnmap {
  uint32_t size = sizeof(IoasUnmap);
  uint32_t ioas_id = 0;
  uint64_t iova = 0;
  uint64_t length = 0;  // in and out
};
static_assert(sizeof(IoasUnmap) == 24);

struct HwptAlloc {
  uint32_t size = sizeof(HwptAlloc);
  uint32_t flags = 0;
  uint32_t dev_id = 0;
  uint32_t pt_id = 0;
  uint32_t out_hwpt_id = 0;
  uint32_t reserved = 0;
  uint32_t data_type = 0;
  uint32_t data_len = 0;
  uint64_t data_uptr = 0;
  uint32_t fault_id = 0;
  uint32_t reserved2 = 0;
};
static_assert(sizeof(HwptAlloc) == 48);

}  // namespace iommufd_check::uapi::abi
