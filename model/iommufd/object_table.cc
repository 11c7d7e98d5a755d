#include "model/iommufd/object_table.h"

#include "model/sim/check.h"

namespace iommufd_check::iommufd {

using Slot = TableEntry::State;

namespace {

TableEntry& EntryOf(std::vector<TableEntry>& table, uint32_t id) {
  IOMMUFD_CHECK(id >= 1 && id <= table.size(), "id outside the table");
  return table[id - 1];
}

void TrimFree(std::vector<TableEntry>& table) {
  while (!table.empty() && table.back().state == Slot::kFree) table.pop_back();
}

// EBUSY unless only the table's reference is left; else it leaves the table. LOCKS: xa_lock.
int TakeOut(Kernel& k, ContextHandle ctx, ObjectKey key) {
  if (Get(k, key).users.value != 1) return -sim::kEBUSY;
  refcount_dec_and_test(k.t, Get(k, key).users, Ref(k, key));
  if (key.type == ObjectType::kHwptPaging && Get(k, key.hwpt()).IsMarked()) {
    k.t.Emit(sim::Note::kMarkGone, Ref(k, key));
  }
  auto& table = Get(k, ctx).objects.Modify(k.t, Ref(ctx));
  EntryOf(table, Get(k, key).id) = TableEntry{};
  TrimFree(table);
  return 0;
}

// The table's wait_cnt; sleeps until no short reference is left.
void DropWaitCount(Kernel& k, ObjectKey key) {
  if (refcount_dec_and_test(k.t, Get(k, key).wait_cnt, Ref(k, key))) return;
  wait_event(k.t, Ref(k, key), [&k, key] { return Get(k, key).wait_cnt.value == 0; });
}

}  // namespace

IoasHandle ObjectKey::ioas() const {
  IOMMUFD_CHECK(type == ObjectType::kIoas, "not an IOAS");
  return {slot, generation};
}
HwptHandle ObjectKey::hwpt() const {
  IOMMUFD_CHECK(type == ObjectType::kHwptPaging, "not a HWPT");
  return {slot, generation};
}
DeviceHandle ObjectKey::device() const {
  IOMMUFD_CHECK(type == ObjectType::kDevice, "not a device");
  return {slot, generation};
}

ObjectKey KeyOf(IoasHandle h) { return {ObjectType::kIoas, h.index, h.generation}; }
ObjectKey KeyOf(HwptHandle h) { return {ObjectType::kHwptPaging, h.index, h.generation}; }
ObjectKey KeyOf(DeviceHandle h) { return {ObjectType::kDevice, h.index, h.generation}; }

Object& Get(Kernel& k, ObjectKey key) {
  switch (key.type) {
    case ObjectType::kIoas:
      return Get(k, key.ioas()).object;
    case ObjectType::kHwptPaging:
      return Get(k, key.hwpt()).object;
    case ObjectType::kDevice:
      return Get(k, key.device()).object;
    case ObjectType::kNone:
      break;
  }
  IOMMUFD_CHECK(false, "a null key names no object");
  __builtin_unreachable();
}

sim::ObjectRef Ref(Kernel& k, ObjectKey key) {
  const auto id = static_cast<uint16_t>(Get(k, key).id);
  switch (key.type) {
    case ObjectType::kIoas:
      return {sim::ObjectKind::kIoas, id};
    case ObjectType::kHwptPaging:
      return {sim::ObjectKind::kHwpt, id};
    default:
      return {sim::ObjectKind::kDevice, id};
  }
}

void ReserveId(Kernel& k, ContextHandle ctx, ObjectKey key) {
  spin_lock(k.t, Get(k, ctx).xa_lock);
  auto& table = Get(k, ctx).objects.Modify(k.t, Ref(ctx));
  size_t index = 0;
  while (index < table.size() && table[index].state != Slot::kFree) ++index;
  if (index == table.size()) table.emplace_back();
  table[index] = TableEntry{Slot::kReserved, key.type, key.slot, key.generation};
  Get(k, key).id = static_cast<uint32_t>(index + 1);
  spin_unlock(k.t, Get(k, ctx).xa_lock);
}

void Publish(Kernel& k, ContextHandle ctx, ObjectKey key) {
  spin_lock(k.t, Get(k, ctx).xa_lock);
  TableEntry& entry = EntryOf(Get(k, ctx).objects.Modify(k.t, Ref(ctx)), Get(k, key).id);
  IOMMUFD_CHECK(entry.state == Slot::kReserved, "only a reserved id is published");
  entry.state = Slot::kPublished;
  spin_unlock(k.t, Get(k, ctx).xa_lock);
}

void AbortId(Kernel& k, ContextHandle ctx, ObjectKey key) {
  spin_lock(k.t, Get(k, ctx).xa_lock);
  auto& table = Get(k, ctx).objects.Modify(k.t, Ref(ctx));
  TableEntry& entry = EntryOf(table, Get(k, key).id);
  IOMMUFD_CHECK(entry.state == Slot::kReserved, "only a reserved id is given back");
  entry = TableEntry{};
  TrimFree(table);
  spin_unlock(k.t, Get(k, ctx).xa_lock);
}

ObjectKey LookupLocked(Kernel& k, ContextHandle ctx, uint32_t id) {
  lockdep_assert_held(k.t, Get(k, ctx).xa_lock);
  const auto& table = Get(k, ctx).objects.Read(k.t, Ref(ctx));
  if (id == 0 || id > table.size()) return {};
  const TableEntry& entry = table[id - 1];
  if (entry.state != Slot::kPublished) return {};
  return {entry.type, entry.slot, entry.generation};
}

bool LockObject(Kernel& k, ObjectKey key) {
  Object& object = Get(k, key);
  if (!refcount_inc_not_zero(k.t, object.users, Ref(k, key))) return false;
  if (refcount_inc_not_zero(k.t, object.wait_cnt, Ref(k, key))) return true;
  refcount_dec_and_test(k.t, object.users, Ref(k, key));
  return false;
}

ObjectKey GetObject(Kernel& k, ContextHandle ctx, uint32_t id, ObjectType type) {
  if (should_fail(k.t, sim::FaultSite::kGetObject, Ref(ctx), sim::Gfp::kAtomic)) return {};
  spin_lock(k.t, Get(k, ctx).xa_lock);
  ObjectKey key = LookupLocked(k, ctx, id);
  const bool wanted = !key.null() && (type == ObjectType::kNone || key.type == type);
  if (!wanted || !LockObject(k, key)) key = {};
  spin_unlock(k.t, Get(k, ctx).xa_lock);
  return key;
}

void PutObject(Kernel& k, ObjectKey key) {
  k.t.Step();
  refcount_dec_and_test(k.t, Get(k, key).users, Ref(k, key));
  // Between the two a destroyer may take the object out of the table; it then waits for us.
  k.t.Step();
  refcount_dec_and_test(k.t, Get(k, key).wait_cnt, Ref(k, key));
}

int RemoveObject(Kernel& k, ContextHandle ctx, uint32_t id, ObjectKey* removed) {
  spin_lock(k.t, Get(k, ctx).xa_lock);
  const ObjectKey key = LookupLocked(k, ctx, id);
  const int error = key.null() ? -sim::kENOENT : TakeOut(k, ctx, key);
  spin_unlock(k.t, Get(k, ctx).xa_lock);
  if (error != 0) return error;
  DropWaitCount(k, key);
  *removed = key;
  return 0;
}

int RemoveReferenced(Kernel& k, ContextHandle ctx, ObjectKey key) {
  k.t.Step();
  DropWaitCount(k, key);
  spin_lock(k.t, Get(k, ctx).xa_lock);
  refcount_dec_and_test(k.t, Get(k, key).users, Ref(k, key));
  const int error = TakeOut(k, ctx, key);
  if (error != 0) Get(k, key).wait_cnt.value = 1;
  spin_unlock(k.t, Get(k, ctx).xa_lock);
  return error;
}

}  // namespace iommufd_check::iommufd
