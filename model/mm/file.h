// struct file: what the descriptors of the process, system calls in flight and whoever keeps a file
// open hold references of.
//
// A File is the member `file` of what it opens: an iommufd's context, a memfd, a session of LUO. So
// the handle of that object is the handle of its file, and events name the file by the object.
// `k` is what a task sees of its layer (sim::Layer), which finds the table with SlotsOf(k, handle).
//
//   if (!fget(k, ctx)) return -kEBADF;      // by its descriptor
//   get_file(k, memfd);                     // by who has a reference
//   fput(k, memfd);                         // the last one runs Release(k, memfd)
//
// To add a kind of file: `mm::File file` and kDescriptor in its struct, a Release, and, so that LUO
// preserves it, its handler (liveupdate/file_handler.h).
#pragma once

#include <concepts>
#include <utility>

#include "model/sim/access.h"
#include "model/sim/slots.h"

namespace iommufd_check::mm {

// The descriptor table orders what happens to one of its entries.
inline constexpr uint8_t kInFdTable = sim::kAccessMarked;

struct File {
  sim::Refcount count;                                   // f_count
  sim::Shared<bool, sim::Field::kFdOpen> fd_open{true};  // in the process's descriptor table

  friend bool operator==(const File&, const File&) = default;
  template <class Visitor, class... Self>
  static constexpr void Visit(Visitor&& v, Self&... s) {
    v("count", s.count...);
    v("fd_open", s.fd_open...);
  }
};

// What a file opens. kDescriptor: how events name its entry in the descriptor table. The entry is
// there, and read, also when the file that it named is gone, so it is not of a kind that is freed
// with the file.
template <class T>
concept Opened = requires(T& t) {
  { t.file } -> std::same_as<File&>;
  { T::kDescriptor } -> std::convertible_to<sim::ObjectKind>;
};
template <Opened T>
sim::ObjectRef DescriptorRef(sim::Handle<T> h) {
  return {T::kDescriptor, h.index};
}

// Paths to the fields of the file of a T.
template <Opened T>
inline constexpr sim::Path kFileCount{&T::file, &File::count};
template <Opened T>
inline constexpr sim::Path kFdOpen{&T::file, &File::fd_open};

// fget(): looks the descriptor up and takes a reference on its file in one go, as RCU and
// get_file_rcu() make it look, so that a close in between cannot free the file. False: not open.
template <sim::Layer K, Opened T>
bool fget(K& k, sim::Handle<T> h) {
  const sim::ObjectRef descriptor = DescriptorRef(h);
  k.t.Place(descriptor.kind, sim::Field::kFdOpen);
  k.t.Access(sim::Primitive::kRead, descriptor, sim::Field::kFdOpen, kInFdTable);
  T* opened = SlotsOf(k, h).Find(h);
  if (opened == nullptr || !opened->file.fd_open.Peek()) return false;
  refcount_inc(k.t, opened->file.count, sim::Ref(h));
  return true;
}

// close_fd(): takes the descriptor out of the table in one go. False: it was not open. The caller
// puts the file.
template <sim::Layer K, Opened T>
bool close_fd(K& k, sim::Handle<T> h) {
  const sim::ObjectRef descriptor = DescriptorRef(h);
  k.t.Place(descriptor.kind, sim::Field::kFdOpen);
  T* opened = SlotsOf(k, h).Find(h);
  const bool open = opened != nullptr && opened->file.fd_open.Peek();
  const auto how = open ? sim::Primitive::kWrite : sim::Primitive::kRead;
  k.t.Access(how, descriptor, sim::Field::kFdOpen, kInFdTable);
  if (opened == nullptr) return false;
  return std::exchange(opened->file.fd_open.Raw(), false);
}

// One more reference, for who has one.
template <sim::Layer K, Opened T>
void get_file(K& k, sim::Handle<T> h) {
  refcount_inc(k, h, kFileCount<T>);
}

// Without the last reference the file is released when the system call returns to user space, with
// none of its locks held. `k` lives that long.
template <sim::Layer K, Opened T>
void fput(K& k, sim::Handle<T> h) {
  if (!refcount_dec_and_test(k, h, kFileCount<T>)) return;
  task_work_add(k.t, [&k, h] { Release(k, h); });
}

}  // namespace iommufd_check::mm
