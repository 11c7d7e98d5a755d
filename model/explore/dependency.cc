#include "model/explore/dependency.h"

#include "model/sim/check.h"

namespace iommufd_check::explore {

using sim::Field;
using sim::Note;
using sim::ObjectKind;
using sim::ObjectRef;
using sim::Primitive;

namespace {

// Things that are not a field of an object. Values stand above those of sim::Field.
enum class Place : uint8_t {
  kLock = 128,
  kLifetime,    // of one object
  kPreserved,   // of one domain: what the monitor knows of its preservation
  kRegistered,  // of one frame: what the monitor knows of its registration
  kWaitQueue,   // of one object
  kCalls,       // which tasks are inside system calls
  kImmutable,   // the monitor's view of all IOAS
  kMarks,       // the monitor's view of the marks
  kAllocator,   // with exact_frames
};
static_assert(sim::Count<Field>() <= static_cast<int>(Place::kLock));

constexpr uint64_t KeyOf(ObjectRef object, uint8_t what, uint16_t element = 0) {
  return uint64_t{element} << 32 | uint64_t{static_cast<uint8_t>(object.kind)} << 24 |
         uint64_t{object.number} << 8 | what;
}
constexpr uint64_t KeyOf(ObjectRef object, Place place) {
  return KeyOf(object, static_cast<uint8_t>(place));
}
constexpr uint64_t KeyOf(Place place) { return KeyOf(ObjectRef{}, place); }

bool CanDie(ObjectKind kind) {
  switch (kind) {
    case ObjectKind::kIoas:
    case ObjectKind::kArea:
    case ObjectKind::kPages:
    case ObjectKind::kHwpt:
    case ObjectKind::kDomain:
    case ObjectKind::kDevice:
    case ObjectKind::kSession:
    case ObjectKind::kFrame:
      return true;
    default:
      return false;
  }
}

ObjectRef FrameNamed(int64_t pfn) {
  return {ObjectKind::kFrame, static_cast<uint16_t>(static_cast<uint64_t>(pfn) & UINT16_MAX)};
}

}  // namespace

uint64_t LockKey(uint16_t lock) { return KeyOf({ObjectKind::kNone, lock}, Place::kLock); }

void StepAccesses::Add(const sim::Event& event) {
  switch (event.primitive) {
    case Primitive::kOpBegin:
      Touch(KeyOf(Place::kCalls), AccessMode::kUpdate);
      break;
    case Primitive::kOpEnd:
      Touch(KeyOf(Place::kCalls), AccessMode::kRead);
      break;
    case Primitive::kLock:
    case Primitive::kUnlock:
      AddLock(event);
      break;
    case Primitive::kRead:
    case Primitive::kWrite:
      AddField(event);
      break;
    case Primitive::kRefInc:
    case Primitive::kRefDec:
      AddCount(event);
      break;
    case Primitive::kWait:
    case Primitive::kWake:
    case Primitive::kTimeout:
      Touch(KeyOf(event.object, Place::kWaitQueue), AccessMode::kWrite);
      break;
    case Primitive::kNote:
      AddNote(event);
      break;
    default:
      break;
  }
  AddLifetime(event);
}

void StepAccesses::AddLock(const sim::Event& event) {
  lock_ = table_.NumberOf(LockKey(event.spare));
  if (options_.omit_locks) return;
  accesses_->emplace_back(lock_, event.mode == 1 ? AccessMode::kRead : AccessMode::kWrite);
}

void StepAccesses::AddField(const sim::Event& event) {
  if (options_.omit_fields) return;
  const bool write = event.primitive == Primitive::kWrite;
  const AccessMode mode = write ? AccessMode::kWrite : AccessMode::kRead;
  Touch(KeyOf(event.object, event.detail, event.spare), mode);
  if (write && event.object.kind == ObjectKind::kFrame && event.spare != sim::kWholeField) {
    Touch(KeyOf(event.object, event.detail, sim::kWholeField), AccessMode::kUpdate);
  }
}

// A decrement to 0 is seen by its task, and one to 1 would have been to 0 before an increment that
// it follows.
void StepAccesses::AddCount(const sim::Event& event) {
  if (options_.omit_fields) return;
  const bool down = event.primitive == Primitive::kRefDec;
  const bool tells =
      options_.places.Contains(event.object.kind, Field::kRefcount) ||
      (down && event.value == 0 && event.detail == static_cast<uint8_t>(Field::kRefcount));
  const AccessMode mode =
      tells && down && event.value <= 1 ? AccessMode::kWrite : AccessMode::kUpdate;
  Touch(KeyOf(event.object, event.detail), mode);
}

void StepAccesses::AddNote(const sim::Event& event) {
  switch (static_cast<Note>(event.detail)) {
    case Note::kKhoAdd:
    case Note::kKhoDel:
      Touch(KeyOf(FrameNamed(event.value), Place::kRegistered), AccessMode::kWrite);
      if (event.object.kind == ObjectKind::kDomain) {
        Touch(KeyOf(event.object, Place::kPreserved), AccessMode::kWrite);
        Touch(KeyOf(Place::kImmutable), AccessMode::kRead);
      }
      return;
    case Note::kFrameFree:
      Touch(KeyOf(FrameNamed(event.value), Place::kRegistered), AccessMode::kRead);
      Touch(KeyOf(event.object, Place::kLifetime), AccessMode::kWrite);
      [[fallthrough]];
    case Note::kFrameAlloc:
      if (options_.exact_frames) Touch(KeyOf(Place::kAllocator), AccessMode::kWrite);
      return;
    case Note::kTableWrite:
      Touch(KeyOf(event.object, Place::kPreserved), AccessMode::kRead);
      Touch(KeyOf(Place::kImmutable), AccessMode::kRead);
      return;
    case Note::kImmutableSet:
    case Note::kImmutableClear:
      Touch(KeyOf(Place::kImmutable), AccessMode::kWrite);
      return;
    case Note::kMark:
    case Note::kMarkGone:
    case Note::kPreserveBegin:
    case Note::kPreserveEnd:
    case Note::kUnpreserveBegin:
      Touch(KeyOf(Place::kMarks), AccessMode::kWrite);
      return;
    case Note::kUnpreserveEnd:
      Touch(KeyOf(Place::kMarks), AccessMode::kWrite);
      Touch(KeyOf(Place::kImmutable), AccessMode::kWrite);
      return;
    case Note::kDomainPreserved:
    case Note::kDomainUnpreserved:
    case Note::kDomainPreserveMissing:
      Touch(KeyOf(event.object, Place::kPreserved), AccessMode::kWrite);
      Touch(KeyOf(Place::kImmutable), AccessMode::kRead);
      return;
    case Note::kDomainFreed:
      Touch(KeyOf(event.object, Place::kPreserved), AccessMode::kWrite);
      Touch(KeyOf(event.object, Place::kLifetime), AccessMode::kWrite);
      return;
    case Note::kObjectFreed:
      Touch(KeyOf(event.object, Place::kLifetime), AccessMode::kWrite);
      if (event.object.kind == ObjectKind::kIoas)
        Touch(KeyOf(Place::kImmutable), AccessMode::kWrite);
      return;
    default:
      return;
  }
}

// The number of a frame that is allocated again is a name, not the same frame.
void StepAccesses::AddLifetime(const sim::Event& event) {
  if (!CanDie(event.object.kind)) return;
  if (event.primitive == Primitive::kNote &&
      event.detail == static_cast<uint8_t>(Note::kFrameAlloc)) {
    return;
  }
  Touch(KeyOf(event.object, Place::kLifetime), AccessMode::kRead);
}

}  // namespace iommufd_check::explore
