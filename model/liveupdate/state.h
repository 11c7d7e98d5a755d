// The state of LUO, KHO and the IOMMU core's FLB (luo_kho.md, iommu_core.md), and the whole World.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "model/iommufd/state.h"

namespace iommufd_check::liveupdate {

using iommufd::ContextHandle;
using mm::FileRef;
using mm::Pfn;
using mm::PhysAddr;
using sim::Const;
using sim::Field;
using sim::LockId;
using sim::Shared;

// One bit of KHO's radix tree: 2^order pages from `pfn`, which is a multiple of that.
struct KhoKey {
  Pfn pfn = 0;
  int order = 0;
  friend bool operator==(const KhoKey&, const KhoKey&) = default;
  friend auto operator<=>(const KhoKey&, const KhoKey&) = default;
  Pfn end() const { return pfn + (Pfn{1} << order); }
  template <class Visitor, class... Self>
  static constexpr void Visit(Visitor&& v, Self&... s) {
    v("pfn", s.pfn...);
    v("order", s.order...);
  }
};

// KHO's registration set: one bit for each (order, pfn), no count, no owner (luo_kho.md section 6).
struct Kho {
  LockId radix_mutex;
  Shared<std::vector<KhoKey>, Field::kKhoTree> preserved;  // ascending

  // The pages that the next kernel keeps, ascending, each once. For observers.
  std::vector<Pfn> PreservedPages() const;

  friend bool operator==(const Kho&, const Kho&) = default;
  static constexpr size_t kUnseen = 1;  // which slot its lock has
  template <class Visitor, class... Self>
  static constexpr void Visit(Visitor&& v, Self&... s) {
    v("preserved", s.preserved...);
  }
};

// One file of a session. `data` is what its handler serialized, a physical address.
struct LuoFile {
  uint64_t token = 0;
  FileRef file;
  uint64_t data = 0;

  friend bool operator==(const LuoFile&, const LuoFile&) = default;
  template <class Visitor, class... Self>
  static constexpr void Visit(Visitor&& v, Self&... s) {
    v("token", s.token...);
    v("file", s.file...);
    v("data", s.data...);
  }
};

struct Session {
  static constexpr sim::ObjectKind kKind = sim::ObjectKind::kSession;
  static constexpr sim::ObjectKind kDescriptor = sim::ObjectKind::kDescriptor;
  Const<std::string, Field::kSessionName> name;
  LockId mutex;
  mm::File file;  // references: its descriptor, system calls in flight
  Shared<std::vector<LuoFile>, Field::kSessionFiles> files;  // in preserve order

  friend bool operator==(const Session&, const Session&) = default;
  static constexpr size_t kUnseen = 1;  // which slot its lock has
  template <class Visitor, class... Self>
  static constexpr void Visit(Visitor&& v, Self&... s) {
    v("name", s.name...);
    v("file", s.file...);
    v("files", s.files...);
  }
};
using SessionHandle = sim::Handle<Session>;

// The outgoing half of the FLB "iommu": bound to the life of preserved iommufd files.
struct FlbOutgoing {
  uint32_t count = 0;  // preserved files plus gets in progress
  PhysAddr data = 0;   // its header in KHO memory; 0: no object
  friend bool operator==(const FlbOutgoing&, const FlbOutgoing&) = default;
  template <class Visitor, class... Self>
  static constexpr void Visit(Visitor&& v, Self&... s) {
    v("count", s.count...);
    v("data", s.data...);
  }
};

struct State {
  LockId serialize_rwsem;   // luo_session_serialize_rwsem
  LockId sessions_rwsem;    // session header: list
  LockId register_rwlock;   // handlers and FLB links
  LockId files_xa_lock;     // of the global id set
  LockId flb_lock;          // flb->outgoing.lock
  LockId flb_object_mutex;  // of the live FLB object (iommu_core.md section 1)
  Kho kho;
  sim::Slots<Session> sessions;
  Shared<std::vector<SessionHandle>, Field::kSessionList> session_list;
  Shared<std::vector<FileRef>, Field::kGlobalFiles> preserved_ids;  // the global id set
  Shared<FlbOutgoing, Field::kFlb> flb;

  friend bool operator==(const State&, const State&) = default;
  static constexpr size_t kUnseen = 6;  // which slots its locks have
  template <class Visitor, class... Self>
  static constexpr void Visit(Visitor&& v, Self&... s) {
    v("kho", s.kho...);
    v("sessions", s.sessions...);
    v("session_list", s.session_list...);
    v("preserved_ids", s.preserved_ids...);
    v("flb", s.flb...);
  }
};

// The kernel that runs on the machine: what a kexec replaces as a whole.
struct KernelState {
  sim::LockTable locks;
  iommufd::State iommufd;
  State luo;

  friend bool operator==(const KernelState&, const KernelState&) = default;
  template <class Visitor, class... Self>
  static constexpr void Visit(Visitor&& v, Self&... s) {
    v("locks", s.locks...);
    v("iommufd", s.iommufd...);
    v("luo", s.luo...);
  }
};

// All state of the simulated machine: a regular value (design.md rule 1).
struct World {
  mm::Machine machine;
  iommu::State iommu;
  KernelState kernel;

  friend bool operator==(const World&, const World&) = default;
  template <class Visitor, class... Self>
  static constexpr void Visit(Visitor&& v, Self&... s) {
    v("machine", s.machine...);
    v("iommu", s.iommu...);
    v("kernel", s.kernel...);
  }
};

// The table of the World that has the objects of a type.
template <class T>
const sim::Slots<T>& TableOf(const World& world);
#define TABLE(kind, name, life, Type, table)                         \
  template <>                                                        \
  inline const sim::Slots<Type>& TableOf<Type>(const World& world) { \
    return world.table;                                              \
  }                                                                  \
  static_assert(Type::kKind == sim::ObjectKind::kind);
#include "model/sim/objects.def"

}  // namespace iommufd_check::liveupdate
