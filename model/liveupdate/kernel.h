// What one task sees while it is inside a live-update system call.
#pragma once

#include "model/iommufd/kernel.h"
#include "model/liveupdate/state.h"

namespace iommufd_check::liveupdate {

class Design;

struct Kernel : iommufd::Kernel {
  State& lu;
  ContextHandle ctx;
  Design& design;
};

// The session, or an oops when it has been freed.
Session& Get(Kernel& k, SessionHandle h);
using iommufd::Get;
using iommufd::Ref;
sim::ObjectRef Ref(SessionHandle h);
inline sim::ObjectRef Ref(Kernel&, SessionHandle h) { return Ref(h); }

// fget(): looks the descriptor up and takes a reference on its file in one go, as RCU and
// get_file_rcu() make it look, so that a close in between cannot free the file. False: not open.
// `slots` holds objects with a descriptor (fd_open) and a file.
template <class T>
bool fget(Kernel& k, sim::Slots<T>& slots, sim::Handle<T> h) {
  k.t.Place(T::kKind, sim::Field::kFdOpen);
  T* object = slots.Find(h);
  if (object == nullptr) return false;
  k.t.Access(sim::Primitive::kRead, Ref(h), sim::Field::kFdOpen, iommufd::kInFdTable);
  if (!object->fd_open.Peek()) return false;
  refcount_inc(k.t, object->file, Ref(h));
  return true;
}

}  // namespace iommufd_check::liveupdate
