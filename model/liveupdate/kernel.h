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
inline Session& Get(Kernel& k, SessionHandle h) { return Live(k.t, k.lu.sessions, h); }
inline sim::ObjectRef DescriptorRef(SessionHandle h) {
  return {sim::ObjectKind::kDescriptor, h.index};
}
using iommufd::close_fd;
using iommufd::fget;

}  // namespace iommufd_check::liveupdate
