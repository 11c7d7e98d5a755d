// Fields that several tasks share, and the accesses to them (access.h has those of objects that are
// reached through a handle).
//
// An access is recorded with object, field and how it was marked: lock-set and race checks,
// partial-order reduction and swim lanes are made of these records. It is also a place where other
// tasks may run (places.h): whatever is reached through a handle is resolved after that, and what
// an access gives is a copy, so that nothing of a table survives a switch.
//
//   struct Session { Shared<bool, Field::kFdOpen> fd_open{true}; ... };
//   if (!Read(k, session, &Session::fd_open)) return -kEBADF;
//
// Shared<> may change at any time. Const<> is set while only one task can reach its object and
// never after; reading it is a dereference of the object all the same.
#pragma once

#include <type_traits>
#include <utility>

#include "model/sim/task.h"

namespace iommufd_check::sim {

// How KCSAN in the kernel's default configuration sees a plain write of this type: writes of up to
// a word are taken to be atomic.
template <class T>
inline constexpr bool kWordSized = std::is_trivially_copyable_v<T> && sizeof(T) <= 8;

template <class T, Field F>
class Shared {
 public:
  using Value = T;
  static constexpr Field kField = F;
  static constexpr uint8_t kPlainWrite = kWordSized<T> ? kAccessWord : 0;

  Shared() = default;
  explicit Shared(T value) : value_(std::move(value)) {}

  // For observers (invariants, diff, reports), never for operations.
  const T& Peek() const { return value_; }
  // For set-up before any other task can reach it.
  T& Raw() { return value_; }

  friend bool operator==(const Shared&, const Shared&) = default;
  template <class Visitor, class... Self>
  static constexpr void Visit(Visitor&& v, Self&... s) {
    v("", s.value_...);
  }

 private:
  T value_{};
};

template <class T, Field F>
class Const {
 public:
  using Value = T;
  static constexpr Field kField = F;

  Const() = default;
  explicit Const(T value) : value_(std::move(value)) {}

  const T& Peek() const { return value_; }
  T& Raw() { return value_; }

  friend bool operator==(const Const&, const Const&) = default;
  template <class Visitor, class... Self>
  static constexpr void Visit(Visitor&& v, Self&... s) {
    v("", s.value_...);
  }

 private:
  T value_{};
};

// Accesses to what is always there: the one LUO, the one KHO, the accounting of the process.
template <class T, Field F>
T Read(Task& t, const Shared<T, F>& shared, ObjectRef object, uint8_t marks = 0) {
  t.Place(object.kind, F);
  t.Access(Primitive::kRead, object, F, marks);
  return shared.Peek();
}
template <class T, Field F>
void Write(Task& t, Shared<T, F>& shared, ObjectRef object, T value, uint8_t marks = 0) {
  t.Place(object.kind, F);
  const uint8_t same = shared.Peek() == value ? kAccessSame : 0;
  t.Access(Primitive::kWrite, object, F, marks | same | Shared<T, F>::kPlainWrite);
  shared.Raw() = std::move(value);
}
// Changes it in one go, as the callers' lock or the callee's own makes it look. `change` takes no
// step.
template <class T, Field F, class Change>
decltype(auto) Update(Task& t, Shared<T, F>& shared, ObjectRef object, Change&& change,
                      uint8_t marks = 0) {
  t.Place(object.kind, F);
  t.Access(Primitive::kWrite, object, F, marks);
  return change(shared.Raw());
}
// Looks at it without a copy. `look` takes no step.
template <class T, Field F, class Look>
decltype(auto) With(Task& t, const Shared<T, F>& shared, ObjectRef object, Look&& look,
                    uint8_t marks = 0) {
  t.Place(object.kind, F);
  t.Access(Primitive::kRead, object, F, marks);
  return look(shared.Peek());
}

}  // namespace iommufd_check::sim
