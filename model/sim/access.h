// Accesses to fields of objects that are reached through a handle.
//
// `k` is what the task sees of its layer; a layer has Get(k, handle), which resolves a handle or
// ends the run in an oops. `path` leads from the object to the field: a pointer to member, or a
// Path through a nested struct.
//
//   const uint64_t token = Read(k, hwpt, &Hwpt::token);
//   Update(k, ioas, iopt::areas, [&](auto& areas) { areas.push_back(area); });
//   refcount_inc(k, KeyOf(ioas), &Object::users);
//
// Locks, calls that can fail, warnings and notes have the same form, so that an operation says of
// which object and leaves to this file how it is found and named:
//
//   down_write(k, ioas, iopt::iova_rwsem);
//   if (const int error = fail(k, FaultSite::kAreaAlloc, ioas)) ...
#pragma once

#include <functional>
#include <utility>

#include "model/sim/shared.h"
#include "model/sim/slots.h"

namespace iommufd_check::sim {

// Two members in a row.
template <class Outer, class Inner>
struct Path {
  Outer outer;
  Inner inner;
  template <class T>
  constexpr auto& operator()(T& object) const {
    return std::invoke(inner, std::invoke(outer, object));
  }
};
template <class Outer, class Inner>
Path(Outer, Inner) -> Path<Outer, Inner>;

template <class T>
constexpr ObjectKind KindOf(Handle<T>) {
  return T::kKind;
}

// The object, or an oops: the handle is null, or what it named has been freed. References are for
// immediate use: they do not survive a step.
template <class T>
T& Live(Task& t, Slots<T>& slots, Handle<T> h) {
  if (h.null()) t.Oops(Splat::kNullDereference, {T::kKind, 0});
  T* object = slots.Find(h);
  if (object == nullptr) t.Oops(Splat::kUseAfterFree, {T::kKind, h.index});
  return *object;
}

// How events and reports name an object: by the id that users have of it, where there is one, which
// its `object` knows; else by its slot; or by a name that the caller has already.
template <class T>
concept HasId = requires(const T& t) { t.object.number(); };
template <HasId T>
ObjectRef Ref(const T& object) {
  return {T::kKind, object.object.number()};
}
template <class T>
  requires(!HasId<T>)
ObjectRef Ref(Handle<T> h) {
  return {T::kKind, h.index};
}
template <Layer K, class T>
ObjectRef Ref(K& k, Handle<T> h) {
  if constexpr (HasId<T>) {
    return Ref(Get(k, h));
  } else {
    return Ref(h);
  }
}
template <Layer K>
ObjectRef Ref(K&, ObjectRef name) {
  return name;
}

namespace access_internal {

template <class T, class P>
using FieldOf = std::remove_cvref_t<decltype(std::invoke(std::declval<P>(), std::declval<T&>()))>;

}  // namespace access_internal

// The field, resolved after the switch to other tasks that every access may be.
template <class K, class H, class P>
auto& Reach(K& k, H h, const P& path) {
  using F = std::remove_cvref_t<decltype(std::invoke(path, Get(k, h)))>;
  k.t.Place(KindOf(h), F::kField);
  return std::invoke(path, Get(k, h));
}

// What an access of this field says beside that it happened: what the gates, marks and page checks
// of live update are made of. `value` is what is read or has been written.
template <Field F, class T>
void NoteRead(Task& t, ObjectRef object, const T& value) {
  if constexpr (F == Field::kIoptImmutable) {
    t.Emit(value != 0 ? Note::kGateRefused : Note::kGatePassed, object);
  } else if constexpr (F == Field::kAreaPages) {
    if (value.null()) t.Emit(Note::kUnfilledAreaSeen, object);
  }
}
template <Field F, class T>
void NoteWrite(Task& t, ObjectRef object, const T& value) {
  if constexpr (F == Field::kHwptToken) t.Emit(Note::kMark, object, static_cast<int64_t>(value));
}

// The value. Marked accesses (READ_ONCE, smp_load_acquire) pass kAccessMarked, kAccessOrders.
template <class K, class T, class P>
auto Read(K& k, Handle<T> h, const P& path, uint8_t marks = 0) {
  using F = access_internal::FieldOf<T, P>;
  const auto& field = Reach(k, h, path);
  k.t.Access(Primitive::kRead, Ref(k, h), F::kField, marks);
  NoteRead<F::kField>(k.t, Ref(k, h), field.Peek());
  return field.Peek();
}
template <class K, class T, class P>
auto ReadOnce(K& k, Handle<T> h, const P& path) {
  return Read(k, h, path, kAccessMarked);
}

template <class K, class T, class P>
void Write(K& k, Handle<T> h, const P& path, typename access_internal::FieldOf<T, P>::Value value,
           uint8_t marks = 0) {
  using F = access_internal::FieldOf<T, P>;
  auto& field = Reach(k, h, path);
  const uint8_t same = field.Peek() == value ? kAccessSame : 0;
  k.t.Access(Primitive::kWrite, Ref(k, h), F::kField, marks | same | F::kPlainWrite);
  field.Raw() = std::move(value);
  NoteWrite<F::kField>(k.t, Ref(k, h), field.Peek());
}
template <class K, class T, class P>
void WriteOnce(K& k, Handle<T> h, const P& path,
               typename access_internal::FieldOf<T, P>::Value value) {
  Write(k, h, path, std::move(value), kAccessMarked);
}

// Changes the field in one go. `change` takes no step.
template <class K, class T, class P, class Change>
decltype(auto) Update(K& k, Handle<T> h, const P& path, Change&& change, uint8_t marks = 0) {
  using F = access_internal::FieldOf<T, P>;
  auto& field = Reach(k, h, path);
  k.t.Access(Primitive::kWrite, Ref(k, h), F::kField, marks);
  return change(field.Raw());
}

// Looks at the field without a copy. `look` takes no step.
template <class K, class T, class P, class Look>
decltype(auto) With(K& k, Handle<T> h, const P& path, Look&& look, uint8_t marks = 0) {
  using F = access_internal::FieldOf<T, P>;
  const auto& field = Reach(k, h, path);
  k.t.Access(Primitive::kRead, Ref(k, h), F::kField, marks);
  return look(field.Peek());
}

// A field whose accesses order others, as the race detector must know (vocabulary.def).
template <class K, class H, class P>
auto& ReachCounter(K& k, H h, const P& path) {
  auto& count = Reach(k, h, path);
  static_assert(IsCounter(std::remove_cvref_t<decltype(count)>::kField), "not marked kCounter");
  return count;
}

// refcount_t of an object; task.h says how each of them orders.
template <class K, class H, class P>
void refcount_inc(K& k, H h, const P& path) {
  auto& count = ReachCounter(k, h, path);
  refcount_inc(k.t, count, Ref(k, h), count.kField);
}
template <class K, class H, class P>
bool refcount_inc_not_zero(K& k, H h, const P& path) {
  auto& count = ReachCounter(k, h, path);
  return refcount_inc_not_zero(k.t, count, Ref(k, h), count.kField);
}
template <class K, class H, class P>
bool refcount_dec_and_test(K& k, H h, const P& path) {
  auto& count = ReachCounter(k, h, path);
  return refcount_dec_and_test(k.t, count, Ref(k, h), count.kField);
}
template <class K, class H, class P>
bool refcount_dec_if_one(K& k, H h, const P& path) {
  auto& count = ReachCounter(k, h, path);
  return refcount_dec_if_one(k.t, count, Ref(k, h), count.kField);
}
template <class K, class H, class P>
void refcount_set(K& k, H h, const P& path, uint32_t value) {
  auto& count = ReachCounter(k, h, path);
  refcount_set(k.t, count, Ref(k, h), value, count.kField);
}
template <class K, class H, class P>
uint32_t refcount_read(K& k, H h, const P& path, uint8_t marks = 0) {
  auto& count = ReachCounter(k, h, path);
  return refcount_read(k.t, count, Ref(k, h), marks, count.kField);
}

// The locks of an object. Each call resolves the handle anew, before the lock is taken: an object
// that goes while a task waits for its lock takes the lock with it.
template <Layer K, class H, class P>
LockId LockOf(K& k, H h, const P& path) {
  return std::invoke(path, Get(k, h));
}
template <Layer K, class H, class P>
void mutex_lock(K& k, H h, const P& path) {
  mutex_lock(k.t, LockOf(k, h, path));
}
template <Layer K, class H, class P>
void mutex_unlock(K& k, H h, const P& path) {
  mutex_unlock(k.t, LockOf(k, h, path));
}
template <Layer K, class H, class P>
void down_read(K& k, H h, const P& path) {
  down_read(k.t, LockOf(k, h, path));
}
template <Layer K, class H, class P>
void up_read(K& k, H h, const P& path) {
  up_read(k.t, LockOf(k, h, path));
}
template <Layer K, class H, class P>
void down_write(K& k, H h, const P& path) {
  down_write(k.t, LockOf(k, h, path));
}
template <Layer K, class H, class P>
void up_write(K& k, H h, const P& path) {
  up_write(k.t, LockOf(k, h, path));
}
template <Layer K, class H, class P>
void spin_lock(K& k, H h, const P& path) {
  spin_lock(k.t, LockOf(k, h, path));
}
template <Layer K, class H, class P>
void spin_unlock(K& k, H h, const P& path) {
  spin_unlock(k.t, LockOf(k, h, path));
}
template <Layer K, class H, class P>
void lockdep_assert_held(K& k, H h, const P& path) {
  lockdep_assert_held(k.t, LockOf(k, h, path));
}
// Of an object that is being built, and of one that is about to be freed.
template <Layer K, class H, class P>
void lock_init(K& k, H h, const P& path, LockClass lock_class) {
  const LockId id = lock_create(k.t, lock_class, Ref(k, h));
  std::invoke(path, Get(k, h)) = id;
}
template <Layer K, class H, class P>
void lock_destroy(K& k, H h, const P& path) {
  lock_destroy(k.t, LockOf(k, h, path));
}

// Whatever else happens to an object (task.h).
template <Layer K, class H = ObjectRef>
int fail(K& k, FaultSite site, H h = {}, Gfp gfp = Gfp::kKernel) {
  return fail(k.t, site, Ref(k, h), gfp);
}
template <Layer K, class H>
bool warn_on(K& k, bool condition, H h, Condition tested = Condition::kNone) {
  return warn_on(k.t, condition, Ref(k, h), tested);
}
template <Layer K, class H>
void Emit(K& k, Note note, H h, int64_t value = 0) {
  k.t.Emit(note, Ref(k, h), value);
}
template <Layer K, class H>
[[noreturn]] void Oops(K& k, Splat splat, H h, int64_t value = 0) {
  k.t.Oops(splat, Ref(k, h), value);
}
template <Layer K, class H>
bool wait_event_timeout(K& k, H queue, const std::function<bool()>& condition) {
  return wait_event_timeout(k.t, Ref(k, queue), condition);
}
template <Layer K, class H>
void wake_up_all(K& k, H queue) {
  wake_up_all(k.t, Ref(k, queue));
}

}  // namespace iommufd_check::sim
