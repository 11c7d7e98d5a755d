// The system calls of this slice, by their kernel names (uapi.md section 4). Each returns 0 or a
// negative errno in the order of the numbered checks there; ids are the user's.
//
// Not in the slice: ALLOW_IOVAS, CHANGE_PROCESS, OPTION, dirty tracking, nested HWPTs,
// auto domains (attach to an IOAS id answers EINVAL), access objects.
#pragma once

#include "model/iommufd/kernel.h"

namespace iommufd_check::iommufd {

enum MapFlags : uint32_t { kFixedIova = 1, kWriteable = 2, kReadable = 4 };

struct MapArguments {
  uint32_t ioas_id = 0;
  uint32_t flags = 0;
  uint64_t source = 0;  // IOAS_MAP: user_va; IOAS_MAP_FILE: byte offset in the file
  uint64_t length = 0;  // bytes
  uint64_t iova = 0;    // in and out
};

struct CopyArguments {
  uint32_t flags = 0;  // MapFlags, of the destination
  uint32_t dst_ioas_id = 0;
  uint32_t src_ioas_id = 0;
  uint64_t length = 0;    // bytes
  uint64_t dst_iova = 0;  // in and out
  uint64_t src_iova = 0;
};

// The ioctl's copy of its argument struct, before anything else.
// FAULTS: copy_from_user.
int copy_from_user(Kernel& k, sim::ObjectRef file);

// FAULTS of all: copy_from_user, copy_to_user, get_object, and those of what they build.
int ioas_alloc(Kernel& k, ContextHandle ctx, uint32_t* id);
int ioas_map(Kernel& k, ContextHandle ctx, MapArguments* arguments);
// `memfd` is null for a descriptor that is not open (EBADF). FAULTS: fd_lookup.
int ioas_map_file(Kernel& k, ContextHandle ctx, mm::MemfdHandle memfd, MapArguments* arguments);
// The areas that have the source's range, or parts of them, show their pages in the destination
// too.
int ioas_copy(Kernel& k, ContextHandle ctx, CopyArguments* arguments);
// `length` is replaced by the bytes unmapped on success.
int ioas_unmap(Kernel& k, ContextHandle ctx, uint32_t ioas_id, uint64_t iova, uint64_t* length);
int hwpt_alloc(Kernel& k, ContextHandle ctx, uint32_t device_id, uint32_t pt_id, uint32_t* id);
int iommufd_destroy(Kernel& k, ContextHandle ctx, uint32_t id);

// close(2) of the iommufd: EBADF when it is closed already.
int close_iommufd(Kernel& k, ContextHandle ctx);

}  // namespace iommufd_check::iommufd
