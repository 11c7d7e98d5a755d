// A table of objects addressed by handles, with use-after-free detection.
//
// Freed slots are reused lowest first. Each reuse raises the slot's generation, so a handle kept
// past the free of its object is recognised. Generations are the model's ghost, like KASAN's
// quarantine: they take no part in ==, fingerprint or diff, so that a machine that allocates and
// frees is equal to what it was before.
//
//   Handle<Hwpt> h = table.Create(Hwpt{...});
//   if (Hwpt* hwpt = table.Find(h)) ...   // nullptr: freed since
#pragma once

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "model/sim/check.h"

namespace iommufd_check::sim {

template <class T>
struct Handle {
  uint16_t index = UINT16_MAX;
  uint16_t generation = 0;  // ghost: see above

  bool null() const { return index == UINT16_MAX; }
  friend bool operator==(const Handle& a, const Handle& b) { return a.index == b.index; }

  static constexpr size_t kUnseen = 1;  // generation
  template <class Visitor, class... Self>
  static constexpr void Visit(Visitor&& v, Self&... s) {
    v("", s.index...);
  }
};

template <class T>
class Slots {
 public:
  Handle<T> Create(T value) {
    size_t index = 0;
    while (index < slots_.size() && slots_[index].has_value()) ++index;
    if (index == slots_.size()) slots_.emplace_back();
    if (index >= generations_.size()) generations_.resize(index + 1, 0);
    IOMMUFD_CHECK(index < UINT16_MAX, "object table is full");
    slots_[index] = std::move(value);
    return Handle<T>{static_cast<uint16_t>(index), generations_[index]};
  }

  void Free(Handle<T> handle) {
    IOMMUFD_CHECK(Find(handle) != nullptr, "double free in the model itself");
    slots_[handle.index].reset();
    ++generations_[handle.index];
    while (!slots_.empty() && !slots_.back().has_value()) slots_.pop_back();
  }

  T* Find(Handle<T> handle) {
    if (handle.index >= slots_.size() || !slots_[handle.index].has_value()) return nullptr;
    if (generations_[handle.index] != handle.generation) return nullptr;
    return &*slots_[handle.index];
  }
  const T* Find(Handle<T> handle) const { return const_cast<Slots*>(this)->Find(handle); }

  // Calls visit(handle, object) for each live object, in table order.
  template <class Fn>
  void ForEach(Fn&& visit) const {
    for (size_t i = 0; i < slots_.size(); ++i) {
      if (slots_[i].has_value()) {
        visit(Handle<T>{static_cast<uint16_t>(i), generations_[i]}, *slots_[i]);
      }
    }
  }
  size_t live() const {
    size_t n = 0;
    for (const auto& slot : slots_) n += slot.has_value() ? 1 : 0;
    return n;
  }

  friend bool operator==(const Slots& a, const Slots& b) { return a.slots_ == b.slots_; }

  template <class Visitor, class... Self>
  static constexpr void Visit(Visitor&& v, Self&... s) {
    v("", s.slots_...);
  }

 private:
  std::vector<std::optional<T>> slots_;
  std::vector<uint16_t> generations_;
};

}  // namespace iommufd_check::sim
