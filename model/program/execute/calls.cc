// Calls on an iommufd, and on a device that is bound to one.
#include "model/program/execute/calls.h"

#include "model/iommufd/device.h"
#include "model/iommufd/ioctl.h"
#include "model/liveupdate/design.h"

namespace iommufd_check::program::calls {
namespace {

using liveupdate::Kernel;

uint32_t FlagsOf(uint64_t permissions, const uapi::IovaArgument& iova) {
  uint32_t flags = 0;
  if (iova.fixed) flags |= iommufd::kFixedIova;
  if ((permissions & 1) != 0) flags |= iommufd::kReadable;
  if ((permissions & 2) != 0) flags |= iommufd::kWriteable;
  return flags;
}

// The arguments that both maps have.
template <class Arguments>
iommufd::MapArguments MapOf(const Arguments& arguments) {
  return {.ioas_id = arguments.ioas,
          .flags = FlagsOf(arguments.prot, arguments.iova),
          .length = arguments.length,
          .iova = arguments.iova.value};
}

}  // namespace

int IoasAlloc(Kernel& k, const uapi::IoasAllocArguments&, Answer* answer) {
  return iommufd::ioas_alloc(k, k.ctx, &answer->result.created_id);
}

int DeviceBind(Kernel& k, const uapi::DeviceBindArguments& arguments, Answer* answer) {
  return iommufd::device_bind(k, k.ctx, arguments.index, &answer->result.created_id);
}

int DeviceUnbind(Kernel& k, const uapi::DeviceUnbindArguments& arguments, Answer*) {
  return iommufd::device_unbind(k, k.ctx, arguments.device);
}

int DeviceAttach(Kernel& k, const uapi::DeviceAttachArguments& arguments, Answer*) {
  return iommufd::device_attach(k, k.ctx, arguments.device, arguments.hwpt);
}

int DeviceDetach(Kernel& k, const uapi::DeviceDetachArguments& arguments, Answer*) {
  return iommufd::device_detach(k, k.ctx, arguments.device);
}

int HwptAlloc(Kernel& k, const uapi::HwptAllocArguments& arguments, Answer* answer) {
  return iommufd::hwpt_alloc(k, k.ctx, arguments.device, arguments.ioas,
                             &answer->result.created_id);
}

int Map(Kernel& k, const uapi::MapArguments& arguments, Answer* answer) {
  iommufd::MapArguments map = MapOf(arguments);
  map.source = mm::UserAddressOf(arguments.buffer) + arguments.offset;
  const int error = iommufd::ioas_map(k, k.ctx, &map);
  answer->result.iova = map.iova;
  return error;
}

int MapFile(Kernel& k, const uapi::MapFileArguments& arguments, Answer* answer) {
  iommufd::MapArguments map = MapOf(arguments);
  map.source = arguments.start;
  const int error = iommufd::ioas_map_file(k, k.ctx, mm::MemfdAt(arguments.memfd), &map);
  answer->result.iova = map.iova;
  return error;
}

int Unmap(Kernel& k, const uapi::UnmapArguments& arguments, Answer* answer) {
  uint64_t length = arguments.length;
  const int error = iommufd::ioas_unmap(k, k.ctx, arguments.ioas, arguments.iova, &length);
  answer->result.unmapped = length;
  return error;
}

int Destroy(Kernel& k, const uapi::DestroyArguments& arguments, Answer*) {
  return iommufd::iommufd_destroy(k, k.ctx, arguments.object);
}

int CloseIommufd(Kernel& k, const uapi::CloseIommufdArguments&, Answer*) {
  return iommufd::close_iommufd(k, k.ctx);
}

int LuMark(Kernel& k, const uapi::LuMarkArguments& arguments, Answer*) {
  return k.design.Mark(k, arguments.hwpt, arguments.token);
}

}  // namespace iommufd_check::program::calls
