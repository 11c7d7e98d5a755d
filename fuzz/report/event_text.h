// Events in words, and the locks that each task holds, as reports print them.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "model/program/program.h"
#include "model/sim/event.h"
#include "model/sim/locks.h"
#include "model/spec/invariants.h"

namespace iommufd_check::cli {

// "ioas1"; no number for what a kernel has only one of.
std::string ObjectText(sim::ObjectRef object);

// "ioas1.mutex", "ioas1.domains:r", "xa_lock".
std::string LockText(sim::LockClass lock_class, sim::ObjectRef object, sim::LockMode mode);

// "B.1 luo_preserve", "process exit".
std::string OperationText(const program::Program& program, uint16_t operation);

// "luo_preserve", "process exit".
std::string OperationName(const program::Program& program, uint16_t operation);

// "B.1 luo_preserve(s, iommufd, token=2)", "process exit".
std::string CallText(const program::Program& program, uint16_t operation);

// "lock ioas1.mutex", "luo_preserve -> EBUSY", "FAULT kcalloc #1: ENOMEM".
std::string EventText(const program::Program& program, const sim::Event& event);

// Every event on a line of its own, with all locks: for digging.
std::string RenderDetails(const program::Program& program, const std::vector<sim::Event>& events);

// "[xa_lock ioas1.mutex]", without the first `skipped`, for which ".." stands; empty for no lock.
std::string Bracketed(const std::vector<std::string>& locks, size_t skipped = 0);

// Follows lock and unlock events; answers which locks a task holds after the events seen so far.
class HeldLocks {
 public:
  void Apply(const sim::Event& event);

  // "xa_lock", "ioas1.mutex": in the order in which they were taken.
  std::vector<std::string> Of(sim::TaskId task) const;

 private:
  std::array<std::vector<sim::Event>, sim::kMaxTasks> held_;
};

}  // namespace iommufd_check::cli
