// What one task sees while it is inside a live-update system call.
#pragma once

#include "model/iommufd/kernel.h"
#include "model/liveupdate/state.h"

namespace iommufd_check::liveupdate {

class Design;

struct Kernel : iommufd::Kernel {
  State& lu;
  ContextHandle ctx;  // the iommufd that the call is made on, or is about
  Design& design;
};

using iommufd::Get;
using iommufd::Ref;
using iommufd::SlotsOf;
inline sim::Slots<Session>& SlotsOf(Kernel& k, SessionHandle) { return k.lu.sessions; }
inline Session& Get(Kernel& k, SessionHandle h) { return Live(k.t, SlotsOf(k, h), h); }
// The last reference of its file is gone: unpreserves all of its files, last first.
void Release(Kernel& k, SessionHandle session);
using iommufd::Release;
using mm::close_fd;
using mm::fget;
using mm::fput;
using mm::get_file;

}  // namespace iommufd_check::liveupdate
