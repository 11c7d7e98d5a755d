#include "model/program/executor.h"

#include <algorithm>
#include <functional>
#include <optional>
#include <utility>

#include "model/program/boot.h"
#include "model/program/boundary.h"
#include "model/program/dispatch.h"
#include "model/program/judge.h"
#include "model/sim/check.h"
#include "model/sim/runtime.h"

namespace iommufd_check::program {

using liveupdate::Design;
using liveupdate::World;
using sim::Task;
using spec::Invariant;

struct Executor::Impl {
  void Prepare(Design& design, const Program& program, const RunOptions& options);
  void StartRun();
  void RunPhase(uint8_t task);
  void RunTasks();
  void RunExit();
  void RunOperation(Task& t, size_t index);
  void AddWhereItOopsed();
  void Collect();
  void KeepMain(Design& design, const Program& program);
  void RunExtension(const Operation& operation);
  liveupdate::Kernel KernelFor(Task& t) {
    return {{t, world.machine, world.iommu, world.kernel.iommufd, *design},
            world.kernel.luo,
            iommufd::IommufdAt(0),
            *design};
  }

  sim::Runtime runtime;
  sim::SwitchSchedule schedule;
  sim::LockOrder lock_order;  // of this run
  World world;
  std::optional<Boot> booted_as;
  World booted;   // BootWorld(*booted_as)
  World machine;  // BootMachine(*booted_as)
  Bindings bindings;
  Judge judge{&world, &runtime};
  Execution execution;

  // Where Keep ended.
  struct Kept {
    bool valid = false;
    Program program;  // with room for one operation more, the last
    World world;
    Bindings bindings;
    spec::Monitor::Memory memory;
  };
  Kept kept;

  Design* design = nullptr;
  const Program* program = nullptr;
  RunOptions options;
  bool judges_operations = true;  // false: the judge only listens
};

void Executor::Impl::Prepare(Design& new_design, const Program& new_program,
                             const RunOptions& new_options) {
  design = &new_design;
  program = &new_program;
  options = new_options;
  if (!booted_as.has_value() || !(*booted_as == program->boot)) {
    booted_as = program->boot;
    booted = BootWorld(program->boot);
    machine = BootMachine(program->boot);
  }
  world = booted;
  schedule.Reset({});
  bindings.Reset(program->operations.size());
  StartRun();
}

void Executor::Impl::StartRun() {
  judges_operations = options.judged;
  if (options.judged) judge.Start(*design, *program, options);
  sim::RunConfig config;
  config.locks = &world.kernel.locks;
  config.faults = program->faults;
  config.listener = options.judged ? &judge : nullptr;
  config.step_limit = options.step_limit;
  config.places = options.places;
  lock_order = {};
  config.lock_order = &lock_order;
  runtime.Reset(config);
}

void Executor::Impl::RunOperation(Task& t, size_t index) {
  const Operation& op = program->operations[index];
  runtime.BeginOperation(t, static_cast<uint16_t>(index), static_cast<int64_t>(op.code));
  if (judges_operations) {
    judge.OperationBegins(t, index);
  }
  liveupdate::Kernel k = KernelFor(t);
  OperationResult& result = bindings.results[index];
  result.result = Dispatch(k, *program, index, &bindings);
  if (options.answers != nullptr) options.answers->Filter(index, &result);
  runtime.EndOperation(t, result.result);
  result.ran = true;  // Only now: what fput deferred runs before the call is back in user space.
  if (judges_operations) judge.OperationEnds(t, result);
}

void Executor::Impl::RunPhase(uint8_t task) {
  runtime.RunSequential([&](Task& t) {
    for (size_t i = 0; i < program->operations.size(); ++i) {
      if (program->operations[i].task == task) RunOperation(t, i);
    }
  });
}

void Executor::Impl::RunTasks() {
  const int tasks = TaskCount(*program);
  if (tasks == 0) return;
  std::vector<std::function<void(Task&)>> bodies;
  for (int task = 1; task <= tasks; ++task) {
    bodies.push_back([this, task](Task& t) {
      for (size_t i = 0; i < program->operations.size(); ++i) {
        if (program->operations[i].task == task) RunOperation(t, i);
      }
    });
  }
  schedule.Reset(program->switches, options.scheduler);
  if (options.judged) judge.TasksBegin();
  runtime.RunConcurrent(bodies, schedule);
  if (options.judged) judge.TasksEnd();
}

void Executor::Impl::RunExit() {
  runtime.RunSequential([&](Task& t) {
    runtime.BeginOperation(t, spec::kExitOperation, static_cast<int64_t>(OpCode::kCount));
    if (options.judged) judge.ExitBegins();
    liveupdate::Kernel k = KernelFor(t);
    ProcessExit(k);
    runtime.EndOperation(t, 0);
    if (options.judged) judge.ExitEnds(machine);
  });
}

// What the other tasks had still to do, and so whom they would have met, no run shows that ends
// here: they have to get there before the access that led to the oops.
void Executor::Impl::AddWhereItOopsed() {
  const std::vector<sim::Event>& events = runtime.log().events();
  if (events.empty() || events.back().task == 0) return;
  const auto last = std::find_if(events.rbegin(), events.rend(), [&](const sim::Event& event) {
    return event.task == events.back().task && sim::IsAccess(event);
  });
  if (last == events.rend()) return;
  execution.meetings.Add(last->object.kind, static_cast<sim::Field>(last->detail));
}

void Executor::Impl::Collect() {
  execution.digest = runtime.log().digest();
  execution.end = runtime.end();
  execution.steps = runtime.total_steps();
  execution.results = bindings.results;
  for (int task = 0; task < sim::kMaxTasks; ++task) {
    execution.task_steps[task] = runtime.task(static_cast<sim::TaskId>(task)).steps();
  }
  execution.violations.clear();
  execution.sites.clear();
  execution.not_judged = 0;
  execution.difference.clear();
  execution.armed.fill(0);
  execution.meetings.Clear();
  if (!options.judged) return;
  execution.meetings = judge.meetings();
  if (execution.end == sim::RunEnd::kOops) AddWhereItOopsed();
  execution.violations = judge.findings().violations();
  execution.armed = judge.findings().armed();
  execution.sites = judge.sites();
  execution.not_judged = judge.not_judged();
  execution.difference = judge.TakeDifference();
}

const spec::Violation* Execution::Find(Invariant invariant) const {
  for (const spec::Violation& violation : violations) {
    if (violation.invariant == invariant) return &violation;
  }
  return nullptr;
}

Executor::Executor() : impl_(std::make_unique<Impl>()) {}
Executor::~Executor() = default;

const Execution& Executor::Run(Design& design, const Program& program, const RunOptions& options) {
  impl_->Prepare(design, program, options);
  impl_->RunPhase(kMain);
  impl_->RunTasks();
  impl_->RunPhase(kFinally);
  impl_->RunExit();
  impl_->Collect();
  return impl_->execution;
}

// The monitor listens, since it remembers; judging is left to Extend, which every operation was the
// last of once.
void Executor::Impl::KeepMain(Design& new_design, const Program& new_program) {
  IOMMUFD_CHECK(TaskCount(new_program) == 0, "only main has one place where it ends");
  Prepare(new_design, new_program, {});
  judges_operations = false;
  RunPhase(kMain);
  kept.valid = !runtime.stopped();
  kept.program = *program;
  kept.program.operations.emplace_back();
  kept.world = world;
  kept.bindings = bindings;
  kept.bindings.results.emplace_back();
  kept.bindings.sessions.emplace_back();
  kept.memory = judge.memory();
  execution.end = runtime.end();
  execution.results = bindings.results;
  execution.boundary = BoundaryOf(world, kept.memory);
}

void Executor::Impl::RunExtension(const Operation& operation) {
  IOMMUFD_CHECK(kept.valid, "there is a place to go on from");
  IOMMUFD_CHECK(operation.task == kMain, "an extension is one of main");
  kept.program.operations.back() = operation;
  program = &kept.program;
  options = {};
  world = kept.world;
  bindings = kept.bindings;
  schedule.Reset({});
  StartRun();
  judge.Recall(kept.memory, kept.bindings.results);
  runtime.RunSequential([&](Task& t) { RunOperation(t, program->operations.size() - 1); });
  execution.boundary = BoundaryOf(world, judge.memory());
  RunExit();
  Collect();
}

const Execution& Executor::Keep(Design& design, const Program& program) {
  impl_->KeepMain(design, program);
  return impl_->execution;
}

const Execution& Executor::Extend(const Operation& operation) {
  impl_->RunExtension(operation);
  return impl_->execution;
}

const Execution& Executor::last() const { return impl_->execution; }
const std::vector<sim::Event>& Executor::events() const { return impl_->runtime.log().events(); }
const sim::LockOrder& Executor::lock_order() const { return impl_->lock_order; }
const std::vector<sim::SchedulePoint>& Executor::schedule_points() const {
  return impl_->schedule.points();
}
const World& Executor::world() const { return impl_->world; }

}  // namespace iommufd_check::program
