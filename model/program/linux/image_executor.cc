#include "model/program/linux/image_executor.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "model/mm/machine.h"
#include "model/program/linux/image_leaves.h"
#include "model/program/linux/image_snapshot.h"
#include "model/sim/check.h"
#include "model/uapi/abi.h"

namespace iommufd_check::program {

namespace abi = uapi::abi;
using sim::Task;
using Kind = ImageFinding::Kind;

namespace {

constexpr char kAstray[] = "the kernel's structs name what is not there";

struct ByDefault : sim::Scheduler {
  sim::TaskId Next(const sim::SchedulePoint& point) override { return point.by_default(); }
};

spec::Limits LimitsOf(const Boot& boot) {
  spec::Limits limits;
  limits.buffer_bytes.assign(boot.buffers, uint64_t{boot.buffer_pages} * mm::kPageSize);
  limits.endpoints = static_cast<uint16_t>(boot.devices);
  limits.max_memfd_bytes = mm::Machine::kMaxMemfdBytes;
  return limits;
}

// What the process finds, in the oracle's words.
spec::Snapshot AtBoot(const Boot& boot) {
  spec::Snapshot snapshot;
  for (uint16_t i = 0; i < boot.iommufds; ++i) snapshot.iommufds.push_back({.number = i});
  AddMemfdsOfBoot(boot, &snapshot);
  return snapshot;
}

uint32_t MapFlags(const spec::Call& call) {
  uint32_t flags = 0;
  if (call.fixed) flags |= abi::kFixedIova;
  if ((call.permissions & 1) != 0) flags |= abi::kReadable;
  if ((call.permissions & 2) != 0) flags |= abi::kWriteable;
  return flags;
}

// The outputs are the caller's only when the call succeeded.
template <class Arguments, class Read>
int Answer(long answer, const Arguments& arguments, const Read& read) {
  if (answer == 0) read(arguments);
  return static_cast<int>(answer);
}

}  // namespace

bool HasOperation(OpCode code) {
  switch (code) {
    case OpCode::kIoasAlloc:
    case OpCode::kDeviceBind:
    case OpCode::kDeviceUnbind:
    case OpCode::kDeviceAttach:
    case OpCode::kDeviceDetach:
    case OpCode::kHwptAlloc:
    case OpCode::kMap:
    case OpCode::kUnmap:
    case OpCode::kDestroy:
    case OpCode::kCloseIommufd:
    case OpCode::kIoasCopy:
      return true;
    default:
      return false;
  }
}

absl::Status ImageExecutor::Begin(const Program& program) {
  program_ = &program;
  runtime_.Reset({.locks = &no_locks_});
  const absl::Status started = machine_->Start({.devices = program.boot.devices,
                                                .buffers = program.boot.buffers,
                                                .buffer_pages = program.boot.buffer_pages},
                                               &runtime_);
  calls_.Reset(program);
  oracle_.Restart(LimitsOf(program.boot), AtBoot(program.boot));
  bound_.clear();
  fds_.assign(program.boot.iommufds, -1);
  execution_ = {};
  execution_.results.resize(program.operations.size());
  return started;
}

absl::StatusOr<const ImageExecution*> ImageExecutor::Run(const Program& program,
                                                         sim::Scheduler* scheduler) {
  if (!program.faults.empty() || !program.switches.empty()) {
    return absl::UnimplementedError(
        "faults and switches name steps of the model, which an image does not take; drop them");
  }
  const absl::Status begun = Begin(program);
  if (!begun.ok()) return begun;
  runtime_.RunSequential([&](Task& t) {
    for (int& fd : fds_) fd = static_cast<int>(machine_->OpenIommu(t));
  });
  if (RunPhase(kMain)) RunTasks(scheduler);
  RunPhase(kFinally);
  runtime_.RunSequential([&](Task& t) { Exit(t); });
  AddComplaints();
  if (!machine_->exhausted().empty()) return absl::ResourceExhaustedError(machine_->exhausted());
  if (!runtime_.stopped()) {
    for (const std::string& line : machine_->Remains()) {
      Add(Kind::kRemains, spec::kExitOperation, line);
    }
  }
  execution_.end = runtime_.end();
  execution_.steps = runtime_.total_steps();
  execution_.digest = runtime_.log().digest();
  return &execution_;
}

// False: the run ended inside.
bool ImageExecutor::RunPhase(uint8_t task) {
  return runtime_.RunSequential([&](Task& t) {
    for (size_t i = 0; i < program_->operations.size(); ++i) {
      if (program_->operations[i].task == task) RunOperation(t, i);
    }
  });
}

void ImageExecutor::RunTasks(sim::Scheduler* scheduler) {
  const int tasks = TaskCount(*program_);
  if (tasks == 0) return;
  std::vector<std::function<void(Task&)>> bodies(static_cast<size_t>(tasks));
  for (int task = 1; task <= tasks; ++task) {
    bodies[static_cast<size_t>(task - 1)] = [this, task](Task& t) {
      for (size_t i = 0; i < program_->operations.size(); ++i) {
        if (program_->operations[i].task == task) RunTogether(t, i);
      }
    };
  }
  past_.clear();
  past_operations_.clear();
  instant_ = 0;
  ByDefault by_default;
  runtime_.RunConcurrent(bodies, scheduler != nullptr ? *scheduler : by_default);
  if (!runtime_.stopped()) JudgeTogether();
}

void ImageExecutor::RunTogether(Task& t, size_t index) {
  const uint64_t begin = ++instant_;
  spec::Call call;
  if (!MakeCall(t, index, &call)) return;
  past_.push_back({.call = call,
                   .reply = ReplyOf(call, execution_.results[index]),
                   .begin = begin,
                   .end = ++instant_});
  past_operations_.push_back(static_cast<uint16_t>(index));
}

void ImageExecutor::JudgeTogether() {
  if (!execution_.findings.empty()) return;
  if (!ObserveImage(*machine_, program_->boot, &observed_)) {
    return Add(Kind::kState, past_operations_.empty() ? 0 : past_operations_.back(), kAstray);
  }
  const spec::Linearization found =
      spec::Linearize(oracle_.limits(), oracle_.state(), past_, observed_);
  execution_.not_judged = found.verdict == spec::Linearization::Verdict::kNotJudged;
  if (found.verdict == spec::Linearization::Verdict::kUnexplained) {
    Add(Kind::kOrder, past_operations_[found.call], found.detail);
  }
  oracle_.Restart(oracle_.limits(), observed_);
}

void ImageExecutor::Add(Kind kind, size_t operation, std::string text) {
  execution_.findings.push_back({kind, static_cast<uint16_t>(operation), std::move(text)});
}

void ImageExecutor::AddComplaints() {
  for (const linux_host::Complaint& complaint : machine_->complaints()) {
    Add(Kind::kComplaint, complaint.operation, complaint.text);
  }
  if (runtime_.end() == sim::RunEnd::kHung) {
    Add(Kind::kEnd, spec::kExitOperation, "the kernel hangs: the limit of steps is reached");
  }
}

// False: images do not have the operation.
bool ImageExecutor::MakeCall(Task& t, size_t index, spec::Call* call) {
  const Operation& operation = program_->operations[index];
  if (!HasOperation(operation.code)) {
    ++execution_.unsupported;
    return false;
  }
  runtime_.BeginOperation(t, static_cast<uint16_t>(index), static_cast<int64_t>(operation.code));
  *call = calls_.Decode(index);
  OperationResult& result = execution_.results[index];
  result.result = Call(t, *call, &result);
  result.ran = true;
  runtime_.EndOperation(t, result.result);
  calls_.Answered(index, result);
  return true;
}

void ImageExecutor::RunOperation(Task& t, size_t index) {
  spec::Call call;
  if (!MakeCall(t, index, &call)) return;
  const spec::Prediction predicted = oracle_.Apply(call);
  const std::string difference =
      ReplyDifference(predicted, ReplyOf(call, execution_.results[index]));
  if (!difference.empty()) Add(Kind::kAnswer, index, difference);
  CompareState(index);
}

// States tell nothing new once answers differ: oracle and kernel are apart.
void ImageExecutor::CompareState(size_t index) {
  if (!execution_.findings.empty()) return;
  const bool whole = ObserveImage(*machine_, program_->boot, &observed_);
  std::string difference = whole ? oracle_.Compare(observed_) : std::string(kAstray);
  if (!difference.empty()) Add(Kind::kState, index, difference);
  difference = LeafDifference(oracle_.state(), *machine_);
  if (!difference.empty()) Add(Kind::kLeaves, index, difference);
}

int ImageExecutor::Call(Task& t, const spec::Call& call, OperationResult* result) {
  switch (call.kind) {
    case OpCode::kDeviceBind:
    case OpCode::kDeviceUnbind:
    case OpCode::kDeviceAttach:
    case OpCode::kDeviceDetach:
      return CallDevice(t, call, result);
    case OpCode::kCloseIommufd:
      return static_cast<int>(machine_->Close(t, fds_[call.iommufd]));
    default:
      return CallIoctl(t, call, result);
  }
}

// A device is named by its id, as its file would be opened for it; one that is not bound has none.
int ImageExecutor::CallDevice(Task& t, const spec::Call& call, OperationResult* result) {
  if (call.kind == OpCode::kDeviceBind) {
    unsigned id = 0;
    const auto answer =
        static_cast<int>(machine_->DeviceBind(t, fds_[call.iommufd], call.index, &id));
    if (answer != 0) return answer;
    result->created_id = id;
    bound_[{call.iommufd, id}] = call.index;
    return 0;
  }
  const auto found = bound_.find({call.iommufd, uapi::IdOf(call.id)});
  if (found == bound_.end()) return -sim::kENOENT;
  const uint16_t device = found->second;
  if (call.kind == OpCode::kDeviceAttach) {
    return static_cast<int>(machine_->DeviceAttach(t, device, uapi::IdOf(call.id2)));
  }
  if (call.kind == OpCode::kDeviceDetach) {
    return static_cast<int>(machine_->DeviceDetach(t, device));
  }
  const auto answer = static_cast<int>(machine_->DeviceUnbind(t, device));
  if (answer == 0) bound_.erase(found);
  return answer;
}

int ImageExecutor::CallIoctl(Task& t, const spec::Call& call, OperationResult* result) {
  const int fd = fds_[call.iommufd];
  const auto ioctl = [&](unsigned request, auto& arguments, const auto& read) {
    return Answer(machine_->Ioctl(t, fd, request, &arguments), arguments, read);
  };
  switch (call.kind) {
    case OpCode::kIoasAlloc: {
      abi::IoasAlloc arguments;
      return ioctl(abi::kIoasAlloc, arguments,
                   [&](const auto& out) { result->created_id = out.out_ioas_id; });
    }
    case OpCode::kHwptAlloc: {
      abi::HwptAlloc arguments{.dev_id = uapi::IdOf(call.id), .pt_id = uapi::IdOf(call.id2)};
      return ioctl(abi::kHwptAlloc, arguments,
                   [&](const auto& out) { result->created_id = out.out_hwpt_id; });
    }
    case OpCode::kMap: {
      abi::IoasMap arguments{.flags = MapFlags(call),
                             .ioas_id = uapi::IdOf(call.id),
                             .user_va = mm::UserAddressOf(call.index) + call.offset,
                             .length = call.length,
                             .iova = call.iova};
      return ioctl(abi::kIoasMap, arguments, [&](const auto& out) { result->iova = out.iova; });
    }
    case OpCode::kIoasCopy: {
      abi::IoasCopy arguments{.flags = MapFlags(call),
                              .dst_ioas_id = uapi::IdOf(call.id),
                              .src_ioas_id = uapi::IdOf(call.id2),
                              .length = call.length,
                              .dst_iova = call.iova,
                              .src_iova = call.source_iova};
      return ioctl(abi::kIoasCopy, arguments,
                   [&](const auto& out) { result->iova = out.dst_iova; });
    }
    case OpCode::kUnmap: {
      abi::IoasUnmap arguments{
          .ioas_id = uapi::IdOf(call.id), .iova = call.iova, .length = call.length};
      return ioctl(abi::kIoasUnmap, arguments,
                   [&](const auto& out) { result->unmapped = out.length; });
    }
    case OpCode::kDestroy: {
      abi::Destroy arguments{.id = uapi::IdOf(call.id)};
      return ioctl(abi::kDestroy, arguments, [](const auto&) {});
    }
    default:
      break;
  }
  IOMMUFD_CHECK(false, "an operation that images have");
  return 0;
}

// As the kernel does for a process: devices first, whose files VFIO has open, then iommufds.
void ImageExecutor::Exit(Task& t) {
  constexpr int64_t kExitCode = -1;  // of no operation
  runtime_.BeginOperation(t, spec::kExitOperation, kExitCode);
  for (const auto& [name, device] : bound_) machine_->DeviceUnbind(t, device);
  for (const int fd : fds_) machine_->Close(t, fd);
  runtime_.EndOperation(t, 0);
}

}  // namespace iommufd_check::program
