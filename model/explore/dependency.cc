#include "model/explore/dependency.h"

#include "model/program/operation.h"
#include "model/sim/check.h"

namespace iommufd_check::explore {

using program::OpCode;
using sim::Field;
using sim::Note;
using sim::ObjectKind;
using sim::ObjectRef;
using sim::Primitive;

enum class StepAccesses::Place : uint8_t {
  kLock = 128,
  kLifetime,         // of one object
  kPreserved,        // of one domain: what the monitor knows of its preservation
  kFrame,            // one frame: registered, free
  kCalls,            // which tasks are inside system calls
  kDescriptors,      // fd_open of the iommufd and the sessions
  kBound,            // Device::bound
  kEndpoints,        // claimed by a driver
  kUsers,            // any object's `users`, as destroy tests it
  kImmutable,        // the monitor's view of all IOAS
  kMarks,            // the monitor's view of the marks
  kCollectedTables,  // read where the tables of a domain are collected
  kRecordMemory,     // memory behind records: used, freed
  kPageCache,        // frames that lose pages of a memfd
  kAllocator,        // with exact_frames
};

namespace {

constexpr uint64_t KeyOf(ObjectRef object, uint8_t what) {
  return uint64_t{static_cast<uint8_t>(object.kind)} << 24 | uint64_t{object.number} << 8 | what;
}

bool IsOperation(int64_t code, OpCode wanted) { return code == static_cast<int64_t>(wanted); }

bool CanDie(ObjectKind kind) {
  switch (kind) {
    case ObjectKind::kIoas:
    case ObjectKind::kArea:
    case ObjectKind::kPages:
    case ObjectKind::kHwpt:
    case ObjectKind::kDomain:
    case ObjectKind::kDevice:
    case ObjectKind::kSession:
      return true;
    default:
      return false;
  }
}

}  // namespace

DependencyOptions DependencyOf(const program::Program& program) {
  DependencyOptions options;
  options.objects_can_go = options.sessions_can_go = options.iommufd_can_go = false;
  for (const program::Operation& op : program.operations) {
    if (program::PhaseOf(op.task) != 1) continue;
    const bool closes = op.code == OpCode::kCloseIommufd;
    options.iommufd_can_go |= closes;
    options.sessions_can_go |= op.code == OpCode::kLuoCloseSession;
    options.objects_can_go |=
        closes || op.code == OpCode::kDestroy || op.code == OpCode::kDeviceUnbind;
  }
  return options;
}

uint64_t LockKey(uint16_t lock) { return KeyOf({ObjectKind::kNone, lock}, 128); }

void StepAccesses::Rewind(size_t steps) {
  for (; changes_.size() > steps; changes_.pop_back()) {
    tasks_[changes_.back().task] = changes_.back().before;
  }
}

void StepAccesses::Begin(sim::TaskId task, std::vector<Access>* pool) {
  IOMMUFD_CHECK(task < sim::kMaxTasks, "a step belongs to a task");
  task_ = task;
  accesses_ = pool;
  first_access_ = pool->size();
  TaskState& state = tasks_[task];
  changes_.emplace_back(task, state);
  ++state.step;
  if (state.awaited != 0) Touch(state.awaited, AccessMode::kRead);
  state.awaited = 0;
  // close() clears fd_open in the first step of its own.
  if (state.step == 2 && (IsOperation(state.code, OpCode::kCloseIommufd) ||
                          IsOperation(state.code, OpCode::kLuoCloseSession))) {
    Touch(KeyOf({}, static_cast<uint8_t>(Place::kDescriptors)), AccessMode::kWrite);
  }
}

void StepAccesses::Add(const sim::Event& event) {
  TaskState& state = tasks_[task_];
  switch (event.primitive) {
    case Primitive::kOpBegin:
      AddBegin(event, state);
      break;
    case Primitive::kOpEnd:
      Touch(KeyOf({}, static_cast<uint8_t>(Place::kCalls)), AccessMode::kRead);
      break;
    case Primitive::kLock:
    case Primitive::kUnlock:
      AddLock(event, state);
      break;
    case Primitive::kRead:
    case Primitive::kWrite:
      AddField(event, state);
      break;
    case Primitive::kRefInc:
    case Primitive::kRefDec:
      AddCount(event, state);
      break;
    case Primitive::kCall:
    case Primitive::kFail:
      if (event.detail == static_cast<uint8_t>(sim::FaultSite::kClaimDmaOwner) ||
          event.primitive == Primitive::kFail) {
        Touch(KeyOf({}, static_cast<uint8_t>(Place::kEndpoints)), AccessMode::kWrite);
      }
      break;
    case Primitive::kNote:
      AddNote(event);
      break;
    case Primitive::kWait:
    case Primitive::kSplat:
    case Primitive::kEnter:
    case Primitive::kCount:
      break;
  }
  AddLifetime(event);
}

void StepAccesses::AddBegin(const sim::Event& event, TaskState& state) {
  state.code = event.value;
  state.step = 1;
  Touch(KeyOf({}, static_cast<uint8_t>(Place::kCalls)), AccessMode::kUpdate);
  Touch(KeyOf({}, static_cast<uint8_t>(Place::kDescriptors)), AccessMode::kRead);
}

void StepAccesses::AddLock(const sim::Event& event, const TaskState& state) {
  const bool shared = event.mode == 1;
  lock_ = table_.NumberOf(LockKey(event.spare));
  if (!options_.omit_locks) {
    accesses_->emplace_back(lock_, shared ? AccessMode::kRead : AccessMode::kWrite);
  }
  const auto lock_class = static_cast<sim::LockClass>(event.detail);
  if (lock_class == sim::LockClass::kObjectsXaLock && TestsUsers(state.code)) {
    Touch(KeyOf({}, static_cast<uint8_t>(Place::kUsers)), AccessMode::kRead);
    if (IsOperation(state.code, OpCode::kDeviceUnbind)) {
      Touch(KeyOf({}, static_cast<uint8_t>(Place::kBound)), AccessMode::kWrite);
    }
  }
  if (lock_class == sim::LockClass::kIgroupLock) {
    Touch(KeyOf({}, static_cast<uint8_t>(Place::kBound)), AccessMode::kRead);
  }
  if (lock_class == sim::LockClass::kIommuFlbMutex) {
    Touch(KeyOf({}, static_cast<uint8_t>(Place::kCollectedTables)), AccessMode::kRead);
  }
}

void StepAccesses::AddField(const sim::Event& event, const TaskState& state) {
  if (options_.omit_fields) return;
  const bool write = event.primitive == Primitive::kWrite;
  const auto field = static_cast<Field>(event.detail);
  Touch(KeyOf(event.object, event.detail), write ? AccessMode::kWrite : AccessMode::kRead);
  if (field == Field::kRecords) {
    Touch(KeyOf({}, static_cast<uint8_t>(Place::kRecordMemory)), AccessMode::kRead);
    // A domain's tables are collected in the step that reserves its record.
    if (write && event.object.kind == ObjectKind::kFlb) {
      Touch(KeyOf({}, static_cast<uint8_t>(Place::kCollectedTables)), AccessMode::kRead);
    }
  }
  const bool drops_pages = IsOperation(state.code, OpCode::kMemfdPunchHole) ||
                           IsOperation(state.code, OpCode::kMemfdTruncate);
  if (field == Field::kMemfdState && drops_pages) {
    Touch(KeyOf({}, static_cast<uint8_t>(Place::kPageCache)), AccessMode::kWrite);
  }
}

// Operations that test `users` under xa_lock before they take an object out of the table, and then
// wait for short references. Closing a session does it when it puts the last reference of a closed
// iommufd.
bool StepAccesses::TestsUsers(int64_t code) const {
  return IsOperation(code, OpCode::kDestroy) || IsOperation(code, OpCode::kDeviceUnbind) ||
         IsOperation(code, OpCode::kCloseIommufd) ||
         (IsOperation(code, OpCode::kLuoCloseSession) && options_.iommufd_can_go);
}

bool StepAccesses::CanGo(sim::ObjectKind kind) const {
  switch (kind) {
    case ObjectKind::kSession:
      return options_.sessions_can_go;
    case ObjectKind::kIommufd:
      return options_.iommufd_can_go;
    case ObjectKind::kMemfd:
      return false;  // no operation closes one
    default:
      return options_.objects_can_go;
  }
}

// Counting up and down commutes while nobody can tell the order: a decrement to 0 is seen by its
// task, and one to 1 would have been to 0 before an increment that it follows.
void StepAccesses::AddCount(const sim::Event& event, TaskState& state) {
  if (options_.omit_fields) return;
  const int64_t telling = CanGo(event.object.kind) ? 1 : 0;
  const bool down = event.primitive == Primitive::kRefDec;
  const AccessMode mode = down && event.value <= telling ? AccessMode::kWrite : AccessMode::kUpdate;
  const uint64_t key = KeyOf(event.object, static_cast<uint8_t>(Field::kRefcount));
  Touch(key, mode);
  Touch(KeyOf({}, static_cast<uint8_t>(Place::kUsers)), AccessMode::kUpdate);
  const bool waits = down && event.value > 0 && TestsUsers(state.code) &&
                     event.object.kind != ObjectKind::kIommufd &&
                     event.object.kind != ObjectKind::kMemfd;
  state.awaited = waits ? key : 0;
}

void StepAccesses::AddNote(const sim::Event& event) {
  const auto place = [](Place p) { return KeyOf({}, static_cast<uint8_t>(p)); };
  const auto of = [&](Place p) { return KeyOf(event.object, static_cast<uint8_t>(p)); };
  const auto frame = [&] {
    return uint64_t{static_cast<uint8_t>(Place::kFrame)} << 48 | static_cast<uint64_t>(event.value);
  };
  switch (static_cast<Note>(event.detail)) {
    case Note::kKhoAdd:
    case Note::kKhoDel:
      Touch(frame(), AccessMode::kWrite);
      if (event.object.kind == ObjectKind::kDomain) {
        Touch(of(Place::kPreserved), AccessMode::kWrite);
        Touch(place(Place::kImmutable), AccessMode::kRead);
      }
      return;
    case Note::kFrameFree:
      Touch(frame(), AccessMode::kWrite);
      Touch(place(Place::kRecordMemory), AccessMode::kUpdate);
      [[fallthrough]];
    case Note::kFrameAlloc:
      if (options_.exact_frames) Touch(place(Place::kAllocator), AccessMode::kWrite);
      return;
    case Note::kTableAlloc:
    case Note::kTableFree:
    case Note::kTableWrite:
      Touch(KeyOf(event.object, static_cast<uint8_t>(Field::kPageTable)), AccessMode::kWrite);
      Touch(place(Place::kCollectedTables), AccessMode::kUpdate);
      Touch(place(Place::kPageCache), AccessMode::kUpdate);
      Touch(of(Place::kPreserved), AccessMode::kRead);
      Touch(place(Place::kImmutable), AccessMode::kRead);
      return;
    case Note::kImmutableSet:
    case Note::kImmutableClear:
      Touch(place(Place::kImmutable), AccessMode::kWrite);
      return;
    case Note::kMark:
    case Note::kMarkGone:
    case Note::kPreserveBegin:
    case Note::kPreserveEnd:
    case Note::kUnpreserveBegin:
      Touch(place(Place::kMarks), AccessMode::kWrite);
      return;
    case Note::kUnpreserveEnd:
      Touch(place(Place::kMarks), AccessMode::kWrite);
      Touch(place(Place::kImmutable), AccessMode::kWrite);
      return;
    case Note::kDomainPreserved:
    case Note::kDomainUnpreserved:
    case Note::kDomainPreserveMissing:
      Touch(of(Place::kPreserved), AccessMode::kWrite);
      Touch(place(Place::kImmutable), AccessMode::kRead);
      return;
    case Note::kDomainFreed:
      Touch(of(Place::kPreserved), AccessMode::kWrite);
      Touch(of(Place::kLifetime), AccessMode::kWrite);
      return;
    case Note::kObjectFreed:
      Touch(of(Place::kLifetime), AccessMode::kWrite);
      if (event.object.kind == ObjectKind::kDevice) {
        Touch(place(Place::kEndpoints), AccessMode::kWrite);
      }
      if (event.object.kind == ObjectKind::kIoas) {
        Touch(place(Place::kImmutable), AccessMode::kWrite);
      }
      return;
    default:
      return;
  }
}

void StepAccesses::AddLifetime(const sim::Event& event) {
  if (!CanDie(event.object.kind)) return;
  Touch(KeyOf(event.object, static_cast<uint8_t>(Place::kLifetime)), AccessMode::kRead);
}

}  // namespace iommufd_check::explore
