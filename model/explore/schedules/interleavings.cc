#include "model/explore/schedules/interleavings.h"

#include <algorithm>
#include <bit>

#include "model/sim/check.h"

namespace iommufd_check::explore {
namespace {

constexpr uint8_t Bit(sim::TaskId task) { return static_cast<uint8_t>(1u << task); }
sim::TaskId Lowest(uint8_t tasks) { return static_cast<sim::TaskId>(std::countr_zero(tasks)); }

}  // namespace

void Interleavings::Node::Clear() {
  // Only wanted tasks have a guide.
  for (uint8_t left = wanted; left != 0; left &= static_cast<uint8_t>(left - 1)) {
    guide[Lowest(left)].clear();
  }
  chosen = 0;
  runnable = wanted = done = blocked = asleep = ending = 0;
}

Interleavings::Interleavings(Subject* subject, const InterleavingOptions& options)
    : subject_(*subject), options_(options), run_(&table_, options.dependency) {
  subject_.UsePlaces(options.dependency.places);
}

const InterleavingCounts& Interleavings::ExploreFrom(const PathStart& start,
                                                     const Visitor& visitor) {
  counts_ = {};
  depth_ = 0;
  closed_ = start.size();
  analysed_ = closed_;
  prefix_.clear();
  for (const PathNode& node : start) prefix_.push_back(node.chosen);
  if (start.empty()) return Loop(visitor);
  subject_.Run(prefix_);
  run_.Read(subject_);
  EnterStart(start);
  return Loop(visitor);
}

const InterleavingCounts& Interleavings::Loop(const Visitor& visitor) {
  for (;;) {
    if (options_.meter != nullptr && !options_.meter->Take()) return counts_;
    subject_.Run(prefix_);
    ++counts_.executions;
    meetings_.Merge(subject_.meetings());
    if (options_.ends_at_new_place && !options_.dependency.places.Includes(meetings_)) {
      return counts_;
    }
    run_.Read(subject_);
    if (run_.steps().size() > kMostSteps) {
      ++counts_.too_long;
      return counts_;
    }
    const Outcome outcome = Extend();
    const bool as_decided = outcome != Outcome::kRefused || run_.steps().size() + 1 >= depth_;
    if (as_decided) {
      order_.Build(run_);
      if (options_.reduction == Reduction::kDpor) FindBacktracks(outcome);
    }
    switch (outcome) {
      case Outcome::kTrace:
        if (EndedInAStep()) nodes_[depth_ - 1].ending |= Bit(nodes_[depth_ - 1].chosen);
        ++counts_.traces;
        counts_.transitions += run_.steps().size();
        counts_.longest = std::max(counts_.longest, uint64_t{run_.steps().size()});
        counts_.cut_short += run_.cut_short() ? 1 : 0;
        counts_.digest += subject_.digest();
        if (!visitor(subject_)) return counts_;
        break;
      case Outcome::kRepeat:
        ++counts_.repeated;
        continue;
      case Outcome::kAsleep:
        ++counts_.asleep;
        break;
      case Outcome::kRefused:
        ++counts_.refused;
        break;
    }
    if (!Next()) break;
  }
  counts_.exhausted = counts_.diverged == 0;
  return counts_;
}

// Builds the closed nodes from the start and the run that follows it.
void Interleavings::EnterStart(const PathStart& start) {
  IOMMUFD_CHECK(run_.steps().size() >= start.size(), "the path to a part can be followed");
  for (size_t i = 0; i < start.size(); ++i) {
    IOMMUFD_CHECK(run_.steps()[i].task == start[i].chosen, "the path to a part can be followed");
    EnterNode(i);
    EnterStep(i);
    Node& node = nodes_[i];
    for (const PathNode::Other& other : start[i].others) {
      node.done |= Bit(other.task);
      Accesses& accesses = node.explored[other.task];
      accesses.clear();
      for (const auto& [key, mode] : other.accesses) {
        accesses.push_back({table_.NumberOf(key), mode});
      }
      Normalise(&accesses);
    }
  }
}

PathStart Interleavings::PathToHere() const {
  PathStart path;
  for (size_t i = 0; i < depth_; ++i) {
    const Node& node = nodes_[i];
    PathNode at{.chosen = node.chosen};
    for (uint8_t left = node.done; left != 0; left &= static_cast<uint8_t>(left - 1)) {
      PathNode::Other other{.task = Lowest(left)};
      for (const Access& access : node.explored[other.task]) {
        other.accesses.emplace_back(table_.KeyOf(access.location), access.mode);
      }
      at.others.push_back(std::move(other));
    }
    path.push_back(std::move(at));
  }
  return path;
}

Interleavings::Node& Interleavings::Push() {
  if (depth_ == nodes_.size()) nodes_.emplace_back();
  nodes_[depth_].Clear();
  return nodes_[depth_++];
}

// What the step taken at `depth` accesses.
void Interleavings::EnterStep(size_t depth) {
  Node& node = nodes_[depth];
  const std::span<const Access> accesses = run_.AccessesOf(run_.steps()[depth]);
  node.explored[node.chosen].assign(accesses.begin(), accesses.end());
  node.runnable = run_.steps()[depth].runnable;
}

// The node before the step at `depth`, with who sleeps there.
void Interleavings::EnterNode(size_t depth) {
  Node& node = Push();
  const Step& step = run_.steps()[depth];
  node.chosen = step.task;
  node.runnable = step.runnable;
  node.wanted = options_.reduction == Reduction::kDpor ? Bit(step.task) : step.runnable;
  if (depth == 0 || options_.reduction == Reduction::kNone) return;
  const Node& parent = nodes_[depth - 1];
  const Accesses& taken = parent.explored[parent.chosen];
  const uint8_t others = static_cast<uint8_t>(~Bit(parent.chosen));
  const uint8_t candidates = (parent.asleep | parent.done) & others;
  for (uint8_t left = candidates; left != 0; left &= static_cast<uint8_t>(left - 1)) {
    const sim::TaskId task = Lowest(left);
    const size_t since = (parent.done >> task) & 1u ? depth - 1 : parent.sleeps_since[task];
    const bool ends = ((nodes_[since].ending >> task) & 1u) != 0;
    if (ends || Dependent(nodes_[since].explored[task], taken)) continue;
    node.asleep |= Bit(task);
    node.sleeps_since[task] = static_cast<uint16_t>(since);
  }
}

// The run shows that `task` could not take the step at `depth`.
bool Interleavings::FoundBlocked(size_t depth, sim::TaskId task) const {
  const std::vector<Step>& steps = run_.steps();
  if (depth < steps.size()) return ((steps[depth].runnable >> task) & 1u) == 0;
  return std::any_of(run_.waiting().begin(), run_.waiting().end(),
                     [&](const Waiting& w) { return w.task == task; });
}

// Compares the run with the path and adds its new steps to it.
Interleavings::Outcome Interleavings::Extend() {
  const std::vector<Step>& steps = run_.steps();
  const size_t decided = depth_;  // nodes whose step was chosen before the run
  for (size_t i = 0; i + 1 < decided; ++i) {
    if (i < steps.size() && steps[i].task == nodes_[i].chosen) continue;
    // The subject cannot follow a schedule that it followed before: nothing is certain any more.
    ++counts_.diverged;
    nodes_[decided - 1].blocked |= Bit(nodes_[decided - 1].chosen);
    return Outcome::kRefused;
  }
  if (decided > 0) {
    Node& last = nodes_[decided - 1];
    if (steps.size() < decided || steps[decided - 1].task != last.chosen) {
      last.blocked |= Bit(last.chosen);
      if (!FoundBlocked(decided - 1, last.chosen)) ++counts_.diverged;
      return Outcome::kRefused;
    }
    EnterStep(decided - 1);
  }
  for (size_t i = decided; i < std::min(steps.size(), max_depth_); ++i) {
    EnterNode(i);
    Node& node = nodes_[i];
    if (!Asleep(node, node.chosen)) {
      EnterStep(i);
      continue;
    }
    const uint8_t awake = node.runnable & static_cast<uint8_t>(~node.asleep);
    if (awake == 0) {
      --depth_;
      return Outcome::kAsleep;
    }
    node.chosen = Lowest(awake);
    node.wanted |= Bit(node.chosen);
    prefix_.clear();
    for (size_t k = 0; k < depth_; ++k) prefix_.push_back(nodes_[k].chosen);
    return Outcome::kRepeat;
  }
  return Outcome::kTrace;
}

// Steps after i and before `end` that do not depend on step i.
void Interleavings::CollectIndependent(size_t i, size_t end) {
  independent_.clear();
  for (size_t k = i + 1; k < end; ++k) {
    if (!order_.Before(i, k)) independent_.push_back(static_cast<uint16_t>(k));
  }
}

void Interleavings::FindBacktracks(Outcome outcome) {
  // A repeated run is analysed up to the node where it will differ.
  const size_t end = outcome == Outcome::kTrace    ? run_.steps().size()
                     : outcome == Outcome::kAsleep ? depth_
                                                   : depth_ - 1;
  order_.ForEachRace(analysed_, end, [&](size_t i, size_t j) {
    CollectIndependent(i, j);
    independent_.push_back(static_cast<uint16_t>(j));
    AddBacktrack(i, independent_, run_.steps()[j].task);
  });
  analysed_ = end;
  // Also where the run goes no further because the others sleep: what waits there waits in no other
  // run with these steps in this order.
  order_.ForEachRaceOfWaiting(end, [&](size_t i, sim::TaskId task) {
    CollectIndependent(i, end);
    AddBacktrack(i, independent_, task);
  });
  if (outcome != Outcome::kTrace || !run_.cut_short() || depth_ <= closed_) return;
  nodes_[depth_ - 1].wanted |= nodes_[depth_ - 1].runnable;
  if (EndedInAStep()) FindBacktracksOfEnd();
}

// The last step ended the run, whoever else could go on; in a deadlock nobody could.
bool Interleavings::EndedInAStep() const {
  return run_.cut_short() && subject_.end() != sim::RunEnd::kDeadlock;
}

// The step that ended the run is in a race with the last one of each other task: what that task
// does not do before the end, it does in no run with these steps.
void Interleavings::FindBacktracksOfEnd() {
  const size_t last = depth_ - 1;
  const sim::TaskId ends = nodes_[last].chosen;
  uint8_t seen = Bit(ends);
  for (size_t i = last; i-- > closed_ && seen != UINT8_MAX;) {
    const sim::TaskId task = run_.steps()[i].task;
    if ((seen >> task) & 1u) continue;
    seen |= Bit(task);
    if (order_.Before(i, last)) continue;
    CollectIndependent(i, last);
    independent_.push_back(static_cast<uint16_t>(last));
    AddBacktrack(i, independent_, ends);
  }
}

// Makes some task that can begin `steps` be tried before step i, unless one is already; `last` when
// there are no steps. The run then follows `steps`.
void Interleavings::AddBacktrack(size_t i, const std::vector<uint16_t>& steps, sim::TaskId last) {
  if (i < closed_) return;
  Node& node = nodes_[i];
  const uint8_t covered = node.wanted | node.done | node.asleep;
  uint8_t seen = 0;
  uint8_t initial = 0;
  size_t begin_of_initial = 0;
  for (size_t at = 0; at < steps.size(); ++at) {
    const sim::TaskId task = run_.steps()[steps[at]].task;
    if ((seen >> task) & 1u) continue;
    seen |= Bit(task);
    const bool follows =
        std::any_of(steps.begin(), steps.begin() + static_cast<ptrdiff_t>(at),
                    [&](uint16_t earlier) { return order_.Before(earlier, steps[at]); });
    if (follows) continue;
    if (covered & Bit(task)) return;
    if (initial == 0 || task == last) begin_of_initial = at;
    initial |= Bit(task);
  }
  if (initial == 0) {
    IOMMUFD_CHECK(steps.empty(), "the first of some steps can come first");
    node.wanted |= Bit(last);
    return;
  }
  const sim::TaskId first = run_.steps()[steps[begin_of_initial]].task;
  node.wanted |= Bit(first);
  std::vector<sim::TaskId>& guide = node.guide[first];
  guide.clear();
  for (size_t at = 0; at < steps.size(); ++at) {
    if (at != begin_of_initial) guide.push_back(run_.steps()[steps[at]].task);
  }
}

// Goes back to the deepest node with a task to try. False when there is none.
bool Interleavings::Next() {
  while (depth_ > closed_) {
    Node& node = nodes_[depth_ - 1];
    const bool refused = (node.blocked >> node.chosen) & 1u;
    if (refused) {
      // Someone else must go first: all are tried, as when nothing is known.
      node.wanted |= node.runnable;
    } else {
      node.done |= Bit(node.chosen);
    }
    const uint8_t closed = node.done | node.blocked | node.asleep;
    const uint8_t open = node.wanted & static_cast<uint8_t>(~closed);
    if (open == 0) {
      --depth_;
      continue;
    }
    node.chosen = Lowest(open);
    prefix_.resize(depth_);
    for (size_t k = 0; k < depth_; ++k) prefix_[k] = nodes_[k].chosen;
    const std::vector<sim::TaskId>& guide = node.guide[node.chosen];
    if (options_.reduction == Reduction::kDpor) {
      prefix_.insert(prefix_.end(), guide.begin(), guide.end());
    }
    analysed_ = depth_ - 1;
    return true;
  }
  return false;
}

// Sleep sets alone, deeper and deeper, until one level of the tree has as many nodes as are wanted.
std::vector<PathStart> CutIntoParts(Subject* subject, const InterleavingOptions& options,
                                    size_t wanted, uint64_t whole, Pulse* pulse) {
  IOMMUFD_CHECK(whole >= 1, "a run shows how deep the tree is");
  InterleavingOptions trial_options = options;
  Meter trial_meter(whole, pulse);
  trial_options.meter = &trial_meter;
  Interleavings trial(subject, trial_options);
  const bool small = trial.Explore([](const Subject&) { return true; }).exhausted;
  const std::vector<PathStart> one(1);
  const bool hopeless = trial.counts_.too_long != 0 || trial_meter.used() < whole;
  if (small || hopeless) return one;
  std::vector<PathStart> parts = one;
  const uint64_t deepest = trial.counts_.longest;
  for (size_t depth = 1; parts.size() < wanted && depth < deepest; ++depth) {
    InterleavingOptions plan_options = options;
    Meter meter(UINT64_MAX, pulse);
    plan_options.meter = &meter;
    if (options.reduction == Reduction::kDpor) plan_options.reduction = Reduction::kSleep;
    Interleavings plan(subject, plan_options);
    plan.max_depth_ = depth;
    parts.clear();
    plan.Explore([&](const Subject&) {
      parts.push_back(plan.PathToHere());
      return true;
    });
    if (meter.refused()) return one;
  }
  return parts;
}

}  // namespace iommufd_check::explore
