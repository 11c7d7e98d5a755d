#include "fuzz/mutate/plan_edits.h"

#include <algorithm>
#include <array>
#include <bit>
#include <iterator>

#include "model/sim/switch_schedule.h"

namespace iommufd_check::cli {

using program::Program;
using sim::Primitive;
using sim::SchedulePoint;

namespace {

// Tasks that took a lock of each class, as bits.
std::array<uint8_t, sim::Count<sim::LockClass>()> TakersOf(std::span<const sim::Event> events) {
  std::array<uint8_t, sim::Count<sim::LockClass>()> takers{};
  for (const sim::Event& event : events) {
    const bool wants = event.primitive == Primitive::kLock || event.primitive == Primitive::kWait;
    if (!wants || event.task == 0 || event.detail >= takers.size()) continue;
    takers[event.detail] |= static_cast<uint8_t>(1u << event.task);
  }
  return takers;
}

uint8_t OthersAt(const SchedulePoint& point) {
  return point.runnable & static_cast<uint8_t>(~(1u << point.current));
}

sim::TaskId DrawTask(uint8_t tasks, Draw& draw) {
  auto left = draw.Below(static_cast<size_t>(std::popcount(tasks)));
  sim::TaskId task = 0;
  for (;; ++task) {
    if (((tasks >> task) & 1u) == 0) continue;
    if (left-- == 0) return task;
  }
}

// Those with the operation and act of one of them: a loop of a thousand accesses is as likely as
// one that comes once.
std::vector<size_t> OfOneAct(const std::vector<size_t>& among, const ParentRun& parent,
                             Draw& draw) {
  std::vector<size_t> firsts;
  const auto same = [&](size_t a, size_t b) {
    return parent.points[a].operation == parent.points[b].operation &&
           parent.points[a].act == parent.points[b].act;
  };
  for (const size_t i : among) {
    const auto known = [&](size_t first) { return same(first, i); };
    if (std::none_of(firsts.begin(), firsts.end(), known)) firsts.push_back(i);
  }
  const size_t chosen = draw.Of(firsts);
  std::vector<size_t> these;
  std::copy_if(among.begin(), among.end(), std::back_inserter(these),
               [&](size_t i) { return same(chosen, i); });
  return these;
}

}  // namespace

ParentRun RunOf(const program::Executor& executor) {
  return {executor.last().sites, executor.schedule_points(), executor.events(),
          &executor.last().meetings};
}

bool AddFault(Program* program, const ParentRun& parent, const Limits& limits, Draw& draw) {
  if (parent.sites.empty() || program->faults.size() >= limits.faults) return false;
  const program::SiteVisit& visit = draw.Of(parent.sites);
  program->faults.push_back({visit.operation, visit.site, visit.nth});
  return true;
}

bool MoveFault(Program* program, const ParentRun& parent, const Limits& limits, Draw& draw) {
  return DropFault(program, draw) && AddFault(program, parent, limits, draw);
}

bool DropFault(Program* program, Draw& draw) {
  if (program->faults.empty()) return false;
  program->faults.erase(program->faults.begin() +
                        static_cast<ptrdiff_t>(draw.Below(program->faults.size())));
  return true;
}

std::vector<size_t> ContestedPoints(const ParentRun& parent) {
  const auto takers = TakersOf(parent.events);
  const auto contested = [&](const sim::Act& act) {
    switch (act.primitive) {
      case Primitive::kOpBegin:
      case Primitive::kOpEnd:
        return true;
      case Primitive::kLock:
      case Primitive::kUnlock:
      case Primitive::kWait:
        return act.detail < takers.size() && std::popcount(takers[act.detail]) > 1;
      case Primitive::kRead:
        return parent.meetings->Contains(act.kind, static_cast<sim::Field>(act.detail));
      default:
        return false;
    }
  };
  std::vector<size_t> found;
  for (size_t i = 0; i < parent.points.size(); ++i) {
    const SchedulePoint& point = parent.points[i];
    if (OthersAt(point) != 0 && contested(point.act)) found.push_back(i);
  }
  return found;
}

bool AddSwitch(Program* program, const ParentRun& parent, const Limits& limits, Draw& draw) {
  if (program->switches.size() >= limits.switches) return false;
  const std::vector<size_t> contested = ContestedPoints(parent);
  if (contested.empty()) return false;
  const size_t at = draw.Of(OfOneAct(contested, parent, draw));
  const sim::TaskId to = DrawTask(OthersAt(parent.points[at]), draw);
  // The first of several at one place applies, so a new one goes before those there are.
  program->switches.insert(program->switches.begin(),
                           sim::SwitchAt(parent.points, at, parent.events, to));
  return true;
}

bool MoveSwitch(Program* program, const ParentRun& parent, const Limits& limits, Draw& draw) {
  return DropSwitch(program, draw) && AddSwitch(program, parent, limits, draw);
}

bool DropSwitch(Program* program, Draw& draw) {
  if (program->switches.empty()) return false;
  program->switches.erase(program->switches.begin() +
                          static_cast<ptrdiff_t>(draw.Below(program->switches.size())));
  return true;
}

}  // namespace iommufd_check::cli
