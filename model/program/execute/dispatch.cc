#include "model/program/execute/dispatch.h"

#include <array>
#include <string_view>

#include "model/iommufd/device.h"
#include "model/iommufd/ioctl.h"
#include "model/liveupdate/design.h"
#include "model/liveupdate/luo.h"
#include "model/program/execute/calls.h"
#include "model/sim/check.h"

namespace iommufd_check::program {
namespace {

using liveupdate::Kernel;
using liveupdate::SessionHandle;
using uapi::Through;

uint64_t IdOf(const Argument& argument, const Bindings& bindings) {
  if (!argument.variable.has_value()) return argument.value;
  return bindings.results[*argument.variable].created_id;
}

SessionHandle SessionOf(const Argument& argument, const Bindings& bindings) {
  return argument.variable.has_value() ? bindings.sessions[*argument.variable] : SessionHandle{};
}

// The arguments of one operation, one after the other. What its variables stand for is read here,
// when the caller makes the call, and not when the kernel gets to it.
class ArgumentReader {
 public:
  ArgumentReader(const Program& program, size_t index, const Bindings& bindings, uint16_t iommufd)
      : memfds_(program.boot.memfds), iommufd_(iommufd), name_(program.operations[index].name) {
    const Operation& op = program.operations[index];
    const auto specs = SpecOf(op.code).arguments;
    for (size_t i = 0; i < specs.size(); ++i) {
      const Argument& argument = op.arguments[i];
      values_[i] = IsId(specs[i].kind) ? IdOf(argument, bindings) : argument.value;
      fixed_ = fixed_ && !argument.automatic;
      if (specs[i].kind == ArgumentKind::kSession) session_ = SessionOf(argument, bindings);
    }
  }

  template <ArgumentKind kind>
  typename uapi::ArgumentType<kind>::type Next() {
    const uint64_t value = values_[next_++];
    if constexpr (kind == ArgumentKind::kSession) {
      return {session_.index, session_.generation};
    } else if constexpr (kind == ArgumentKind::kMemfd) {
      return Memfd(value);
    } else if constexpr (kind == ArgumentKind::kFile) {
      if (!IsFileIommufd(value)) return {false, Memfd(value)};
      return {true, static_cast<uint16_t>(kFileIommufd - value)};
    } else if constexpr (kind == ArgumentKind::kIova) {
      return {fixed_, value};
    } else if constexpr (kind == ArgumentKind::kName) {
      return name_;
    } else if constexpr (kind == ArgumentKind::kIommufd) {
      return iommufd_;
    } else {
      return static_cast<typename uapi::ArgumentType<kind>::type>(value);
    }
  }

  SessionHandle session() const { return session_; }
  uint16_t Memfd(uint64_t index) const {
    return index < memfds_ ? static_cast<uint16_t>(index) : UINT16_MAX;
  }

 private:
  const uint32_t memfds_;
  const uint16_t iommufd_;
  const std::string_view name_;
  std::array<uint64_t, kMaxArguments> values_{};
  SessionHandle session_;
  bool fixed_ = true;  // no argument is left to the kernel
  size_t next_ = 0;
};

// The braces of an initialiser are evaluated from left to right.
#define A(kind, name, fallback) reader.Next<ArgumentKind::kind>(),
#define OPERATION(id, name, result, through, traits, weight, faults, arguments, errnos) \
  int Call##id(Kernel& k, [[maybe_unused]] ArgumentReader& reader, Answer* answer) {    \
    return calls::id(k, uapi::id##Arguments{arguments}, answer);                        \
  }
#include "model/uapi/operations.def"

int Call(Kernel& k, OpCode code, ArgumentReader& reader, Answer* answer) {
  switch (code) {
#define A(...)
#define OPERATION(id, ...) \
  case OpCode::k##id:      \
    return Call##id(k, reader, answer);
#include "model/uapi/operations.def"
    case OpCode::kCount:
      break;
  }
  IOMMUFD_CHECK(false, "an operation of the alphabet");
  return 0;
}

// The memfd that a call on one is made on.
uint64_t MemfdOf(const Operation& op) {
  IOMMUFD_CHECK(SpecOf(op.code).arguments.front().kind == ArgumentKind::kMemfd,
                "an operation names the descriptor that it is made on first");
  return op.arguments.front().value;
}

// The iommufd that the call is made on, or that it is about.
uint16_t ContextOf(const Program& program, size_t index) {
  const Operation& op = program.operations[index];
  const std::span<const ArgumentSpec> specs = SpecOf(op.code).arguments;
  for (size_t i = 0; i < specs.size(); ++i) {
    const uint64_t value = op.arguments[i].value;
    if (specs[i].kind == ArgumentKind::kFile && IsFileIommufd(value)) {
      return static_cast<uint16_t>(kFileIommufd - value);
    }
  }
  return static_cast<uint16_t>(IommufdOf(program, index));
}

// Through the device's own descriptor: a bound device keeps the context (objects.md 4), so one that
// is gone or on its way out has no device.
bool GetThroughDevice(Kernel& k) {
  k.t.Place(sim::ObjectKind::kIommufd, sim::Field::kRefcount);
  iommufd::Context* ctx = k.s.contexts.Find(k.ctx);
  if (ctx != nullptr) return refcount_inc_not_zero(k.t, ctx->file.count, Ref(k.ctx));
  // It has seen the last reference go, so it comes behind who dropped it.
  k.t.Access(sim::Primitive::kRead, Ref(k.ctx), sim::Field::kRefcount,
             sim::kAccessMarked | sim::kAccessOrders);
  return false;
}

// The descriptor keeps its file for the length of the call, whatever close() does meanwhile.
int CallThrough(Kernel& k, const Operation& op, ArgumentReader& reader, Answer* answer) {
  switch (SpecOf(op.code).through) {
    case Through::kNothing:
    case Through::kLuo:
      break;
    case Through::kIommufd:
    case Through::kDevice: {
      const bool device = SpecOf(op.code).through == Through::kDevice;
      if (device && !GetThroughDevice(k)) return -sim::kENOENT;
      if (!device && !fget(k, k.ctx)) return -sim::kEBADF;
      const int error = Call(k, op.code, reader, answer);
      fput(k, k.ctx);
      return error;
    }
    case Through::kSession: {
      const SessionHandle session = reader.session();
      if (!fget(k, session)) return -sim::kEBADF;
      const int error = Call(k, op.code, reader, answer);
      fput(k, session);
      return error;
    }
    case Through::kMemfd:
      if (reader.Memfd(MemfdOf(op)) == UINT16_MAX) return -sim::kEBADF;
      break;
  }
  return Call(k, op.code, reader, answer);
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
  k.ctx = iommufd::IommufdAt(ContextOf(program, index));
  Answer outputs;  // of a call that fails none is written
  ArgumentReader reader(program, index, bindings, k.ctx.index);
  const int error = CallThrough(k, program.operations[index], reader, &outputs);
  if (error == 0) *answer = outputs;
  return error;
}

void ProcessExit(Kernel& k) {
  std::vector<SessionHandle> sessions;
  k.lu.sessions.ForEach([&](SessionHandle h, const liveupdate::Session& session) {
    if (session.file.fd_open.Peek()) sessions.push_back(h);
  });
  for (SessionHandle h : sessions) luo_close_session(k, h);
  UnbindAll(k);
  std::vector<iommufd::ContextHandle> iommufds;
  k.s.contexts.ForEach(
      [&](iommufd::ContextHandle h, const iommufd::Context&) { iommufds.push_back(h); });
  for (iommufd::ContextHandle h : iommufds) iommufd::close_iommufd(k, h);
  std::vector<mm::MemfdHandle> memfds;
  k.mm.memfds.ForEach([&](mm::MemfdHandle h, const mm::Memfd&) { memfds.push_back(h); });
  for (mm::MemfdHandle h : memfds) fput(k, h);
  for (mm::Buffer& buffer : k.mm.buffers) {
    for (const auto& [index, pfn] : buffer.pages.Peek()) k.mm.phys.Put(k.t, pfn);
    buffer.pages.Raw().clear();
  }
  k.mm.buffers.clear();
  lock_destroy(k.t, k.mm.mmap_lock);
  k.mm.mmap_lock = {};
}

}  // namespace iommufd_check::program
