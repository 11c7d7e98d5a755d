// The locks of an image: who holds each, who waits, and which class was taken inside which.
//
// A lock's class is its kind with the name in the source ("&ioas->mutex"), which the kernel's own
// initialiser gives; locks that the compiler initialised have no name and are a class each. Two of
// one class inside each other are no finding: the code may nest them by an order of its own.
//
// Tasks are bits. Nothing here takes a step or blocks: the machine does.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace iommufd_check::linux_host {

enum class LockKind : uint8_t { kSpin, kMutex, kRwsem };

struct Lock {
  LockKind kind = LockKind::kSpin;
  uint32_t lock_class = 0;
  uintptr_t address = 0;
  int owner = -1;  // exclusively; -1: nobody
  uint8_t readers = 0;
  uint8_t waiting_writers = 0;

  bool held() const { return owner >= 0 || readers != 0; }
  // As the kernel's rw_semaphore: a writer that waits keeps new readers out.
  bool CanTake(unsigned task, bool shared) const {
    if (owner >= 0) return false;
    return shared ? (waiting_writers & ~(1u << task)) == 0 : readers == 0;
  }
  bool HeldBy(unsigned task, bool shared) const {
    return shared ? (readers >> task & 1) != 0 : owner == static_cast<int>(task);
  }
  friend bool operator==(const Lock&, const Lock&) = default;
};

class Locks {
 public:
  // Numbers begin at 1, so that 0 stands for a lock that nobody has seen yet. An empty name: a
  // class of its own.
  uint32_t Add(LockKind kind, const std::string& name, uintptr_t address);
  bool Exists(uint32_t number) const { return number >= 1 && number <= locks_.size(); }
  Lock& at(uint32_t number) { return locks_[number - 1]; }
  const Lock& at(uint32_t number) const { return locks_[number - 1]; }
  std::string ClassName(uint32_t lock_class) const { return class_names_[lock_class]; }

  // REQUIRES: CanTake.
  void Take(uint32_t number, unsigned task, bool shared);
  // REQUIRES: HeldBy.
  void Give(uint32_t number, unsigned task, bool shared);
  // That `task` holds, in the order in which it took them.
  const std::vector<uint32_t>& HeldBy(unsigned task) const { return held_[task]; }
  // One that somebody holds between the addresses, or 0.
  uint32_t HeldIn(uintptr_t begin, uintptr_t end) const;

  // Classes in the order in which they close a circle, the wanted one first and last, when `task`
  // takes the lock inside what it holds; else empty. Each order is remembered, also from one run to
  // the next.
  std::vector<std::string> NoteOrder(unsigned task, uint32_t number);
  // "outer -> inner" lines, sorted.
  std::vector<std::string> Orders() const;

  void Keep();  // the state to come back to; REQUIRES: nobody holds a lock
  void Reset();
  void Clear();  // No lock, nothing kept; orders stay.

 private:
  bool Reaches(uint32_t from, uint32_t to, std::set<uint32_t>* seen,
               std::vector<std::string>* path) const;

  std::vector<Lock> locks_;
  std::vector<Lock> kept_;
  static constexpr int kTasks = 8;
  std::vector<uint32_t> held_[kTasks];
  std::map<std::pair<LockKind, std::string>, uint32_t> classes_;
  std::vector<std::string> class_names_;
  std::set<std::pair<uint32_t, uint32_t>> orders_;  // outer, inner
};

}  // namespace iommufd_check::linux_host
