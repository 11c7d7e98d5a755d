#include "model/spec/lock_watch.h"

#include <deque>

#include "model/sim/check.h"

namespace iommufd_check::spec {

using sim::LockClass;
using sim::Primitive;

// Keeps the room that held locks took: this is called for each run.
void LockWatch::Clear() {
  known_.fill(0);
  for (std::vector<Held>& held : held_) held.clear();
  sleeping_ = 0;
  has_locked_ = 0;
}

void LockWatch::NoteOrder(const sim::Event& event, sim::Fn function) {
  const auto inner = static_cast<LockClass>(event.detail);
  const uint64_t bit = uint64_t{1} << event.detail;
  for (const Held& held : held_[event.task]) {
    uint64_t& known = known_[static_cast<size_t>(held.lock_class)];
    if (held.lock_class == inner || (known & bit) != 0) continue;
    known |= bit;
    first_[static_cast<size_t>(held.lock_class)][event.detail] = {
        held.lock_class, inner, event.operation, event.task, function};
  }
}

void LockWatch::Follow(const sim::Event& event, sim::Fn function) {
  std::vector<Held>& held = held_[event.task];
  const LockClass lock_class = sim::LockClassOf(event);
  switch (event.primitive) {
    case Primitive::kWait:
      if (lock_class != LockClass::kCount) NoteOrder(event, function);
      sleeping_ |= Bit(event.task);
      waits_[event.task] = {event.operation, event.task, event.step,
                            function,        lock_class, event.object};
      return;
    case Primitive::kLock:
      if (!held.empty() && !Sleeps(event.task)) NoteOrder(event, function);
      Wakes(event.task);
      has_locked_ |= Bit(event.task);
      held.push_back({event.spare, lock_class});
      return;
    case Primitive::kOpBegin:
      held.clear();
      Wakes(event.task);
      has_locked_ &= static_cast<uint8_t>(~Bit(event.task));
      return;
    default:
      IOMMUFD_CHECK(false, "no event of locks");
  }
}

std::vector<LockNesting> LockWatch::ChainOf(const sim::Event& event, sim::Fn function) const {
  const auto outer = static_cast<LockClass>(event.value >> 8);
  const auto inner = static_cast<LockClass>(event.value & 0xff);
  std::vector<LockNesting> chain{{outer, inner, event.operation, event.task, function}};
  // Breadth first from `inner`; the order of the classes breaks ties.
  std::array<const LockNesting*, kClasses> reached_by{};
  std::deque<LockClass> frontier{inner};
  while (!frontier.empty() && reached_by[static_cast<size_t>(outer)] == nullptr) {
    const auto from = static_cast<size_t>(frontier.front());
    frontier.pop_front();
    for (size_t to = 0; to < kClasses; ++to) {
      const bool nests = (known_[from] >> to & 1u) != 0;
      if (!nests || to == static_cast<size_t>(inner) || reached_by[to] != nullptr) continue;
      reached_by[to] = &first_[from][to];
      frontier.push_back(static_cast<LockClass>(to));
    }
  }
  if (reached_by[static_cast<size_t>(outer)] == nullptr) return chain;
  std::vector<LockNesting> back;
  for (LockClass at = outer; at != inner; at = back.back().outer) {
    back.push_back(*reached_by[static_cast<size_t>(at)]);
  }
  chain.insert(chain.end(), back.rbegin(), back.rend());
  return chain;
}

std::vector<LockWatch::Wait> LockWatch::Waiting() const {
  std::vector<Wait> waiting;
  for (size_t task = 0; task < waits_.size(); ++task) {
    if (Sleeps(static_cast<sim::TaskId>(task))) waiting.push_back(waits_[task]);
  }
  return waiting;
}

std::string TextOf(const LockWatch::Wait& wait) {
  std::string text = "main";
  if (wait.task != 0) text = std::string("task ") + static_cast<char>('A' + wait.task - 1);
  text += " waits for ";
  const bool is_lock = wait.lock_class != LockClass::kCount;
  text += is_lock ? sim::Name(wait.lock_class) : "a change";
  return text + " of " + std::string(sim::Name(wait.object.kind)) + " " +
         std::to_string(wait.object.number);
}

}  // namespace iommufd_check::spec
