// The state of iommufd: contexts, objects, io_pagetables, areas, pages (objects.md,
// io_pagetable.md).
//
// Everything here is a value: objects refer to each other by handles, users name them by ids. What
// tasks share stands in Shared<>, in Const<> when it is set before the object is published, and is
// reached with the lock that locking.md section 1 names. Ids and locks of an object are as constant
// as the object itself.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "model/iommu/domain.h"
#include "model/mm/machine.h"
#include "model/sim/access.h"
#include "model/sim/slots.h"
#include "model/uapi/object_id.h"

namespace iommufd_check::iommufd {

using mm::Iova;
using sim::Const;
using sim::Field;
using sim::LockId;
using sim::Shared;

// ContextHandle, IoasHandle, AreaHandle and so on.
#define SLOTS(kind, name, life, Type, slots) \
  struct Type;                               \
  using Type##Handle = sim::Handle<Type>;
#include "model/sim/objects.def"

// The process opens its iommufds at boot and none later, so a descriptor is the index of its
// context.
constexpr ContextHandle IommufdAt(uint16_t index) { return {index, 0}; }

// enum iommufd_object_type, the kinds of this slice with the kernel's values.
enum class ObjectType : uint8_t {
  kNone = 0,
#define OBJECT(kind, name, Type, slots, type, value, stem) type = value,
#include "model/sim/objects.def"
};
// The type of an object with an id; kNone: T is none.
template <class T>
inline constexpr ObjectType kTypeOf = ObjectType::kNone;
#define OBJECT(kind, name, Type, slots, type, value, stem) \
  template <>                                              \
  inline constexpr ObjectType kTypeOf<Type> = ObjectType::type;
#include "model/sim/objects.def"

// References that a destroyer may wait for.
struct WaitCount : sim::Refcount {
  static constexpr Field kField = Field::kWaitCnt;
};

// struct iommufd_object: base of every object with an id (objects.md section 3).
struct Object {
  uint32_t id = 0;
  uint16_t iommufd = 0;  // index of its context
  sim::Refcount users;
  WaitCount wait_cnt;

  // How events name it (object_id.h).
  uint16_t number() const { return static_cast<uint16_t>(uapi::NumberOf(iommufd, id)); }

  friend bool operator==(const Object&, const Object&) = default;
  template <class Visitor, class... Self>
  static constexpr void Visit(Visitor&& v, Self&... s) {
    v("id", s.id...);
    v("iommufd", s.iommufd...);
    v("users", s.users...);
    v("wait_cnt", s.wait_cnt...);
  }
};

// One slot of the object xarray. A reserved slot keeps its id taken and reads as absent.
struct TableEntry {
  enum class State : uint8_t { kFree, kReserved, kPublished };
  State state = State::kFree;
  ObjectType type = ObjectType::kNone;
  uint16_t slot = UINT16_MAX;
  uint16_t generation = 0;  // ghost, see sim/slots.h

  friend bool operator==(const TableEntry& a, const TableEntry& b) {
    return a.state == b.state && a.type == b.type && a.slot == b.slot;
  }
  static constexpr size_t kUnseen = 1;  // generation
  template <class Visitor, class... Self>
  static constexpr void Visit(Visitor&& v, Self&... s) {
    v("state", s.state...);
    v("type", s.type...);
    v("slot", s.slot...);
  }
};

// struct iommufd_ctx: one open file of /dev/iommu.
struct Context {
  static constexpr sim::ObjectKind kKind = sim::ObjectKind::kIommufd;
  static constexpr sim::ObjectKind kDescriptor = sim::ObjectKind::kIommufd;
  LockId xa_lock;                              // of the object table
  LockId groups_xa_lock;                       // of `groups`
  LockId ioas_creation_lock;                   // R: an IOAS is published
  LockId liveupdate_mutex;                     // R5 and later, and `reference`
  mm::File file;                               // references: its descriptor, bound devices, LUO
  // `reference`: the file is preserved, so its marks do not change. Under liveupdate_mutex.
  Shared<bool, Field::kMarksFrozen> marks_frozen;
  // Index id-1; trailing free entries are trimmed.
  Shared<std::vector<TableEntry>, Field::kObjectTable> objects;
  // By the number of the group, which is that of its one device; trailing nulls are trimmed. An
  // entry may be on its way out, with no reference left.
  Shared<std::vector<IgroupHandle>, Field::kGroups> groups;

  friend bool operator==(const Context&, const Context&) = default;
  static constexpr size_t kUnseen = 4;  // which slots its locks have
  template <class Visitor, class... Self>
  static constexpr void Visit(Visitor&& v, Self&... s) {
    v("file", s.file...);
    v("marks_frozen", s.marks_frozen...);
    v("objects", s.objects...);
    v("groups", s.groups...);
  }
};

// A range of IOVAs that may not be mapped, both ends inclusive, owned by a domain.
struct Reserved {
  Iova first = 0;
  Iova last = 0;
  iommu::DomainHandle owner;
  friend bool operator==(const Reserved&, const Reserved&) = default;
  template <class Visitor, class... Self>
  static constexpr void Visit(Visitor&& v, Self&... s) {
    v("first", s.first...);
    v("last", s.last...);
    v("owner", s.owner...);
  }
};

// struct io_pagetable. Guards: domains_rwsem > iova_rwsem (locking.md).
struct IoPagetable {
  LockId domains_rwsem;
  LockId iova_rwsem;
  Shared<std::vector<AreaHandle>, Field::kAreaTree> areas;  // ascending by IOVA, disjoint
  Shared<std::vector<iommu::DomainHandle>, Field::kIoptDomains> domains;  // dense
  Shared<std::vector<Reserved>, Field::kReserved> reserved;               // under iova_rwsem
  Shared<uint64_t, Field::kIovaAlignment> iova_alignment{1};
  // R2-R6: a flag (0 or 1). R7 and `reference`: the number of preserved domains.
  Shared<uint32_t, Field::kIoptImmutable> immutable;
  // `reference`: areas that a map has inserted and neither published nor taken out again. Changes
  // under iova_rwsem W; who sleeps until it is 0 reads it without a lock.
  Shared<uint32_t, Field::kIoptFilling> filling;

  friend bool operator==(const IoPagetable&, const IoPagetable&) = default;
  static constexpr size_t kUnseen = 2;  // which slots its locks have
  template <class Visitor, class... Self>
  static constexpr void Visit(Visitor&& v, Self&... s) {
    v("areas", s.areas...);
    v("domains", s.domains...);
    v("reserved", s.reserved...);
    v("iova_alignment", s.iova_alignment...);
    v("immutable", s.immutable...);
    v("filling", s.filling...);
  }
};

struct Ioas {
  static constexpr sim::ObjectKind kKind = sim::ObjectKind::kIoas;
  Object object;
  LockId mutex;
  IoPagetable iopt;
  Shared<std::vector<HwptHandle>, Field::kHwptList> hwpt_list;  // in creation order

  friend bool operator==(const Ioas&, const Ioas&) = default;
  static constexpr size_t kUnseen = 1;  // which slot its lock has
  template <class Visitor, class... Self>
  static constexpr void Visit(Visitor&& v, Self&... s) {
    v("object", s.object...);
    v("iopt", s.iopt...);
    v("hwpt_list", s.hwpt_list...);
  }
};

// Paths to the locks and fields of an IOAS's table.
namespace iopt {
inline constexpr sim::Path domains_rwsem{&Ioas::iopt, &IoPagetable::domains_rwsem};
inline constexpr sim::Path iova_rwsem{&Ioas::iopt, &IoPagetable::iova_rwsem};
inline constexpr sim::Path areas{&Ioas::iopt, &IoPagetable::areas};
inline constexpr sim::Path domains{&Ioas::iopt, &IoPagetable::domains};
inline constexpr sim::Path reserved{&Ioas::iopt, &IoPagetable::reserved};
inline constexpr sim::Path iova_alignment{&Ioas::iopt, &IoPagetable::iova_alignment};
inline constexpr sim::Path immutable{&Ioas::iopt, &IoPagetable::immutable};
inline constexpr sim::Path filling{&Ioas::iopt, &IoPagetable::filling};
}  // namespace iopt

// Flags of a HWPT that share one machine word: a store of one writes the others too.
struct HwptBits {
  bool enforce_cache_coherency = false;
  bool lu_preserve = false;  // R2-R3: the mark
  friend bool operator==(const HwptBits&, const HwptBits&) = default;
  template <class Visitor, class... Self>
  static constexpr void Visit(Visitor&& v, Self&... s) {
    v("enforce_cache_coherency", s.enforce_cache_coherency...);
    v("lu_preserve", s.lu_preserve...);
  }
};

struct Hwpt {
  static constexpr sim::ObjectKind kKind = sim::ObjectKind::kHwpt;
  Object object;
  Const<IoasHandle, Field::kHwptIoas> ioas;
  Const<iommu::DomainHandle, Field::kHwptDomain> domain;
  Shared<HwptBits, Field::kHwptBits> bits;
  Shared<bool, Field::kObjectTable> marked;  // R6 and `reference`: XA_MARK_1, under xa_lock
  Shared<uint64_t, Field::kHwptToken> token;
  Shared<bool, Field::kHwptPreserved> preserved;  // R6 and `reference`: liveupdate_preserved

  bool IsMarked() const { return bits.Peek().lu_preserve || marked.Peek(); }

  friend bool operator==(const Hwpt&, const Hwpt&) = default;
  template <class Visitor, class... Self>
  static constexpr void Visit(Visitor&& v, Self&... s) {
    v("object", s.object...);
    v("ioas", s.ioas...);
    v("domain", s.domain...);
    v("bits", s.bits...);
    v("marked", s.marked...);
    v("token", s.token...);
    v("preserved", s.preserved...);
  }
};

struct Device {
  static constexpr sim::ObjectKind kKind = sim::ObjectKind::kDevice;
  Object object;
  Const<uint16_t, Field::kEndpoint> endpoint;  // index in iommu::State::endpoints
  Const<IgroupHandle, Field::kIgroup> igroup;  // holds a reference
  // False once the driver has begun to unbind: its own state, which it orders itself.
  Shared<bool, Field::kBound> bound{true};
  Shared<HwptHandle, Field::kDeviceAttach> attached;  // at IOMMU_NO_PASID; null: not attached

  friend bool operator==(const Device&, const Device&) = default;
  template <class Visitor, class... Self>
  static constexpr void Visit(Visitor&& v, Self&... s) {
    v("object", s.object...);
    v("endpoint", s.endpoint...);
    v("igroup", s.igroup...);
    v("bound", s.bound...);
    v("attached", s.attached...);
  }
};

// struct iommufd_group: one context's side of a group, shared by the devices in it. The machine has
// one device in each, but a device that is being destroyed and its successor meet here.
struct Igroup {
  static constexpr sim::ObjectKind kKind = sim::ObjectKind::kIgroup;
  LockId lock;        // igroup->lock: attachments of its devices
  sim::Refcount ref;  // bound devices, and binds on their way

  friend bool operator==(const Igroup&, const Igroup&) = default;
  static constexpr size_t kUnseen = 1;  // which slot its lock has
  template <class Visitor, class... Self>
  static constexpr void Visit(Visitor&& v, Self&... s) {
    v("ref", s.ref...);
  }
};

// What an area is for as long as it lives: a range of IOVAs that shows a slice of a pages object.
struct AreaShape {
  Iova first = 0;
  Iova last = 0;             // inclusive
  uint32_t page_offset = 0;  // of the first byte in its page
  uint64_t first_index = 0;  // of that page in the pages object
  uint64_t permissions = 0;  // iommu::kRead | kWrite

  uint64_t length() const { return last - first + 1; }
  uint64_t npages() const { return (page_offset + (last - first)) / mm::kPageSize + 1; }
  uint64_t last_index() const { return first_index + (npages() - 1); }
  friend bool operator==(const AreaShape&, const AreaShape&) = default;
  template <class Visitor, class... Self>
  static constexpr void Visit(Visitor&& v, Self&... s) {
    v("first", s.first...);
    v("last", s.last...);
    v("page_offset", s.page_offset...);
    v("first_index", s.first_index...);
    v("permissions", s.permissions...);
  }
};

// Where the pfns of a filled area are, and for whom: storage_domain, and the pages in whose
// domains_itree it is by its pages_node. Both null: not filled into any domain.
struct Storage {
  iommu::DomainHandle domain;
  PagesHandle pages;
  friend bool operator==(const Storage&, const Storage&) = default;
  template <class Visitor, class... Self>
  static constexpr void Visit(Visitor&& v, Self&... s) {
    v("domain", s.domain...);
    v("pages", s.pages...);
  }
};

// struct iopt_area: `pages` is null while the area is being filled or torn down.
struct Area {
  static constexpr sim::ObjectKind kKind = sim::ObjectKind::kArea;
  Const<AreaShape, Field::kAreaShape> shape;
  Shared<PagesHandle, Field::kAreaPages> pages;
  Shared<Storage, Field::kStorageDomain> storage;  // under pages->mutex

  friend bool operator==(const Area&, const Area&) = default;
  template <class Visitor, class... Self>
  static constexpr void Visit(Visitor&& v, Self&... s) {
    v("", s.shape...);
    v("pages", s.pages...);
    v("storage", s.storage...);
  }
};

// What a pages object is for as long as it lives.
struct PagesShape {
  enum class Type : uint8_t { kUser, kFile };
  Type type = Type::kUser;
  uint64_t user_address = 0;  // kUser: page aligned
  mm::MemfdHandle memfd;      // kFile: holds a file reference
  uint64_t first_page = 0;    // kFile: index in the file
  uint64_t npages = 0;
  bool writable = false;

  bool is_file() const { return type == Type::kFile; }
  friend bool operator==(const PagesShape&, const PagesShape&) = default;
  template <class Visitor, class... Self>
  static constexpr void Visit(Visitor&& v, Self&... s) {
    v("type", s.type...);
    v("user_address", s.user_address...);
    v("memfd", s.memfd...);
    v("first_page", s.first_page...);
    v("npages", s.npages...);
    v("writable", s.writable...);
  }
};

// iopt_pages::kref. A map takes the one reference that its area holds, and a copy takes more. Until
// then nobody can meet the holder at the count, so that giving it back is no step.
struct PagesRefcount : sim::Refcount {
  static constexpr Field kField = Field::kPagesRefs;
  bool shared = false;  // ghost: there was a second reference once
  static constexpr size_t kUnseen = 1;  // `shared`

  friend bool operator==(const PagesRefcount& a, const PagesRefcount& b) {
    return a.value == b.value;
  }
};

// struct iopt_pages, shared by the areas that are slices of it. There are no access objects: a page
// is pinned, once, while and only while some area that has it is filled, and its pfn is read back
// from that area's domain.
struct Pages {
  static constexpr sim::ObjectKind kKind = sim::ObjectKind::kPages;
  LockId mutex;
  PagesRefcount kref;  // areas, and calls on their way from one area to another
  Const<PagesShape, Field::kPagesShape> shape;
  Shared<uint32_t, Field::kPagesSeals> seals;   // sampled by a design at map time
  Shared<uint64_t, Field::kPagesFill> npinned;  // pages pinned and accounted, under mutex

  friend bool operator==(const Pages&, const Pages&) = default;
  static constexpr size_t kUnseen = 1;  // which slot its lock has
  template <class Visitor, class... Self>
  static constexpr void Visit(Visitor&& v, Self&... s) {
    v("kref", s.kref...);
    v("", s.shape...);
    v("seals", s.seals...);
    v("npinned", s.npinned...);
  }
};

struct State {
#define SLOTS(kind, name, life, Type, slots) sim::Slots<Type> slots;
#include "model/sim/objects.def"

  friend bool operator==(const State&, const State&) = default;
  template <class Visitor, class... Self>
  static constexpr void Visit(Visitor&& v, Self&... s) {
#define SLOTS(kind, name, life, Type, slots) v(#slots, s.slots...);
#include "model/sim/objects.def"
  }
};

// The table that has the objects of a type.
template <class T>
inline constexpr sim::Slots<T> State::* kSlotsOf = nullptr;
#define SLOTS(kind, name, life, Type, slots)                                 \
  template <>                                                                \
  inline constexpr sim::Slots<Type> State::* kSlotsOf<Type> = &State::slots; \
  static_assert(Type::kKind == sim::ObjectKind::kind);
#include "model/sim/objects.def"

}  // namespace iommufd_check::iommufd
