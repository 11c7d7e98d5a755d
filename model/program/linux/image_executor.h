// Runs programs on an image and holds each answer against the oracle's.
//
// The image is what a design is elsewhere: the subject. Its answers, the outputs of its calls and
// what its devices would find must be what the oracle says; the kernel's own checks must be silent,
// and the process must leave nothing behind. Operations that the image does not have are
// left out, for the oracle too, and counted. What concurrent tasks answer must be explained by an
// order of their calls (spec/oracle/linearize.h).
//
//   ImageExecutor executor(machine.get());
//   absl::StatusOr<const ImageExecution*> run = executor.Run(program);
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "model/linux/host/machine.h"
#include "model/program/execute/executor.h"
#include "model/program/execute/oracle_call.h"
#include "model/program/program.h"
#include "model/spec/oracle/linearize.h"
#include "model/spec/oracle/oracle.h"

namespace iommufd_check::program {

// Where an image and the oracle part, or what else is wrong with a run.
struct ImageFinding {
  enum class Kind : uint8_t {
    kAnswer,     // another answer or output
    kOrder,      // no order of concurrent calls explains their answers
    kState,      // another state behind the answers
    kLeaves,     // a device would find another page, or none, or one where none should be
    kComplaint,  // of the kernel's own checks
    kEnd,        // the run ended early
    kRemains,    // when the process is gone
  };
  Kind kind = Kind::kAnswer;
  uint16_t operation = 0;  // spec::kExitOperation: the exit
  std::string text;        // one clause
  friend bool operator==(const ImageFinding&, const ImageFinding&) = default;
};

struct ImageExecution {
  std::vector<OperationResult> results;  // one per operation; `ran` is false where unsupported
  std::vector<ImageFinding> findings;    // in order
  uint32_t unsupported = 0;              // operations
  bool not_judged = false;               // the search for an order ended at its budget
  sim::RunEnd end = sim::RunEnd::kCompleted;
  uint64_t steps = 0;
  uint64_t digest = 0;  // of all events
};

// An operation that images have: those of iommufd itself, but for what came after Linux 6.12 or is
// of live update; memfds are missing with map_file.
bool HasOperation(OpCode code);

class ImageExecutor {
 public:
  // REQUIRES: the machine outlives this.
  explicit ImageExecutor(linux_host::Machine* machine) : machine_(machine) {}

  // `scheduler` chooses among concurrent tasks; null: each goes on until it blocks or ends.
  // ERRORS: Unimplemented for a program with faults or switches, which name the model's steps;
  // ResourceExhausted when the machine was too small for it; what Machine::Start says.
  // REQUIRES: FirstProblem(program).empty(). The result is valid until the next Run.
  absl::StatusOr<const ImageExecution*> Run(const Program& program,
                                            sim::Scheduler* scheduler = nullptr);

 private:
  absl::Status Begin(const Program& program);
  bool RunPhase(uint8_t task);
  void RunTasks(sim::Scheduler* scheduler);
  void RunTogether(sim::Task& t, size_t index);
  void JudgeTogether();
  bool MakeCall(sim::Task& t, size_t index, spec::Call* call);
  void RunOperation(sim::Task& t, size_t index);
  int Call(sim::Task& t, const spec::Call& call, OperationResult* result);
  int CallIoctl(sim::Task& t, const spec::Call& call, OperationResult* result);
  int CallDevice(sim::Task& t, const spec::Call& call, OperationResult* result);
  void CompareState(size_t index);
  void Exit(sim::Task& t);
  void Add(ImageFinding::Kind kind, size_t operation, std::string text);
  void AddComplaints();

  linux_host::Machine* const machine_;
  const Program* program_ = nullptr;
  sim::LockTable no_locks_;
  sim::Runtime runtime_;
  OracleCalls calls_;
  spec::Oracle oracle_;
  spec::Snapshot observed_;
  std::vector<spec::PastCall> past_;  // of the concurrent tasks
  std::vector<uint16_t> past_operations_;
  uint64_t instant_ = 0;
  std::vector<int> fds_;  // by iommufd; the number stays when it is closed
  std::map<std::pair<uint16_t, uint32_t>, uint16_t> bound_;  // iommufd and id -> device
  ImageExecution execution_;
};

}  // namespace iommufd_check::program
