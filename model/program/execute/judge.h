// Brings one run before the invariants: feeds the monitor with events and with the moments at which
// the run is looked at (spec/evidence.h), asks the oracle, and keeps what a report needs. What
// holds and what does not say the invariants alone.
//
// Between quiescent points only what was written is looked at again (written.h), and only the
// checks of that are asked (spec/monitor.h). Before the exit the whole is compared with what is
// known: a design that has changed what no event says makes the run one to be judged again,
// thoroughly.
//
// Moments after an operation, in order: its return, the failure of a preserve, the quiescent point
// when no task is inside a system call, bytes handed over.
#pragma once

#include <array>
#include <optional>
#include <vector>

#include "model/liveupdate/state.h"
#include "model/program/execute/executor.h"
#include "model/program/execute/observe.h"
#include "model/program/execute/oracle_call.h"
#include "model/sim/runtime.h"
#include "model/spec/findings.h"
#include "model/spec/monitor.h"
#include "model/spec/oracle/linearize.h"
#include "model/spec/oracle/oracle.h"

namespace iommufd_check::program {

class Judge : public sim::EventListener {
 public:
  Judge(const liveupdate::World* world, sim::Runtime* runtime)
      : world_(*world), runtime_(*runtime) {}

  void Start(const liveupdate::Design& design, const Program& program, const RunOptions& options);
  void OnEvent(const sim::Event& event) override;

  // What earlier operations have to say about later ones, besides the World; and to go on from it,
  // between Start and the first operation.
  const spec::Account& account() const { return monitor_.account(); }
  // `answers`: of the operations before, in order.
  void Recall(const spec::Account& account, const std::vector<OperationResult>& answers);

  // What it knows between two operations that ran alone; and to go on from there instead of Start,
  // in a run that has come to the same place by the same events.
  struct Kept {
    spec::Findings findings;
    spec::Monitor monitor{nullptr};
    spec::Oracle oracle;
    OracleCalls calls;
    std::vector<SiteVisit> sites;
    size_t reported = 0;
  };
  void Keep(Kept* kept) const;
  void GoOnFrom(const Kept& kept, const liveupdate::Design& design, const Program& program,
                const RunOptions& options);

  // Operation `index` of the program.
  void OperationBegins(sim::Task& t, size_t index);
  void OperationEnds(sim::Task& t, const OperationResult& result);
  void TasksBegin();
  void TasksEnd();
  void ExitBegins();
  // `machine`: what the World must be again.
  void ExitEnds(const liveupdate::World& machine);

  const spec::Findings& findings() const { return findings_; }
  const std::vector<SiteVisit>& sites() const { return sites_; }
  // Concurrent phases whose answers nobody could judge within the budget.
  uint32_t not_judged() const { return not_judged_; }
  // Something has changed that no event said. What was found may be of an operation too late.
  bool overlooked() const { return overlooked_; }
  const sim::PlaceSet& meetings() const { return monitor_.meetings(); }
  std::vector<std::string> TakeDifference() { return std::move(difference_); }

 private:
  // The call that a task is in.
  struct InFlight {
    bool active = false;
    size_t index = 0;
    spec::Call call;
    std::optional<sim::FaultSite> failed_site;  // of the last fault injected into it
    std::vector<spec::Call> others;             // of other tasks, that were in progress meanwhile
    spec::Snapshot before;                      // of a luo_preserve, when it began
    std::optional<liveupdate::World> world_before;
    size_t past = 0;  // of a concurrent call: its place in past_

    void Clear() {
      active = false;
      failed_site.reset();
      others.clear();
      world_before.reset();
    }
  };

  void Bind(const liveupdate::Design& design, const Program& program, const RunOptions& options);
  void AddSite(const sim::Event& event);
  void TellReturn(const InFlight& flight, const OperationResult& result);
  void AskOracle(const InFlight& flight, spec::Returned* returned);
  void JudgeConcurrent();
  void Look(spec::PartSet written);
  spec::PartSet WrittenSinceRest() const;
  void LookAround();
  void KeepDifference(sim::TaskId task);
  void RestartOracle(const spec::Snapshot& observed);
  bool Wanted() const;

  const liveupdate::World& world_;
  sim::Runtime& runtime_;
  const liveupdate::Design* design_ = nullptr;
  const Program* program_ = nullptr;
  RunOptions options_;

  spec::Findings findings_;
  spec::Monitor monitor_{&findings_};
  spec::Oracle oracle_;
  OracleCalls calls_;
  Observer observer_;
  spec::Snapshot now_;  // as it saw it last
  // Events of the log at the last quiescent point, which now_ shows but for what overlapped since;
  // 0: there was none.
  size_t rest_ = 0;
  spec::PartSet changed_ = spec::kAllParts;  // of now_, since then
  bool oracle_waits_ = false;  // for the next call, to go on from what the tasks have left
  bool agreed_ = false;        // when the oracle was compared with the machine last
  bool overlooked_ = false;
  spec::Snapshot around_;  // all of it, before the exit
  std::array<InFlight, sim::kMaxTasks> in_flight_;
  std::vector<SiteVisit> sites_;
  int inside_ = 0;  // tasks inside a system call
  bool concurrent_ = false;
  // The calls of the concurrent phase, in the order in which they began, and where each ended.
  std::vector<spec::PastCall> past_;
  std::vector<spec::Findings::Position> past_ends_;
  uint64_t clock_ = 0;
  bool condemned_ = false;  // the answer of one of them
  uint32_t not_judged_ = 0;
  size_t reported_ = 0;  // violations whose World difference has been considered
  std::vector<std::string> difference_;
};

}  // namespace iommufd_check::program
