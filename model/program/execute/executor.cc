#include "model/program/execute/executor.h"

#include <algorithm>
#include <functional>
#include <iterator>
#include <optional>
#include <utility>

#include "model/program/execute/boot.h"
#include "model/program/execute/boundary.h"
#include "model/program/execute/dispatch.h"
#include "model/program/execute/judge.h"
#include "model/sim/check.h"
#include "model/sim/runtime.h"

namespace iommufd_check::program {

using liveupdate::Design;
using liveupdate::World;
using sim::Task;
using spec::Invariant;

namespace {

bool IsOfMain(const Program& program, const sim::PlannedFault& fault) {
  return program.operations[fault.operation].task == kMain;
}

}  // namespace

struct Executor::Impl {
  void Bind(Design& design, const Program& program, const RunOptions& options);
  void RunProgram(Design& design, const Program& program, const RunOptions& options);
  void KnowBoot();
  void BootAgain();
  void StartRun();
  void ResetRuntime();
  void RunMain();
  void RunWholeMain();
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
    spec::Account account;
  };
  Kept kept;

  // Where main ended, for RunOptions::reuses_main.
  struct MainPhase {
    // Of the last run that asked for it; what follows is of such a run, once there were two.
    const Design* design = nullptr;
    Program program;  // boot, operations, and the faults of main
    uint32_t step_limit = 0;
    bool valid = false;
    World world;
    Bindings bindings;
    sim::LockOrder lock_order;
    sim::Runtime::Milestone milestone;
    Judge::Kept judge;

    bool IsOf(const Design* d, const Program& p, uint32_t limit) const;
    void Remember(const Design* d, const Program& p, uint32_t limit);
  };
  MainPhase main_phase;

  Design* design = nullptr;
  const Program* program = nullptr;
  RunOptions options;
  bool judges_operations = true;  // false: the judge only listens
};

void Executor::Impl::Bind(Design& new_design, const Program& new_program,
                          const RunOptions& new_options) {
  design = &new_design;
  program = &new_program;
  options = new_options;
  judges_operations = options.judged;
  schedule.Reset();
}

void Executor::Impl::KnowBoot() {
  if (booted_as.has_value() && *booted_as == program->boot) return;
  booted_as = program->boot;
  booted = BootWorld(program->boot);
  machine = BootMachine(program->boot);
}

void Executor::Impl::BootAgain() {
  KnowBoot();
  world = booted;
  bindings.Reset(program->operations.size());
}

void Executor::Impl::StartRun() {
  if (options.judged) judge.Start(*design, *program, options);
  lock_order = {};
  ResetRuntime();
}

void Executor::Impl::ResetRuntime() {
  sim::RunConfig config;
  config.locks = &world.kernel.locks;
  config.faults = program->faults;
  config.listener = options.judged ? &judge : nullptr;
  config.step_limit = options.step_limit;
  config.places = options.places;
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
  Answer answer;
  OperationResult& result = answer.result;
  result.result = Dispatch(k, *program, index, bindings, &answer);
  if (options.answers != nullptr) options.answers->Filter(index, &result);
  runtime.EndOperation(t, result.result);
  // Only now: what fput deferred runs before the call is back in user space.
  result.ran = true;
  bindings.results[index] = result;
  bindings.sessions[index] = answer.session;
  if (judges_operations) judge.OperationEnds(t, result);
}

void Executor::Impl::RunPhase(uint8_t task) {
  runtime.RunSequential([&](Task& t) {
    for (size_t i = 0; i < program->operations.size(); ++i) {
      if (program->operations[i].task == task) RunOperation(t, i);
    }
  });
}

bool Executor::Impl::MainPhase::IsOf(const Design* d, const Program& p, uint32_t limit) const {
  if (design != d || step_limit != limit || !(program.boot == p.boot)) return false;
  if (!(program.operations == p.operations)) return false;
  auto own = program.faults.begin();
  for (const sim::PlannedFault& fault : p.faults) {
    if (!IsOfMain(p, fault)) continue;
    if (own == program.faults.end() || !(*own == fault)) return false;
    ++own;
  }
  return own == program.faults.end();
}

void Executor::Impl::MainPhase::Remember(const Design* d, const Program& p, uint32_t limit) {
  design = d;
  step_limit = limit;
  program.boot = p.boot;
  program.operations = p.operations;
  program.faults.clear();
  std::copy_if(p.faults.begin(), p.faults.end(), std::back_inserter(program.faults),
               [&](const sim::PlannedFault& fault) { return IsOfMain(p, fault); });
  valid = false;
}

void Executor::Impl::RunWholeMain() {
  BootAgain();
  StartRun();
  RunPhase(kMain);
}

// What costs is kept only for programs that come twice in a row.
void Executor::Impl::RunMain() {
  const bool plain = options.judged && !options.keep_worlds && !options.stop_at.has_value() &&
                     options.answers == nullptr;
  if (!options.reuses_main || !plain) return RunWholeMain();
  if (!main_phase.IsOf(design, *program, options.step_limit)) {
    main_phase.Remember(design, *program, options.step_limit);
    return RunWholeMain();
  }
  if (!main_phase.valid) {
    RunWholeMain();
    if (!runtime.AtMilestone()) return;
    main_phase.world = world;
    main_phase.bindings = bindings;
    main_phase.lock_order = lock_order;
    runtime.Keep(&main_phase.milestone);
    judge.Keep(&main_phase.judge);
    main_phase.valid = true;
    return;
  }
  KnowBoot();
  world = main_phase.world;
  bindings = main_phase.bindings;
  lock_order = main_phase.lock_order;
  judge.GoOnFrom(main_phase.judge, *design, *program, options);
  ResetRuntime();
  runtime.GoOnFrom(main_phase.milestone);
}

void Executor::Impl::RunTasks() {
  const int tasks = TaskCount(*program);
  if (tasks == 0) return;
  std::vector<std::function<void(Task&)>> bodies(static_cast<size_t>(tasks));
  for (const Operation& operation : program->operations) {
    if (PhaseOf(operation.task) != 1 || bodies[operation.task - 1]) continue;
    bodies[operation.task - 1] = [this, task = operation.task](Task& t) {
      for (size_t i = 0; i < program->operations.size(); ++i) {
        if (program->operations[i].task == task) RunOperation(t, i);
      }
    };
  }
  schedule.Reset(program->switches, &runtime.log(), options.scheduler);
  if (options.judged) judge.TasksBegin();
  runtime.RunConcurrent(bodies, schedule);
  if (options.judged) judge.TasksEnd();
}

void Executor::Impl::RunExit() {
  runtime.RunSequential([&](Task& t) {
    constexpr int64_t kExitCode = -1;  // of no operation
    runtime.BeginOperation(t, spec::kExitOperation, kExitCode);
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
  execution.digest = options.digested ? runtime.log().digest() : 0;
  execution.end = runtime.end();
  execution.steps = runtime.total_steps();
  execution.results = bindings.results;
  for (int task = 0; task < sim::kMaxTasks; ++task) {
    execution.task_steps[task] = runtime.task(static_cast<sim::TaskId>(task)).steps();
  }
  execution.violations.clear();
  execution.sites.clear();
  execution.not_judged = 0;
  execution.unmet = schedule.Unmet();
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

void Executor::Impl::RunProgram(Design& new_design, const Program& new_program,
                                const RunOptions& new_options) {
  Bind(new_design, new_program, new_options);
  RunMain();
  RunTasks();
  RunPhase(kFinally);
  RunExit();
}

// What asks somebody else cannot be run again.
const Execution& Executor::Run(Design& design, const Program& program, const RunOptions& options) {
  impl_->RunProgram(design, program, options);
  const bool repeatable = options.scheduler == nullptr && options.answers == nullptr;
  if (options.judged && impl_->judge.overlooked() && repeatable) {
    RunOptions again = options;
    again.reuses_main = false;
    again.thorough = true;
    impl_->RunProgram(design, program, again);
  }
  impl_->Collect();
  return impl_->execution;
}

// The monitor listens, since it remembers; judging is left to Extend, which every operation was the
// last of once.
void Executor::Impl::KeepMain(Design& new_design, const Program& new_program) {
  IOMMUFD_CHECK(TaskCount(new_program) == 0, "only main has one place where it ends");
  Bind(new_design, new_program, {});
  judges_operations = false;
  BootAgain();
  StartRun();
  RunPhase(kMain);
  kept.valid = !runtime.stopped();
  kept.program = *program;
  kept.program.operations.emplace_back();
  kept.world = world;
  kept.bindings = bindings;
  kept.bindings.results.emplace_back();
  kept.bindings.sessions.emplace_back();
  kept.account = judge.account();
  execution.end = runtime.end();
  execution.results = bindings.results;
  execution.boundary = BoundaryOf(world, kept.account);
}

void Executor::Impl::RunExtension(const Operation& operation) {
  IOMMUFD_CHECK(kept.valid, "there is a place to go on from");
  IOMMUFD_CHECK(operation.task == kMain, "an extension is one of main");
  kept.program.operations.back() = operation;
  Bind(*design, kept.program, {});
  world = kept.world;
  bindings = kept.bindings;
  StartRun();
  judge.Recall(kept.account, kept.bindings.results);
  runtime.RunSequential([&](Task& t) { RunOperation(t, program->operations.size() - 1); });
  execution.boundary = BoundaryOf(world, judge.account());
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
