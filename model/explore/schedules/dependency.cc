#include "model/explore/schedules/dependency.h"

#include <algorithm>

#include "model/mm/types.h"

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

constexpr uint64_t RawKey(ObjectRef object, uint8_t what, uint16_t element, uint16_t life) {
  return uint64_t{life} << 48 | uint64_t{element} << 32 |
         uint64_t{static_cast<uint8_t>(object.kind)} << 24 | uint64_t{object.number} << 8 | what;
}
constexpr uint64_t KeyOfAll(Place place) { return RawKey({}, static_cast<uint8_t>(place), 0, 0); }

ObjectRef FrameNamed(int64_t pfn) {
  return {ObjectKind::kFrame, static_cast<uint16_t>(static_cast<uint64_t>(pfn) - mm::kFirstPfn)};
}

}  // namespace

uint64_t LockKey(const sim::Event& event) {
  return RawKey({ObjectKind::kNone, event.spare}, static_cast<uint8_t>(Place::kLock), 0,
                static_cast<uint16_t>(event.value));
}

// With how often the number has been freed: few are, in one run.
uint64_t StepAccesses::KeyOf(ObjectRef object, uint8_t what, uint16_t element) const {
  const auto life = std::count(freed_.begin(), freed_.end(), object);
  return RawKey(object, what, element, static_cast<uint16_t>(life));
}

void StepAccesses::Rewind(size_t steps) {
  if (steps >= freed_before_.size()) return;
  freed_.resize(freed_before_[steps]);
  freed_before_.resize(steps);
}

void StepAccesses::Add(const sim::Event& event) {
  switch (event.primitive) {
    case Primitive::kOpBegin:
      Touch(Rule::kCalls, KeyOfAll(Place::kCalls), AccessMode::kUpdate);
      break;
    case Primitive::kOpEnd:
      Touch(Rule::kCalls, KeyOfAll(Place::kCalls), AccessMode::kRead);
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
      Touch(Rule::kWaitQueues, KeyOf(event.object, static_cast<uint8_t>(Place::kWaitQueue)),
            AccessMode::kWrite);
      break;
    case Primitive::kNote:
      AddNote(event);
      break;
    default:
      break;
  }
  AddLifetime(event);
  if (sim::Frees(event)) freed_.push_back(event.object);
}

void StepAccesses::AddLock(const sim::Event& event) {
  lock_ = table_.NumberOf(LockKey(event));
  Touch(Rule::kLocks, LockKey(event), event.mode == 1 ? AccessMode::kRead : AccessMode::kWrite);
}

void StepAccesses::AddField(const sim::Event& event) {
  const bool write = event.primitive == Primitive::kWrite;
  const AccessMode mode = write ? AccessMode::kWrite : AccessMode::kRead;
  Touch(Rule::kFields, KeyOf(event.object, event.detail, event.spare), mode);
  if (write && event.object.kind == ObjectKind::kFrame && event.spare != sim::kWholeField) {
    Touch(Rule::kFields, KeyOf(event.object, event.detail, sim::kWholeField), AccessMode::kUpdate);
  }
}

// A decrement to 0 is seen by its task, and one to 1 would have been to 0 before an increment that
// it follows. So whether two of them commute depends on the value, which is sound (a count comes
// down to 1 only by a decrement that says so), but the same pair may depend in one order and not in
// the other; with `strict_counts` it does in both, and traces can be counted.
void StepAccesses::AddCount(const sim::Event& event) {
  const bool down = event.primitive == Primitive::kRefDec;
  const auto field = static_cast<Field>(event.detail);
  const bool tells =
      field != Field::kLockedPages &&
      (options_.places.Contains(event.object.kind, field) || (down && event.value == 0));
  const bool low = options_.strict_counts || event.value <= 1;
  const AccessMode mode = tells && down && low ? AccessMode::kWrite : AccessMode::kUpdate;
  Touch(Rule::kCounts, KeyOf(event.object, event.detail), mode);
}

void StepAccesses::AddNote(const sim::Event& event) {
  const ObjectRef frame = FrameNamed(event.value);  // of a note about one
  const auto key = [&](ObjectRef object, Place place) {
    return KeyOf(object, static_cast<uint8_t>(place));
  };
  switch (static_cast<Note>(event.detail)) {
    case Note::kKhoAdd:
    case Note::kKhoDel:
      Touch(Rule::kRegistration, key(frame, Place::kRegistered), AccessMode::kWrite);
      if (event.object.kind == ObjectKind::kDomain) {
        Touch(Rule::kPreservation, key(event.object, Place::kPreserved), AccessMode::kWrite);
        Touch(Rule::kImmutability, KeyOfAll(Place::kImmutable), AccessMode::kRead);
      }
      return;
    case Note::kFrameFree:
      Touch(Rule::kRegistration, key(frame, Place::kRegistered), AccessMode::kRead);
      Touch(Rule::kLifetimes, key(event.object, Place::kLifetime), AccessMode::kWrite);
      [[fallthrough]];
    case Note::kFrameAlloc:
      if (options_.exact_frames)
        Touch(Rule::kFields, KeyOfAll(Place::kAllocator), AccessMode::kWrite);
      return;
    case Note::kTableWrite:
      Touch(Rule::kPreservation, key(event.object, Place::kPreserved), AccessMode::kRead);
      Touch(Rule::kImmutability, KeyOfAll(Place::kImmutable), AccessMode::kRead);
      return;
    case Note::kImmutableSet:
    case Note::kImmutableClear:
      Touch(Rule::kImmutability, KeyOfAll(Place::kImmutable), AccessMode::kWrite);
      return;
    case Note::kMark:
    case Note::kMarkGone:
    case Note::kPreserveBegin:
    case Note::kPreserveEnd:
    case Note::kUnpreserveBegin:
      Touch(Rule::kMarks, KeyOfAll(Place::kMarks), AccessMode::kWrite);
      return;
    case Note::kUnpreserveEnd:
      Touch(Rule::kMarks, KeyOfAll(Place::kMarks), AccessMode::kWrite);
      Touch(Rule::kImmutability, KeyOfAll(Place::kImmutable), AccessMode::kWrite);
      return;
    case Note::kDomainPreserved:
    case Note::kDomainUnpreserved:
    case Note::kDomainPreserveMissing:
      Touch(Rule::kPreservation, key(event.object, Place::kPreserved), AccessMode::kWrite);
      Touch(Rule::kImmutability, KeyOfAll(Place::kImmutable), AccessMode::kRead);
      return;
    case Note::kDomainFreed:
      Touch(Rule::kPreservation, key(event.object, Place::kPreserved), AccessMode::kWrite);
      Touch(Rule::kLifetimes, key(event.object, Place::kLifetime), AccessMode::kWrite);
      return;
    case Note::kObjectFreed:
      Touch(Rule::kLifetimes, key(event.object, Place::kLifetime), AccessMode::kWrite);
      if (event.object.kind == ObjectKind::kIoas)
        Touch(Rule::kImmutability, KeyOfAll(Place::kImmutable), AccessMode::kWrite);
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
  Touch(Rule::kLifetimes, KeyOf(event.object, static_cast<uint8_t>(Place::kLifetime)),
        AccessMode::kRead);
}

}  // namespace iommufd_check::explore
