#include "model/program/execute/dispatch.h"

#include "model/iommufd/device.h"
#include "model/iommufd/ioctl.h"
#include "model/liveupdate/design.h"
#include "model/liveupdate/luo.h"
#include "model/sim/check.h"

namespace iommufd_check::program {
namespace {

using liveupdate::Kernel;
using liveupdate::SessionHandle;

// The arguments of one system call. Sessions are resolved where they are used.
struct Call {
  OpCode code = OpCode::kCount;
  uint32_t id = 0;
  uint32_t id2 = 0;
  uint16_t index = 0;
  uint64_t offset = 0;
  uint64_t iova = 0;
  bool fixed = true;
  uint64_t length = 0;
  uint64_t permissions = 0;
  uint32_t seals = 0;
  uint64_t token = 0;
  mm::FileRef file;
};

uint32_t ObjectId(const Argument& argument, const Bindings& bindings) {
  if (!argument.variable.has_value()) return static_cast<uint32_t>(argument.value);
  return bindings.results[*argument.variable].created_id;
}

SessionHandle SessionOf(const Argument& argument, const Bindings& bindings) {
  return argument.variable.has_value() ? bindings.sessions[*argument.variable] : SessionHandle{};
}

mm::MemfdHandle MemfdOf(const Program& program, uint64_t index) {
  if (index >= program.boot.memfds) return {};
  return mm::MemfdHandle{static_cast<uint16_t>(index), 0};
}

mm::FileRef FileOf(const Program& program, uint64_t value) {
  if (IsFileIommufd(value)) {
    return {mm::FileRef::Kind::kIommufd, static_cast<uint16_t>(kFileIommufd - value)};
  }
  if (value >= program.boot.memfds) return {};
  return {mm::FileRef::Kind::kMemfd, static_cast<uint16_t>(value)};
}

uint32_t FlagsOf(uint64_t permissions, bool fixed) {
  uint32_t flags = 0;
  if (fixed) flags |= iommufd::kFixedIova;
  if ((permissions & 1) != 0) flags |= iommufd::kReadable;
  if ((permissions & 2) != 0) flags |= iommufd::kWriteable;
  return flags;
}

Call CallOf(const Program& program, size_t index, const Bindings& bindings) {
  const Operation& op = program.operations[index];
  const auto& a = op.arguments;
  Call call;
  call.code = op.code;
  switch (op.code) {
    case OpCode::kDeviceBind:
      call.index = static_cast<uint16_t>(a[0].value);
      break;
    case OpCode::kDeviceAttach:
    case OpCode::kHwptAlloc:
      call.id2 = ObjectId(a[1], bindings);
      [[fallthrough]];
    case OpCode::kDeviceUnbind:
    case OpCode::kDeviceDetach:
    case OpCode::kDestroy:
      call.id = ObjectId(a[0], bindings);
      break;
    case OpCode::kMap:
    case OpCode::kMapFile:
      call.id = ObjectId(a[0], bindings);
      call.index = static_cast<uint16_t>(a[1].value);
      call.offset = a[2].value;
      call.fixed = !a[3].automatic;
      call.iova = a[3].value;
      call.length = a[4].value;
      call.permissions = a[5].value;
      break;
    case OpCode::kUnmap:
      call.id = ObjectId(a[0], bindings);
      call.iova = a[1].value;
      call.length = a[2].value;
      break;
    case OpCode::kMemfdSeal:
      call.index = static_cast<uint16_t>(a[0].value);
      call.seals = static_cast<uint32_t>(a[1].value);
      break;
    case OpCode::kMemfdPunchHole:
      call.index = static_cast<uint16_t>(a[0].value);
      call.offset = a[1].value;
      call.length = a[2].value;
      break;
    case OpCode::kMemfdTruncate:
      call.index = static_cast<uint16_t>(a[0].value);
      call.length = a[1].value;
      break;
    case OpCode::kLuoPreserve:
      call.file = FileOf(program, a[1].value);
      call.token = a[2].value;
      break;
    case OpCode::kLuMark:
      call.id = ObjectId(a[0], bindings);
      call.token = a[1].value;
      break;
    case OpCode::kIoasAlloc:
    case OpCode::kCloseIommufd:
    case OpCode::kLuoCreateSession:
    case OpCode::kLuoCloseSession:
    case OpCode::kCount:
      break;
  }
  return call;
}

// Through the device's own descriptor: a bound device keeps the context (objects.md 4), so one that
// is gone or on its way out has no device.
bool GetThroughDevice(Kernel& k) {
  k.t.Place(sim::ObjectKind::kIommufd, sim::Field::kRefcount);
  iommufd::Context* ctx = k.s.contexts.Find(k.ctx);
  if (ctx != nullptr) return refcount_inc_not_zero(k.t, ctx->file, Ref(k.ctx));
  // It has seen the last reference go, so it comes behind who dropped it.
  k.t.Access(sim::Primitive::kRead, Ref(k.ctx), sim::Field::kRefcount,
             sim::kAccessMarked | sim::kAccessOrders);
  return false;
}

int CallIommufd(Kernel& k, const Program& program, const Call& call, OperationResult* out) {
  iommufd::MapArguments map;
  map.ioas_id = call.id;
  map.flags = FlagsOf(call.permissions, call.fixed);
  map.length = call.length;
  map.iova = call.iova;
  uint64_t length = call.length;
  uint32_t* const id = &out->created_id;
  int error = 0;
  switch (call.code) {
    case OpCode::kIoasAlloc:
      return iommufd::ioas_alloc(k, k.ctx, id);
    case OpCode::kDeviceBind:
      return iommufd::device_bind(k, k.ctx, call.index, id);
    case OpCode::kDeviceUnbind:
      return iommufd::device_unbind(k, k.ctx, call.id);
    case OpCode::kDeviceAttach:
      return iommufd::device_attach(k, k.ctx, call.id, call.id2);
    case OpCode::kDeviceDetach:
      return iommufd::device_detach(k, k.ctx, call.id);
    case OpCode::kHwptAlloc:
      return iommufd::hwpt_alloc(k, k.ctx, call.id, call.id2, id);
    case OpCode::kMap:
      map.source = mm::UserAddressOf(call.index) + call.offset;
      error = iommufd::ioas_map(k, k.ctx, &map);
      if (error == 0) out->iova = map.iova;
      return error;
    case OpCode::kMapFile:
      map.source = call.offset;
      error = iommufd::ioas_map_file(k, k.ctx, MemfdOf(program, call.index), &map);
      if (error == 0) out->iova = map.iova;
      return error;
    case OpCode::kUnmap:
      error = iommufd::ioas_unmap(k, k.ctx, call.id, call.iova, &length);
      if (error == 0) out->unmapped = length;
      return error;
    case OpCode::kDestroy:
      return iommufd::iommufd_destroy(k, k.ctx, call.id);
    case OpCode::kLuMark:
      return k.design.Mark(k, call.id, call.token);
    default:
      IOMMUFD_CHECK(false, "not a call on the iommufd");
      __builtin_unreachable();
  }
}

int CallMemfd(Kernel& k, const Program& program, const Call& call) {
  const mm::MemfdHandle memfd = MemfdOf(program, call.index);
  if (memfd.null()) return -sim::kEBADF;
  switch (call.code) {
    case OpCode::kMemfdSeal:
      return memfd_add_seals(k.t, k.mm, memfd, call.seals);
    case OpCode::kMemfdPunchHole:
      return memfd_punch_hole(k.t, k.mm, memfd, call.offset, call.length);
    default:
      return memfd_truncate(k.t, k.mm, memfd, call.length);
  }
}

int PreserveFd(Kernel& k, const Program& program, const Call& call, SessionHandle session) {
  if (!fget(k, k.lu.sessions, session)) return -sim::kEBADF;
  const mm::FileRef file = call.file;
  const mm::MemfdHandle memfd =
      file.kind == mm::FileRef::Kind::kMemfd ? MemfdOf(program, file.index) : mm::MemfdHandle{};
  const int result = luo_preserve_fd(k, session, file, memfd, call.token);
  luo_put_session(k, session);
  return result;
}

void UnbindAll(Kernel& k) {
  std::vector<iommufd::Object> bound;
  k.s.devices.ForEach([&](iommufd::DeviceHandle, const iommufd::Device& device) {
    bound.push_back(device.object);
  });
  for (const iommufd::Object& device : bound) {
    iommufd::device_unbind(k, iommufd::IommufdAt(device.iommufd), device.id);
  }
}

}  // namespace

int Dispatch(Kernel& k, const Program& program, size_t index, const Bindings& bindings,
             Answer* answer) {
  const Call call = CallOf(program, index, bindings);
  const Operation& op = program.operations[index];
  const bool about_file = call.file.kind == mm::FileRef::Kind::kIommufd;
  k.ctx = iommufd::IommufdAt(about_file ? call.file.index
                                        : static_cast<uint16_t>(IommufdOf(program, index)));
  switch (call.code) {
    case OpCode::kCloseIommufd:
      return iommufd::close_iommufd(k, k.ctx);
    case OpCode::kMemfdSeal:
    case OpCode::kMemfdPunchHole:
    case OpCode::kMemfdTruncate:
      return CallMemfd(k, program, call);
    case OpCode::kLuoCreateSession: {
      SessionHandle session;
      const int error = luo_create_session(k, op.name, &session);
      if (error == 0) {
        answer->session = session;
        answer->result.created_id = session.index + 1u;
      }
      return error;
    }
    case OpCode::kLuoPreserve:
      return PreserveFd(k, program, call, SessionOf(op.arguments[0], bindings));
    case OpCode::kLuoCloseSession:
      return luo_close_session(k, SessionOf(op.arguments[0], bindings));
    default:
      break;
  }
  const bool device = call.code == OpCode::kDeviceUnbind || call.code == OpCode::kDeviceAttach ||
                      call.code == OpCode::kDeviceDetach;
  // The descriptor keeps the file for the length of the call, whatever close() does meanwhile.
  if (device && !GetThroughDevice(k)) return -sim::kENOENT;
  if (!device && !fget(k, k.s.contexts, k.ctx)) return -sim::kEBADF;
  OperationResult outputs;  // of a call that fails none is written
  const int error = CallIommufd(k, program, call, &outputs);
  if (error == 0) answer->result = outputs;
  iommufd_put_file(k, k.ctx);
  return error;
}

void ProcessExit(Kernel& k) {
  std::vector<SessionHandle> sessions;
  k.lu.sessions.ForEach([&](SessionHandle h, const liveupdate::Session& session) {
    if (session.fd_open.Peek()) sessions.push_back(h);
  });
  for (SessionHandle h : sessions) luo_close_session(k, h);
  UnbindAll(k);
  std::vector<iommufd::ContextHandle> iommufds;
  k.s.contexts.ForEach(
      [&](iommufd::ContextHandle h, const iommufd::Context&) { iommufds.push_back(h); });
  for (iommufd::ContextHandle h : iommufds) iommufd::close_iommufd(k, h);
  std::vector<mm::MemfdHandle> memfds;
  k.mm.memfds.ForEach([&](mm::MemfdHandle h, const mm::Memfd&) { memfds.push_back(h); });
  for (mm::MemfdHandle h : memfds) memfd_put_file(k.t, k.mm, h);
  for (mm::Buffer& buffer : k.mm.buffers) {
    for (const auto& [index, pfn] : buffer.pages.Peek()) k.mm.phys.Put(k.t, pfn);
    buffer.pages.Raw().clear();
  }
  k.mm.buffers.clear();
  lock_destroy(k.t, k.mm.mmap_lock);
  k.mm.mmap_lock = {};
}

}  // namespace iommufd_check::program
