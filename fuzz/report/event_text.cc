#include "fuzz/report/event_text.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "model/program/text/text_codec.h"
#include "model/sim/errno.h"
#include "model/sim/vocabulary.h"

namespace iommufd_check::cli {
namespace {

using sim::Event;
using sim::Note;
using sim::ObjectKind;
using sim::ObjectRef;
using sim::Primitive;

bool OnlyOne(ObjectKind kind) {
  return kind == ObjectKind::kNone || kind == ObjectKind::kIommufd || kind == ObjectKind::kLuo ||
         kind == ObjectKind::kKho;
}

std::string NoteValue(Note note, int64_t value) {
  switch (note) {
    case Note::kPreserveEnd:
    case Note::kCalleeFailed:
      return absl::StrCat(" -> ", std::string(sim::ErrnoName(static_cast<int>(value))));
    case Note::kKhoAdd:
    case Note::kKhoDel:
    case Note::kTableAlloc:
    case Note::kTableFree:
    case Note::kTableWrite:
    case Note::kFrameFree:
    case Note::kDomainPreserved:
      return absl::StrFormat(" %#x", value);
    case Note::kMark:
      return absl::StrCat(" token ", value);
    case Note::kRecordStore:
    case Note::kRecordCapacity:
      return absl::StrCat(" ", value);
    case Note::kDomainOfIoas:
      return " " + ObjectText({ObjectKind::kIoas, static_cast<uint16_t>(value)});
    default:
      return "";
  }
}

std::string OnObject(ObjectRef object) {
  return object.kind == ObjectKind::kNone ? "" : absl::StrCat(" ", ObjectText(object));
}

std::string NoteText(const Event& event) {
  const auto note = static_cast<Note>(event.detail);
  return absl::StrCat(std::string(sim::Name(note)), NoteValue(note, event.value),
                      OnObject(event.object));
}

std::string FaultText(const Event& event) {
  const auto site = static_cast<sim::FaultSite>(event.detail);
  const std::string call = absl::StrFormat("%s #%d", sim::Name(site), event.value);
  if (event.primitive == Primitive::kCall) return "call " + call;
  return absl::StrFormat("FAULT %s: %s", call, sim::ErrnoName(sim::FailureOf(site)));
}

// "!! iopt_abort_area: WARN_ON(immutable) ioas1". The function of others is the entry above it.
std::string SplatText(const Event& event) {
  const auto condition = static_cast<sim::Condition>(event.mode);
  const std::string name(sim::Name(static_cast<sim::Splat>(event.detail)));
  if (condition == sim::Condition::kNone) return absl::StrCat("!! ", name, OnObject(event.object));
  return absl::StrCat("!! ", std::string(sim::Name(static_cast<sim::Fn>(event.spare))), ": ", name,
                      "_ON(", std::string(sim::Name(condition)), ")", OnObject(event.object));
}

std::string LockEventText(const Event& event) {
  const std::string verb(sim::Name(event.primitive));
  const sim::LockClass lock_class = sim::LockClassOf(event);
  if (lock_class == sim::LockClass::kCount) {
    return absl::StrCat(verb, " until", OnObject(event.object), " changes");
  }
  return absl::StrCat(verb, " ",
                      LockText(lock_class, event.object, static_cast<sim::LockMode>(event.mode)));
}

}  // namespace

std::string ObjectText(ObjectRef object) {
  const std::string name(sim::Name(object.kind));
  if (object.kind == ObjectKind::kIommufd) {
    return object.number == 0 ? name : absl::StrCat(name, object.number);
  }
  if (OnlyOne(object.kind)) return name;
  return uapi::ShortText(name, object.number);
}

std::string LockText(sim::LockClass lock_class, ObjectRef object, sim::LockMode mode) {
  std::string name(sim::Name(lock_class));
  if (const size_t arrow = name.find("->"); arrow != std::string::npos) name.erase(0, arrow + 2);
  constexpr std::string_view kRwsem = "_rwsem";
  if (name.ends_with(kRwsem) && name.size() > kRwsem.size() + 1) {
    name.resize(name.size() - kRwsem.size());
  }
  const bool named = !OnlyOne(object.kind) || object.number != 0;
  if (named) name = absl::StrCat(ObjectText(object), ".", name);
  if (sim::KindOf(lock_class) != sim::LockKind::kRwsem) return name;
  return name + (mode == sim::LockMode::kShared ? ":r" : ":w");
}

std::string OperationName(const program::Program& program, uint16_t operation) {
  if (operation >= program.operations.size()) return "process exit";
  return std::string(program::SpecOf(program.operations[operation].code).name);
}

std::string OperationText(const program::Program& program, uint16_t operation) {
  if (operation >= program.operations.size()) return "process exit";
  return absl::StrCat(program::OperationLabel(program, operation), " ",
                      OperationName(program, operation));
}

std::string CallText(const program::Program& program, uint16_t operation) {
  if (operation >= program.operations.size()) return "process exit";
  return absl::StrCat(program::OperationLabel(program, operation), " ",
                      program::PrintOperation(program, operation));
}

std::string EventText(const program::Program& program, const Event& event) {
  switch (event.primitive) {
    case Primitive::kOpBegin:
      return absl::StrCat("begin ", CallText(program, event.operation));
    case Primitive::kOpEnd:
      return absl::StrFormat("%s -> %s", OperationText(program, event.operation),
                             sim::ErrnoName(static_cast<int>(event.value)));
    case Primitive::kWait:
    case Primitive::kLock:
    case Primitive::kUnlock:
      return LockEventText(event);
    case Primitive::kRead:
    case Primitive::kWrite:
      return absl::StrFormat("%s %s: %s", sim::Name(event.primitive), ObjectText(event.object),
                             sim::Name(static_cast<sim::Field>(event.detail)));
    case Primitive::kRefInc:
    case Primitive::kRefDec:
      return absl::StrFormat("%s %s: %d", sim::Name(event.primitive), ObjectText(event.object),
                             event.value);
    case Primitive::kWake:
      return absl::StrCat("wake up", OnObject(event.object));
    case Primitive::kTimeout:
      return absl::StrCat("time-out", OnObject(event.object));
    case Primitive::kCall:
    case Primitive::kFail:
      return FaultText(event);
    case Primitive::kNote:
      return NoteText(event);
    case Primitive::kSplat:
      return SplatText(event);
    case Primitive::kEnter:
      return absl::StrCat("enter ", std::string(sim::Name(static_cast<sim::Fn>(event.detail))),
                          OnObject(event.object));
    case Primitive::kCount:
      break;
  }
  return "?";
}

void HeldLocks::Apply(const Event& event) {
  if (event.task >= held_.size()) return;
  std::vector<Event>& held = held_[event.task];
  if (event.primitive == Primitive::kLock) held.push_back(event);
  if (event.primitive != Primitive::kUnlock) return;
  // `spare` is the lock's index in the lock table.
  const auto last = std::find_if(held.rbegin(), held.rend(),
                                 [&](const Event& lock) { return lock.spare == event.spare; });
  if (last != held.rend()) held.erase(std::next(last).base());
}

std::vector<std::string> HeldLocks::Of(sim::TaskId task) const {
  std::vector<std::string> locks;
  for (const Event& lock : held_[task]) {
    locks.push_back(LockText(static_cast<sim::LockClass>(lock.detail), lock.object,
                             static_cast<sim::LockMode>(lock.mode)));
  }
  return locks;
}

std::string Bracketed(const std::vector<std::string>& locks, size_t skipped) {
  if (locks.empty()) return "";
  std::string text = skipped == 0 ? "" : "..";
  for (size_t i = skipped; i < locks.size(); ++i) {
    absl::StrAppend(&text, text.empty() ? "" : " ", locks[i]);
  }
  return absl::StrCat("[", text, "]");
}

std::string RenderDetails(const program::Program& program, const std::vector<sim::Event>& events) {
  std::string text = "events\n";
  HeldLocks held;
  for (size_t i = 0; i < events.size(); ++i) {
    held.Apply(events[i]);
    const std::string locks = Bracketed(held.Of(events[i].task));
    absl::StrAppendFormat(&text, "%6d  %-7s %5d  %s%s%s\n", i + 1,
                          program::TaskName(events[i].task), events[i].step,
                          EventText(program, events[i]), locks.empty() ? "" : "  ", locks);
  }
  return text;
}

}  // namespace iommufd_check::cli
