// Object ids, the two counters of every object, and how objects are found, published and removed
// (objects.md sections 2, 3 and 6).
//
// Ids are the lowest free ones, never cyclic. A slot is reserved while its object is being built
// and then reads as absent. `users` counts all references, `wait_cnt` those that a destroyer may
// wait for; a short reference (lock_obj) raises both.
#pragma once

#include "model/iommufd/kernel.h"
#include "model/sim/check.h"

namespace iommufd_check::iommufd {

// Names an object whatever its type.
struct ObjectKey {
  ObjectType type = ObjectType::kNone;
  uint16_t slot = UINT16_MAX;
  uint16_t generation = 0;

  bool null() const { return type == ObjectType::kNone; }
  // ioas(), hwpt() and so on. REQUIRES: it names one.
#define OBJECT(kind, name, Type, slots, type_id, value, stem) \
  Type##Handle name() const { return As<Type>(); }
#include "model/sim/objects.def"

 private:
  template <class T>
  sim::Handle<T> As() const {
    IOMMUFD_CHECK(type == kTypeOf<T>, "the key names an object of that type");
    return {slot, generation};
  }
};
template <class T>
  requires(kTypeOf<T> != ObjectType::kNone)
ObjectKey KeyOf(sim::Handle<T> h) {
  return {kTypeOf<T>, h.index, h.generation};
}
sim::ObjectKind KindOf(ObjectKey key);

// The counters of the object, or an oops when it has been freed.
Object& Get(Kernel& k, ObjectKey key);
sim::ObjectRef Ref(Kernel& k, ObjectKey key);

// The part of _iommufd_object_alloc that can fail: memory for the object, then a place in the table
// for its id. Nobody has seen the object yet, so there is nothing to undo.
// FAULTS: object_alloc, object_id_alloc.
int iommufd_object_alloc(Kernel& k, sim::ObjectRef where);
// Reserves the lowest free id for `key` and stores it in the object. LOCKS: takes xa_lock.
void ReserveId(Kernel& k, ContextHandle ctx, ObjectKey key);
// Makes the object visible. After this nothing may fail (iommufd_object_finalize).
void Publish(Kernel& k, ContextHandle ctx, ObjectKey key);
// Gives a reserved id back (iommufd_object_abort, the table's part).
void AbortId(Kernel& k, ContextHandle ctx, ObjectKey key);

// The published object with this id; null when absent. LOCKS: caller holds xa_lock.
ObjectKey LookupLocked(Kernel& k, ContextHandle ctx, uint32_t id);
// The same without the lock, for whoever has the table alone (release of the file).
ObjectKey Lookup(Kernel& k, ContextHandle ctx, uint32_t id);

// iommufd_lock_obj: users and wait_cnt up, unless one of them is 0.
bool LockObject(Kernel& k, ObjectKey key);
// iommufd_get_object: short reference by id; type kNone accepts any. Null: ENOENT.
// FAULTS: get_object.
ObjectKey GetObject(Kernel& k, ContextHandle ctx, uint32_t id, ObjectType type);
// The device of a driver that holds it by pointer, as VFIO does: named by id all the same, since
// the model's callers have no pointers, but nothing on the way can fail. Null: nobody has it bound.
ObjectKey GetDriversDevice(Kernel& k, ContextHandle ctx, uint32_t id);
// iommufd_put_object: users first, then wait_cnt, which wakes who waits on ctx->destroy_wait.
void PutObject(Kernel& k, ContextHandle ctx, ObjectKey key);

// Destroy hooks (objects.md section 5): each type of object has one, which gives up what the object
// holds and frees it. The object is out of the table, and LOCKS: none is held.
#define OBJECT(kind, name, Type, slots, type, value, stem) \
  void Destroy(Kernel& k, ContextHandle ctx, Type##Handle h);
#include "model/sim/objects.def"
void Destroy(Kernel& k, ContextHandle ctx, ObjectKey key);

// Takes the object out of the table: ENOENT; EBUSY unless only the table's reference is left. Then
// waits for short references (EBUSY and a WARN when they do not go in 60 s). The caller runs the
// destroy hook.
int RemoveObject(Kernel& k, ContextHandle ctx, uint32_t id, ObjectKey* removed);

// iommufd_object_destroy_user: as RemoveObject, by the holder of one reference, which is dropped.
// Short references are waited for first, and no new ones are given meanwhile. EBUSY is a leak.
int RemoveReferenced(Kernel& k, ContextHandle ctx, ObjectKey key);

}  // namespace iommufd_check::iommufd
