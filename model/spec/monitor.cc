#include "model/spec/monitor.h"

#include <algorithm>

#include "model/sim/check.h"
#include "model/sim/errno.h"
#include "model/uapi/object_id.h"

namespace iommufd_check::spec {

using sim::Note;
using sim::ObjectKind;
using sim::Primitive;
using sim::Splat;

namespace {

// The mark of a HWPT: v1's bit, or the XA_MARK of its entry in the table.
bool IsMark(const sim::Event& event) {
  return event.object.kind == ObjectKind::kHwpt &&
         (event.detail == static_cast<uint8_t>(sim::Field::kHwptBits) ||
          event.detail == static_cast<uint8_t>(sim::Field::kObjectTable));
}

std::string_view Marking(bool marked) { return marked ? "marked" : "plain"; }

std::string RaceText(const sim::Event& event, const RaceDetector::Race& race) {
  const bool writes = event.primitive == Primitive::kWrite;
  std::string text(sim::Name(static_cast<sim::Field>(event.detail)));
  text += " of " + Named(event.object) + (writes ? " is written here (" : " is read here (");
  text += Marking((event.mode & sim::kAccessMarked) != 0);
  text += race.other_wrote ? ") and was written (" : ") and was read (";
  text += Marking(race.other_marked);
  return text + ") by another task, and nothing orders the two";
}

}  // namespace

void Monitor::Clear() {
  races_.Clear();
  locks_.Clear();
  exiting_ = false;
  sequence_ = 0;
  tasks_ = {};
  accessors_.Clear();
  memory_ = {};
}

void Monitor::Recall(const Memory& memory) {
  IOMMUFD_CHECK(sequence_ == 0, "what is recalled came before all events");
  memory_ = memory;
  for (auto& [ioas, since] : memory_.immutable_since) since = 0;
}

void Monitor::OnEvent(const sim::Event& event) {
  ++sequence_;
  Findings::Position position{.operation = exiting_ ? kExitOperation : event.operation,
                              .task = event.task,
                              .step = event.step,
                              .event = sequence_,
                              .function = findings_->function()};
  if (event.primitive == Primitive::kSplat) {
    position.function = static_cast<sim::Fn>(event.spare);
    position.splat = static_cast<Splat>(event.detail);
    position.condition = static_cast<sim::Condition>(event.mode);
  }
  findings_->SetPosition(position);
  locks_.OnEvent(event, findings_->position().function);
  if (event.primitive == Primitive::kWait) NoteWait(event);
  switch (event.primitive) {
    case Primitive::kOpBegin:
      task(event) = {};
      break;
    case Primitive::kOpEnd:
      OnOperationEnd(event);
      break;
    case Primitive::kLock:
    case Primitive::kUnlock:
      ArmByLock(event);
      break;
    case Primitive::kFail:
      task(event).fault_injected = true;
      findings_->Arm(Invariant::kI21);
      break;
    case Primitive::kNote:
      OnNote(event);
      break;
    case Primitive::kSplat:
      OnSplat(event);
      break;
    case Primitive::kRead:
      if (IsMark(event)) task(event).mark_changed.clear();
      [[fallthrough]];
    case Primitive::kWrite:
      if (event.task != 0) ArmByAccess(event);
      break;
    default:
      break;
  }
  const auto race = races_.OnEvent(event);
  if (race.has_value()) findings_->Violate(Invariant::kI20, event.object, RaceText(event, *race));
}

// I20: another task has accessed the field, and one of the two writes. I08: another task reaches
// the object too, so it might have been freed under this one.
void Monitor::ArmByAccess(const sim::Event& event) {
  const auto self = static_cast<uint8_t>(1u << event.task);
  const uint64_t object = uint64_t{static_cast<uint16_t>(event.object.kind)} << 32 |
                          uint64_t{event.object.number} << 16;
  const bool writes = event.primitive == Primitive::kWrite;
  Accessors& field = accessors_[object | (static_cast<uint64_t>(event.detail) + 1)];
  const auto rivals = static_cast<uint8_t>(writes ? field.readers | field.writers : field.writers);
  if ((rivals & ~self) != 0) findings_->Arm(Invariant::kI20);
  (writes ? field.writers : field.readers) |= self;
  Accessors& whole = accessors_[object];
  if ((whole.readers & ~self) != 0) findings_->Arm(Invariant::kI08);
  whole.readers |= self;
}

// A lock that is taken alone cannot be taken in the wrong order, and not under a spinlock.
void Monitor::ArmByLock(const sim::Event& event) {
  TaskState& state = task(event);
  if (event.primitive == Primitive::kUnlock) {
    state.locks_held -= state.locks_held > 0 ? 1 : 0;
    return;
  }
  state.locked = true;
  if (++state.locks_held > 1) findings_->Arm(Invariant::kI19);
}

void Monitor::OnNote(const sim::Event& event) {
  const auto note = static_cast<Note>(event.detail);
  switch (note) {
    case Note::kKhoAdd:
    case Note::kKhoDel:
    case Note::kFrameFree:
    case Note::kDomainFreed:
    case Note::kDomainOfIoas:
      return OnRegistration(note, event);
    case Note::kTableWrite:
    case Note::kImmutableSet:
    case Note::kImmutableClear:
    case Note::kGatePassed:
    case Note::kGateRefused:
    case Note::kUnfilledAreaSeen:
      return OnTransition(note, event);
    case Note::kFrameFreedBy:
      freed_by_ = mm::UnpackFreedBy(event.value);
      return;
    case Note::kKhoOrderMismatch:
      return findings_->Violate(Invariant::kI06, event.object,
                                "page " + Hex(static_cast<uint64_t>(event.value)) +
                                    " is unregistered by an order that leaves it registered");
    case Note::kObjectFreed:
      if (event.object.kind == ObjectKind::kIoas)
        memory_.immutable_since.erase(event.object.number);
      return;
    default:
      return OnPreservation(note, event);
  }
}

void Monitor::OnRegistration(Note note, const sim::Event& event) {
  const auto pfn = static_cast<uint64_t>(event.value);
  const uint16_t number = event.object.number;
  switch (note) {
    case Note::kKhoAdd:
      findings_->Require(Invariant::kI18, memory_.registered.count(pfn) == 0, event.object, [&] {
        return "page " + Hex(pfn) + " is registered again while it is registered for " +
               Named(memory_.registered.at(pfn));
      });
      memory_.registered[pfn] = event.object;
      if (event.object.kind == ObjectKind::kDomain) {
        findings_->Require(Invariant::kI01, IsImmutable(IoasOf(number)), event.object, [&] {
          return "table " + Hex(pfn) + " of domain " + std::to_string(number) +
                 " is registered while ioas " + uapi::NumberText(IoasOf(number)) + " may change";
        });
      }
      return;
    case Note::kKhoDel: {
      const auto it = memory_.registered.find(pfn);
      findings_->Require(Invariant::kI06,
                         it != memory_.registered.end() && it->second == event.object, event.object,
                         [&] {
                           return "page " + Hex(pfn) + " is unregistered for " +
                                  Named(event.object) + ", which never registered it";
                         });
      if (it != memory_.registered.end()) memory_.registered.erase(it);
      return;
    }
    case Note::kFrameFree:
      return OnFree(event);
    case Note::kDomainFreed:
      findings_->Require(
          Invariant::kI08, memory_.preserved_domains.count(number) == 0, event.object, [&] {
            return "domain " + std::to_string(number) + " is freed while its preservation names it";
          });
      memory_.domain_ioas.erase(number);
      return;
    default:
      memory_.domain_ioas[number] = static_cast<uint16_t>(event.value);
  }
}

void Monitor::OnFree(const sim::Event& event) {
  const auto pfn = static_cast<uint64_t>(event.value);
  if (memory_.registered.empty()) return;
  findings_->Require(Invariant::kI02, memory_.registered.count(pfn) == 0, event.object, [&] {
    return "page " + Hex(pfn) + " is freed while it is registered for " +
           Named(memory_.registered.at(pfn));
  });
}

void Monitor::OnTransition(Note note, const sim::Event& event) {
  switch (note) {
    case Note::kTableWrite:
      return OnTableWrite(event);
    case Note::kImmutableSet:
    case Note::kImmutableClear:
      return OnImmutable(event, note == Note::kImmutableSet);
    case Note::kGatePassed:
      task(event).gates[event.object.number] = sequence_;
      return;
    case Note::kUnfilledAreaSeen:
      if (task(event).preserving.has_value()) task(event).saw_unfilled = true;
      return;
    default:  // a call that was refused changes nothing
      return;
  }
}

void Monitor::OnTableWrite(const sim::Event& event) {
  const uint16_t domain = event.object.number;
  if (!memory_.preserved_domains.empty() || !memory_.registered.empty()) {
    findings_->Require(Invariant::kI03, !IsPreserved(domain), event.object, [&] {
      return "the table of domain " + std::to_string(domain) + " changes while it is preserved";
    });
  }
  const uint16_t ioas = IoasOf(domain);
  const auto gate = task(event).gates.find(ioas);
  if (gate == task(event).gates.end()) return;
  const auto since = memory_.immutable_since.find(ioas);
  findings_->Require(Invariant::kI04,
                     since == memory_.immutable_since.end() || since->second < gate->second,
                     event.object, [&] {
                       return "ioas " + uapi::NumberText(ioas) +
                              " became immutable between the test and this change of its table";
                     });
}

void Monitor::OnImmutable(const sim::Event& event, bool set) {
  const uint16_t ioas = event.object.number;
  if (set) {
    memory_.immutable_since[ioas] = sequence_;
    return;
  }
  memory_.immutable_since.erase(ioas);
  for (const auto& [domain, of_ioas] : memory_.domain_ioas) {
    if (of_ioas != ioas) continue;
    const uint16_t number = domain;
    findings_->Require(
        Invariant::kI07, memory_.preserved_domains.count(number) == 0, event.object, [&] {
          return "ioas " + uapi::NumberText(ioas) + " may change again while domain " +
                 std::to_string(number) + " is preserved";
        });
    findings_->Require(Invariant::kI01, !HasRegistered(number), event.object, [&] {
      return "ioas " + uapi::NumberText(ioas) + " may change again while tables of domain " +
             std::to_string(number) + " are registered";
    });
  }
}

void Monitor::OnPreservation(Note note, const sim::Event& event) {
  const uint16_t number = event.object.number;
  switch (note) {
    case Note::kMark:
    case Note::kMarkGone:
      return OnMark(event, note == Note::kMarkGone);
    case Note::kPreserveBegin:
      task(event).preserving = number;
      task(event).mark_changed.clear();
      task(event).capacity = -1;
      return;
    case Note::kUnpreserveBegin:
      memory_.marks_frozen.erase(number);
      return;
    case Note::kPreserveEnd:
      return EndPreserve(event);
    case Note::kUnpreserveEnd:
      return EndUnpreserve(event);
    case Note::kRecordCapacity:
      task(event).capacity = event.value;
      return;
    case Note::kRecordStore:
      findings_->Require(Invariant::kI10, event.value <= task(event).capacity, event.object, [&] {
        return "a record is stored up to byte " + std::to_string(event.value) +
               " of an allocation of " + std::to_string(task(event).capacity);
      });
      return;
    case Note::kDomainPreserved:
      findings_->Require(Invariant::kI18, memory_.preserved_domains.insert(number).second,
                         event.object, [&] {
                           return "domain " + std::to_string(number) +
                                  " is preserved while it is preserved already";
                         });
      return;
    case Note::kDomainUnpreserved:
      findings_->Require(
          Invariant::kI06, memory_.preserved_domains.erase(number) == 1, event.object, [&] {
            return "domain " + std::to_string(number) + " is unpreserved but was not preserved";
          });
      return;
    case Note::kDomainPreserveMissing:
      findings_->Arm(Invariant::kI06);
      findings_->Violate(Invariant::kI06, event.object,
                         "unpreserve reaches domain " + std::to_string(number) +
                             ", which its preserve did not preserve");
      return;
    default:
      return;
  }
}

void Monitor::OnMark(const sim::Event& event, bool gone) {
  const uint16_t hwpt = event.object.number;
  const auto token = static_cast<uint64_t>(event.value);
  const auto it = memory_.marks.find(hwpt);
  const bool changes =
      gone ? it != memory_.marks.end() : it == memory_.marks.end() || it->second != token;
  if (changes && !exiting_) {
    NoteMarkChange(event, gone ? "marked hwpt " + uapi::NumberText(hwpt) + " goes away"
                               : "hwpt " + uapi::NumberText(hwpt) + " is marked with token " +
                                     std::to_string(token));
  }
  findings_->Arm(Invariant::kI12);
  if (gone) {
    memory_.marks.erase(hwpt);
  } else {
    memory_.marks[hwpt] = token;
  }
}

// A preserve may still look again, or fail; then nothing was wrong with the change.
void Monitor::NoteMarkChange(const sim::Event& event, std::string text) {
  const auto iommufd = static_cast<uint16_t>(uapi::IommufdOf(event.object.number));
  if (memory_.marks_frozen.count(iommufd) != 0) {
    findings_->Violate(Invariant::kI12, event.object, text + " while the iommufd is preserved");
  }
  for (size_t other = 0; other < tasks_.size(); ++other) {
    TaskState& state = tasks_[other];
    if (other != event.task && state.preserving == iommufd && state.mark_changed.empty()) {
      state.mark_changed = text;
    }
  }
}

void Monitor::EndPreserve(const sim::Event& event) {
  TaskState& state = task(event);
  if (event.value == 0) {
    memory_.marks_frozen.insert(event.object.number);
    findings_->Require(Invariant::kI12, state.mark_changed.empty(), event.object, [&] {
      return state.mark_changed + " after the preserve has looked at the marks";
    });
  }
  state.preserving.reset();
  state.mark_changed.clear();
  state.capacity = -1;
}

void Monitor::EndUnpreserve(const sim::Event& event) {
  const auto left = std::find_if(
      memory_.preserved_domains.begin(), memory_.preserved_domains.end(),
      [&](uint16_t domain) { return uapi::IommufdOf(IoasOf(domain)) == event.object.number; });
  findings_->Require(Invariant::kI06, left == memory_.preserved_domains.end(), event.object, [&] {
    return "unpreserve leaves domain " + std::to_string(*left) + " preserved";
  });
}

void Monitor::OnOperationEnd(const sim::Event& event) {
  TaskState& state = task(event);
  if (state.locked) findings_->Arm(Invariant::kI37);
  if (state.saw_unfilled) {
    findings_->Require(Invariant::kI04, event.value == -sim::kEBUSY, event.object, [&] {
      return "the page check saw an unfilled area and the call answered " +
             std::string(sim::ErrnoName(static_cast<int>(event.value)));
    });
  }
  if (state.fault_injected && event.value >= 0) {
    findings_->Violate(Invariant::kI21, event.object,
                       "a callee failed and the call reports success");
  }
  state = {};
}

bool Monitor::HasRegistered(uint16_t domain) const {
  const sim::ObjectRef wanted{ObjectKind::kDomain, domain};
  return std::any_of(memory_.registered.begin(), memory_.registered.end(),
                     [&](const auto& entry) { return entry.second == wanted; });
}

uint16_t Monitor::IoasOf(uint16_t domain) const {
  const auto it = memory_.domain_ioas.find(domain);
  return it == memory_.domain_ioas.end() ? 0 : it->second;
}

}  // namespace iommufd_check::spec
