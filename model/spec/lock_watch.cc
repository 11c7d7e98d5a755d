#include "model/spec/lock_watch.h"

#include <algorithm>
#include <deque>

namespace iommufd_check::spec {

using sim::LockClass;
using sim::Primitive;

// Keeps the room that held locks took: this is called for each run.
void LockWatch::Clear() {
  first_.clear();
  known_.fill(0);
  for (std::vector<Held>& held : held_) held.clear();
  sleeping_.fill(false);
}

void LockWatch::NoteOrder(const sim::Event& event, sim::Fn function) {
  const auto inner = static_cast<LockClass>(event.detail);
  for (const Held& held : held_[event.task]) {
    if (held.lock_class == inner) continue;
    uint64_t& known = known_[static_cast<size_t>(held.lock_class)];
    const uint64_t bit = uint64_t{1} << static_cast<int>(inner);
    if ((known & bit) != 0) continue;
    known |= bit;
    first_[{held.lock_class, inner}] = {held.lock_class, inner, event.operation, event.task,
                                        function};
  }
}

void LockWatch::OnEvent(const sim::Event& event, sim::Fn function) {
  std::vector<Held>& held = held_[event.task];
  const LockClass lock_class = sim::LockClassOf(event);
  switch (event.primitive) {
    case Primitive::kWait:
      if (lock_class != LockClass::kCount) NoteOrder(event, function);
      sleeping_[event.task] = true;
      waits_[event.task] = {event.operation, event.task, event.step,
                            function,        lock_class, event.object};
      return;
    case Primitive::kLock:
      if (!sleeping_[event.task]) NoteOrder(event, function);
      sleeping_[event.task] = false;
      held.push_back({event.spare, lock_class});
      return;
    case Primitive::kUnlock: {
      const auto last = std::find_if(held.rbegin(), held.rend(),
                                     [&](const Held& lock) { return lock.lock == event.spare; });
      if (last != held.rend()) held.erase(std::next(last).base());
      return;
    }
    case Primitive::kOpBegin:
      held.clear();
      sleeping_[event.task] = false;
      return;
    case Primitive::kSplat:
      return;
    default:
      sleeping_[event.task] = false;
  }
}

std::vector<LockNesting> LockWatch::ChainOf(const sim::Event& event, sim::Fn function) const {
  const auto outer = static_cast<LockClass>(event.value >> 8);
  const auto inner = static_cast<LockClass>(event.value & 0xff);
  std::vector<LockNesting> chain{{outer, inner, event.operation, event.task, function}};
  // Breadth first from `inner`; the map's order breaks ties.
  std::map<LockClass, Edge> reached_by;
  std::deque<LockClass> frontier{inner};
  while (!frontier.empty() && !reached_by.contains(outer)) {
    const LockClass from = frontier.front();
    frontier.pop_front();
    for (const auto& [edge, nesting] : first_) {
      if (edge.first != from || edge.second == inner || reached_by.contains(edge.second)) continue;
      reached_by[edge.second] = edge;
      frontier.push_back(edge.second);
    }
  }
  if (!reached_by.contains(outer)) return chain;
  std::vector<LockNesting> back;
  for (LockClass at = outer; at != inner; at = reached_by.at(at).first) {
    back.push_back(first_.at(reached_by.at(at)));
  }
  chain.insert(chain.end(), back.rbegin(), back.rend());
  return chain;
}

std::vector<LockWatch::Wait> LockWatch::Waiting() const {
  std::vector<Wait> waiting;
  for (size_t task = 0; task < waits_.size(); ++task) {
    if (sleeping_[task]) waiting.push_back(waits_[task]);
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
