// Calls on memfds, on /dev/liveupdate and on the sessions that it gives.
#include "model/liveupdate/luo.h"
#include "model/program/execute/calls.h"

namespace iommufd_check::program::calls {
namespace {

using liveupdate::Kernel;
using liveupdate::SessionHandle;

SessionHandle SessionOf(const uapi::SessionArgument& session) {
  return {session.number, session.generation};
}

mm::FileRef FileOf(const uapi::FileArgument& file) {
  if (file.is_iommufd) return {mm::FileRef::Kind::kIommufd, file.index};
  if (file.index == UINT16_MAX) return {};
  return {mm::FileRef::Kind::kMemfd, file.index};
}

}  // namespace

int MemfdSeal(Kernel& k, const uapi::MemfdSealArguments& arguments, Answer*) {
  return memfd_add_seals(k.t, k.mm, mm::MemfdAt(arguments.memfd), arguments.seals);
}

int MemfdPunchHole(Kernel& k, const uapi::MemfdPunchHoleArguments& arguments, Answer*) {
  return memfd_punch_hole(k.t, k.mm, mm::MemfdAt(arguments.memfd), arguments.offset,
                          arguments.length);
}

int MemfdTruncate(Kernel& k, const uapi::MemfdTruncateArguments& arguments, Answer*) {
  return memfd_truncate(k.t, k.mm, mm::MemfdAt(arguments.memfd), arguments.size);
}

int LuoCreateSession(Kernel& k, const uapi::LuoCreateSessionArguments& arguments, Answer* answer) {
  SessionHandle session;
  const int error = luo_create_session(k, std::string(arguments.name), &session);
  if (error != 0) return error;
  answer->session = session;
  answer->result.created_id = session.index + 1u;
  return 0;
}

int LuoPreserve(Kernel& k, const uapi::LuoPreserveArguments& arguments, Answer*) {
  return luo_preserve_fd(k, SessionOf(arguments.session), FileOf(arguments.file), arguments.token);
}

int LuoCloseSession(Kernel& k, const uapi::LuoCloseSessionArguments& arguments, Answer*) {
  return luo_close_session(k, SessionOf(arguments.session));
}

}  // namespace iommufd_check::program::calls
