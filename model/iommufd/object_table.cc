#include "model/iommufd/object_table.h"

#include "model/sim/check.h"

namespace iommufd_check::iommufd {

using Slot = TableEntry::State;

namespace {

// The entry of an object. One that never got an id, or lost it, has none: a BUG of its caller.
TableEntry& EntryOf(Kernel& k, std::vector<TableEntry>& table, uint32_t id, ObjectKey key) {
  if (id == 0 || id > table.size()) Oops(k, sim::Splat::kBug, key);
  return table[id - 1];
}

// xa_store of the object over the entry that was reserved for it.
TableEntry& ReservedEntry(Kernel& k, std::vector<TableEntry>& table, uint32_t id, ObjectKey key) {
  TableEntry& entry = EntryOf(k, table, id, key);
  if (entry.state != Slot::kReserved) Oops(k, sim::Splat::kBug, key);
  return entry;
}

void TrimFree(std::vector<TableEntry>& table) {
  while (!table.empty() && table.back().state == Slot::kFree) table.pop_back();
}

// EBUSY unless only the table's reference is left; else it leaves the table. LOCKS: xa_lock.
int TakeOut(Kernel& k, ContextHandle ctx, ObjectKey key) {
  if (!refcount_dec_if_one(k, key, &Object::users)) return -sim::kEBUSY;
  if (key.type == ObjectType::kHwptPaging && Get(k, key.hwpt()).IsMarked()) {
    Emit(k, sim::Note::kMarkGone, key);
  }
  const uint32_t id = Get(k, key).id;
  Update(k, ctx, &Context::objects, [&](std::vector<TableEntry>& table) {
    EntryOf(k, table, id, key) = TableEntry{};
    TrimFree(table);
  });
  return 0;
}

// iommufd_object_dec_wait: gives up the table's wait_cnt and sleeps until no short reference is
// left; EBUSY when the time-out comes first, and then has it back.
int DropWaitCount(Kernel& k, ContextHandle ctx, ObjectKey key) {
  if (refcount_dec_and_test(k, key, &Object::wait_cnt)) return 0;
  const bool free = wait_event_timeout(k, ctx, [&] {
    Object& object = Get(k, key);
    return refcount_read(k.t, object.wait_cnt, Ref(k, key), sim::kAccessOrders,
                         WaitCount::kField) == 0;
  });
  if (free) return 0;
  refcount_inc(k, key, &Object::wait_cnt);
  return -sim::kEBUSY;
}

}  // namespace

sim::ObjectKind KindOf(ObjectKey key) {
  switch (key.type) {
#define OBJECT(kind, name, Type, slots, type, value, stem) \
  case ObjectType::type:                                   \
    return sim::ObjectKind::kind;
#include "model/sim/objects.def"
    case ObjectType::kNone:
      break;
  }
  return sim::ObjectKind::kNone;
}

Object& Get(Kernel& k, ObjectKey key) {
  switch (key.type) {
#define OBJECT(kind, name, Type, slots, type, value, stem) \
  case ObjectType::type:                                   \
    return Get(k, key.name()).object;
#include "model/sim/objects.def"
    case ObjectType::kNone:
      break;
  }
  k.t.Oops(sim::Splat::kNullDereference, {});
}

void Destroy(Kernel& k, ContextHandle ctx, ObjectKey key) {
  switch (key.type) {
#define OBJECT(kind, name, Type, slots, type, value, stem) \
  case ObjectType::type:                                   \
    return Destroy(k, ctx, key.name());
#include "model/sim/objects.def"
    case ObjectType::kNone:
      break;
  }
  Oops(k, sim::Splat::kNullDereference, ctx);  // a call through ops->destroy of no type
}

sim::ObjectRef Ref(Kernel& k, ObjectKey key) { return {KindOf(key), Get(k, key).number()}; }

int iommufd_object_alloc(Kernel& k, sim::ObjectRef where) {
  if (const int error = fail(k, sim::FaultSite::kObjectAlloc, where)) return error;
  return fail(k, sim::FaultSite::kObjectIdAlloc, where);
}

void ReserveId(Kernel& k, ContextHandle ctx, ObjectKey key) {
  spin_lock(k, ctx, &Context::xa_lock);
  const size_t index = Update(k, ctx, &Context::objects, [&](std::vector<TableEntry>& table) {
    size_t free = 0;
    while (free < table.size() && table[free].state != Slot::kFree) ++free;
    if (free == table.size()) table.emplace_back();
    table[free] = TableEntry{Slot::kReserved, key.type, key.slot, key.generation};
    return free;
  });
  Get(k, key).id = static_cast<uint32_t>(index + 1);
  Get(k, key).iommufd = ctx.index;
  spin_unlock(k, ctx, &Context::xa_lock);
}

void Publish(Kernel& k, ContextHandle ctx, ObjectKey key) {
  const sim::Scope scope(k, sim::Fn::kIommufdObjectFinalize);
  spin_lock(k, ctx, &Context::xa_lock);
  const uint32_t id = Get(k, key).id;
  Update(k, ctx, &Context::objects, [&](std::vector<TableEntry>& table) {
    TableEntry& entry = ReservedEntry(k, table, id, key);
    entry.state = Slot::kPublished;
  });
  spin_unlock(k, ctx, &Context::xa_lock);
}

void AbortId(Kernel& k, ContextHandle ctx, ObjectKey key) {
  const sim::Scope scope(k, sim::Fn::kIommufdObjectAbort);
  spin_lock(k, ctx, &Context::xa_lock);
  const uint32_t id = Get(k, key).id;
  Update(k, ctx, &Context::objects, [&](std::vector<TableEntry>& table) {
    TableEntry& entry = ReservedEntry(k, table, id, key);
    entry = TableEntry{};
    TrimFree(table);
  });
  spin_unlock(k, ctx, &Context::xa_lock);
}

ObjectKey LookupLocked(Kernel& k, ContextHandle ctx, uint32_t id) {
  lockdep_assert_held(k, ctx, &Context::xa_lock);
  return Lookup(k, ctx, id);
}

ObjectKey Lookup(Kernel& k, ContextHandle ctx, uint32_t id) {
  return With(k, ctx, &Context::objects, [&](const std::vector<TableEntry>& table) -> ObjectKey {
    if (id == 0 || id > table.size()) return {};
    const TableEntry& entry = table[id - 1];
    if (entry.state != Slot::kPublished) return {};
    return {entry.type, entry.slot, entry.generation};
  });
}

bool LockObject(Kernel& k, ObjectKey key) {
  if (!refcount_inc_not_zero(k, key, &Object::users)) return false;
  if (refcount_inc_not_zero(k, key, &Object::wait_cnt)) return true;
  refcount_dec_and_test(k, key, &Object::users);
  return false;
}

namespace {

// Looks up and takes a short reference.
ObjectKey Find(Kernel& k, ContextHandle ctx, uint32_t id, ObjectType type) {
  spin_lock(k, ctx, &Context::xa_lock);
  ObjectKey key = LookupLocked(k, ctx, id);
  const bool wanted = !key.null() && (type == ObjectType::kNone || key.type == type);
  if (!wanted || !LockObject(k, key)) key = {};
  spin_unlock(k, ctx, &Context::xa_lock);
  return key;
}

}  // namespace

ObjectKey GetObject(Kernel& k, ContextHandle ctx, uint32_t id, ObjectType type) {
  const sim::Scope scope(k, sim::Fn::kIommufdGetObject);
  if (fail(k, sim::FaultSite::kGetObject, ctx, sim::Gfp::kAtomic) != 0) return {};
  return Find(k, ctx, id, type);
}

ObjectKey GetDriversDevice(Kernel& k, ContextHandle ctx, uint32_t id) {
  return Find(k, ctx, id, ObjectType::kDevice);
}

void PutObject(Kernel& k, ContextHandle ctx, ObjectKey key) {
  const sim::Scope scope(k, sim::Fn::kIommufdPutObject);
  refcount_dec_and_test(k, key, &Object::users);
  // Between the two a destroyer may take the object out of the table; it then waits for us.
  if (refcount_dec_and_test(k, key, &Object::wait_cnt)) wake_up_all(k, ctx);
}

int RemoveObject(Kernel& k, ContextHandle ctx, uint32_t id, ObjectKey* removed) {
  const sim::Scope scope(k, sim::Fn::kIommufdObjectRemove);
  spin_lock(k, ctx, &Context::xa_lock);
  const ObjectKey key = LookupLocked(k, ctx, id);
  const int error = key.null() ? -sim::kENOENT : TakeOut(k, ctx, key);
  spin_unlock(k, ctx, &Context::xa_lock);
  if (error != 0) return error;
  *removed = key;
  const bool in_use = DropWaitCount(k, ctx, key) != 0;
  return warn_on(k, in_use, key, sim::Condition::kObjectInUse) ? -sim::kEBUSY : 0;
}

int RemoveReferenced(Kernel& k, ContextHandle ctx, ObjectKey key) {
  const sim::Scope scope(k, sim::Fn::kIommufdObjectRemove);
  int error = DropWaitCount(k, ctx, key);
  if (error != 0) {
    refcount_dec_and_test(k, key, &Object::users);
    return error;
  }
  spin_lock(k, ctx, &Context::xa_lock);
  refcount_dec_and_test(k, key, &Object::users);
  error = TakeOut(k, ctx, key);
  if (error != 0) refcount_set(k, key, &Object::wait_cnt, 1);
  spin_unlock(k, ctx, &Context::xa_lock);
  return error;
}

}  // namespace iommufd_check::iommufd
