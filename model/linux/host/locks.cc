#include "model/linux/host/locks.h"

#include <algorithm>

#include "model/sim/check.h"

namespace iommufd_check::linux_host {

uint32_t Locks::Add(LockKind kind, const std::string& name, uintptr_t address) {
  const auto next = static_cast<uint32_t>(class_names_.size());
  uint32_t lock_class = next;
  if (!name.empty()) lock_class = classes_.emplace(std::pair(kind, name), next).first->second;
  if (lock_class == next) {
    class_names_.push_back(name.empty() ? "static lock " + std::to_string(next) : name);
  }
  locks_.push_back({.kind = kind, .lock_class = lock_class, .address = address});
  return static_cast<uint32_t>(locks_.size());
}

void Locks::Take(uint32_t number, unsigned task, bool shared) {
  Lock& lock = at(number);
  IOMMUFD_CHECK(lock.CanTake(task, shared), "a lock is taken when it can be");
  if (shared) {
    lock.readers |= static_cast<uint8_t>(1u << task);
  } else {
    lock.owner = static_cast<int>(task);
  }
  held_[task].push_back(number);
}

void Locks::Give(uint32_t number, unsigned task, bool shared) {
  Lock& lock = at(number);
  IOMMUFD_CHECK(lock.HeldBy(task, shared), "a lock is given back by who has it");
  if (shared) {
    lock.readers &= static_cast<uint8_t>(~(1u << task));
  } else {
    lock.owner = -1;
  }
  std::vector<uint32_t>& held = held_[task];
  const auto last = std::find(held.rbegin(), held.rend(), number);
  IOMMUFD_CHECK(last != held.rend(), "who has a lock is known to hold it");
  held.erase(std::next(last).base());
}

uint32_t Locks::HeldIn(uintptr_t begin, uintptr_t end) const {
  for (const auto& held : held_) {
    for (const uint32_t number : held) {
      if (at(number).address >= begin && at(number).address < end) return number;
    }
  }
  return 0;
}

bool Locks::Reaches(uint32_t from, uint32_t to, std::set<uint32_t>* seen,
                    std::vector<std::string>* path) const {
  if (!seen->insert(from).second) return false;
  path->push_back(class_names_[from]);
  if (from == to) return true;
  for (auto edge = orders_.lower_bound({from, 0}); edge != orders_.end() && edge->first == from;
       ++edge) {
    if (Reaches(edge->second, to, seen, path)) return true;
  }
  path->pop_back();
  return false;
}

std::vector<std::string> Locks::NoteOrder(unsigned task, uint32_t number) {
  const uint32_t wanted = at(number).lock_class;
  for (const uint32_t outer : held_[task]) {
    const uint32_t held = at(outer).lock_class;
    if (held == wanted || !orders_.emplace(held, wanted).second) continue;
    std::set<uint32_t> seen;
    std::vector<std::string> circle;
    if (!Reaches(wanted, held, &seen, &circle)) continue;
    circle.push_back(class_names_[wanted]);
    return circle;
  }
  return {};
}

std::vector<std::string> Locks::Orders() const {
  std::vector<std::string> lines;
  for (const auto& [outer, inner] : orders_) {
    lines.push_back(class_names_[outer] + " -> " + class_names_[inner]);
  }
  std::sort(lines.begin(), lines.end());
  return lines;
}

void Locks::Keep() {
  IOMMUFD_CHECK(
      std::none_of(locks_.begin(), locks_.end(), [](const Lock& lock) { return lock.held(); }),
      "nobody holds a lock where runs begin");
  kept_ = locks_;
}

void Locks::Reset() {
  locks_ = kept_;
  for (auto& held : held_) held.clear();
}

void Locks::Clear() {
  kept_.clear();
  Reset();
}

}  // namespace iommufd_check::linux_host
