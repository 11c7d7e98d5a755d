// A field that several tasks share. Reads and writes are recorded with object and field: lock-set
// checks, partial-order reduction and swim lanes are made of these records.
//
//   struct IoPagetable { Shared<bool, Field::kIoptImmutable> immutable; ... };
//   if (iopt.immutable.Read(t, ioas.ref())) return -kEBUSY;
#pragma once

#include <utility>

#include "model/sim/task.h"

namespace iommufd_check::sim {

template <class T, Field kField>
class Shared {
 public:
  Shared() = default;
  explicit Shared(T value) : value_(std::move(value)) {}

  const T& Read(Task& t, ObjectRef object) const {
    t.Access(Primitive::kRead, object, kField);
    return value_;
  }
  void Write(Task& t, ObjectRef object, T value) {
    t.Access(Primitive::kWrite, object, kField);
    value_ = std::move(value);
  }
  // For containers: recorded as a write. The reference must not outlive the current step.
  T& Modify(Task& t, ObjectRef object) {
    t.Access(Primitive::kWrite, object, kField);
    return value_;
  }

  // The same for accesses that the callee orders itself (Task::Access, `atomic`).
  const T& ReadAtomic(Task& t, ObjectRef object) const {
    t.Access(Primitive::kRead, object, kField, true);
    return value_;
  }
  T& ModifyAtomic(Task& t, ObjectRef object) {
    t.Access(Primitive::kWrite, object, kField, true);
    return value_;
  }

  // For observers (invariants, diff, reports), never for operations.
  const T& Peek() const { return value_; }
  // For set-up before any task runs.
  T& Raw() { return value_; }

  friend bool operator==(const Shared&, const Shared&) = default;
  template <class Visitor, class... Self>
  static void Visit(Visitor&& v, Self&... s) {
    v("", s.value_...);
  }

 private:
  T value_{};
};

}  // namespace iommufd_check::sim
