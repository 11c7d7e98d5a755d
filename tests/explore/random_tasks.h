// Random small programs of bare tasks: two or three tasks, two variables, two locks of each kind,
// branches on what was read, deadlocks.
//
//   TaskSubject subject(2, 2, RandomTasks(seed));
#pragma once

#include <cstdint>
#include <random>
#include <vector>

#include "tests/explore/task_subject.h"

namespace iommufd_check::explore {
namespace random_tasks {

using sim::Task;

enum class Kind : uint8_t { kRead, kWrite, kLockedAdd, kSharedRead, kExclusiveAdd, kNested, kIf };

struct Action {
  Kind kind = Kind::kRead;
  int variable = 0;
  int lock = 0;
};

inline int StepsOf(const Action& action) {
  switch (action.kind) {
    case Kind::kRead:
    case Kind::kWrite:
      return 1;
    case Kind::kIf:
      return 2;
    case Kind::kSharedRead:
      return 3;
    case Kind::kNested:
      return 5;
    default:
      return 4;
  }
}

inline void Add(Task& t, TaskState& s, int variable) {
  s.Write(t, variable, 3 * s.Read(t, variable) + t.id());
}

inline void Do(Task& t, TaskState& s, const Action& a) {
  int64_t& local = s.local(t);
  switch (a.kind) {
    case Kind::kRead:
      local = 7 * local + s.Read(t, a.variable);
      return;
    case Kind::kWrite:
      return s.Write(t, a.variable, 5 * local + t.id());
    case Kind::kLockedAdd:
      mutex_lock(t, s.mutex(a.lock));
      Add(t, s, a.variable);
      return mutex_unlock(t, s.mutex(a.lock));
    case Kind::kSharedRead:
      down_read(t, s.rwsem(a.lock));
      local = 7 * local + s.Read(t, a.variable);
      return up_read(t, s.rwsem(a.lock));
    case Kind::kExclusiveAdd:
      down_write(t, s.rwsem(a.lock));
      Add(t, s, a.variable);
      return up_write(t, s.rwsem(a.lock));
    case Kind::kNested:
      mutex_lock(t, s.mutex(a.lock));
      mutex_lock(t, s.mutex(1 - a.lock));
      s.Write(t, a.variable, t.id());
      mutex_unlock(t, s.mutex(1 - a.lock));
      return mutex_unlock(t, s.mutex(a.lock));
    case Kind::kIf:
      if (s.Read(t, a.variable) == 0) s.Write(t, 1 - a.variable, t.id());
      return;
  }
}

}  // namespace random_tasks

inline std::vector<TaskCode> RandomTasks(uint32_t seed) {
  using namespace random_tasks;
  std::mt19937 random(seed);
  const auto below = [&](uint32_t n) { return static_cast<int>(random() % n); };
  const int tasks = 2 + below(2);
  const int most_steps = tasks == 2 ? 6 : 3;
  std::vector<TaskCode> code;
  for (int task = 0; task < tasks; ++task) {
    std::vector<Action> actions;
    for (int steps = 0;;) {
      const Action action{static_cast<Kind>(below(7)), below(2), below(2)};
      steps += StepsOf(action);
      if (steps > most_steps && !actions.empty()) break;
      actions.push_back(action);
      if (steps >= most_steps) break;
    }
    code.push_back([actions](sim::Task& t, TaskState& s) {
      for (const Action& action : actions) Do(t, s, action);
    });
  }
  return code;
}

}  // namespace iommufd_check::explore
