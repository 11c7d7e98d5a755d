#include "model/explore/world/world_alphabet.h"

#include <algorithm>

#include "model/sim/check.h"

namespace iommufd_check::explore {
namespace {

using program::Argument;
using program::ArgumentKind;
using program::OpCode;
using program::ResultKind;
using Roles = WorldAlphabet::Roles;

std::int8_t Small(int number) { return static_cast<std::int8_t>(number); }

template <class One>
void ForEach(int count, One one) {
  for (int i = 0; i < count; ++i) one(Small(i));
}

std::int8_t Place(const WorldAlphabet::Renaming::Places& places, std::int8_t at) {
  return at < 0 ? at : places[static_cast<std::size_t>(at)];
}

}  // namespace

Roles WorldAlphabet::Renaming::operator()(const Roles& roles) const {
  return {.device = Place(device, roles.device),
          .hwpt = Place(hwpt, roles.hwpt),
          .memfd = Place(memfd, roles.memfd),
          .region = roles.region,
          .target = roles.target,
          .token = Place(token, roles.token),
          .session = Place(session, roles.session),
          .iommufd = roles.iommufd};
}

std::vector<OpCode> WorldAlphabet::AllOperations() {
  const auto all = uapi::AllOperations();
  return {all.begin(), all.end()};
}

std::vector<OpCode> WorldAlphabet::StandardOperations() {
  return {OpCode::kHwptAlloc,   OpCode::kMapFile,         OpCode::kUnmap,
          OpCode::kDestroy,     OpCode::kMemfdPunchHole,  OpCode::kLuoCreateSession,
          OpCode::kLuoPreserve, OpCode::kLuoCloseSession, OpCode::kLuMark};
}

WorldAlphabet::WorldAlphabet(const WorldScope& scope) : scope_(scope) {
  for (const int number : {scope.devices, scope.hwpts, scope.memfds, scope.regions, scope.tokens}) {
    IOMMUFD_CHECK(1 <= number && number <= kMaxOfEach, "a scope is small");
  }
  IOMMUFD_CHECK(1 <= scope.iommufds && scope.iommufds <= kMaxWorldIommufds, "a scope is small");
  IOMMUFD_CHECK(1 <= scope.sessions && scope.sessions <= kMaxSessions, "a scope is small");
  // In the order of operations.def, each once: the order breaks ties between counterexamples.
  std::sort(scope_.operations.begin(), scope_.operations.end());
  scope_.operations.erase(std::unique(scope_.operations.begin(), scope_.operations.end()),
                          scope_.operations.end());
  for (const OpCode code : scope_.operations) AddEntries(code);
  IOMMUFD_CHECK(entries_.size() <= 256, "a path stores an entry in one byte");
  for (int i = 0; i < scope.iommufds; ++i) live_at_start_ |= 1u << IoasName(i);
  for (int i = 0; i < scope.devices; ++i) live_at_start_ |= 1u << DeviceName(i);
  for (int i = 0; i < scope.hwpts; ++i) live_at_start_ |= 1u << HwptName(i);
  for (int i = 0; i < scope.sessions; ++i) live_at_start_ |= 1u << SessionName(i);
}

bool WorldAlphabet::InScope(OpCode code) const {
  return std::count(scope_.operations.begin(), scope_.operations.end(), code) != 0;
}

// Calls one(-1) where there is one iommufd: nothing is said about it then.
template <class One>
void WorldAlphabet::ForEachIommufd(One one) const {
  for (int f = 0; f < scope_.iommufds; ++f) one(Small(scope_.iommufds == 1 ? -1 : f));
}

// An operation that creates something is about that alone; the objects that it names follow from
// it.
void WorldAlphabet::AddEntries(OpCode code) {
  const auto add = [&](const Roles& roles) { entries_.push_back(EntryOf(scope_, code, roles)); };
  switch (program::SpecOf(code).result) {
    case ResultKind::kIoas:
      return ForEachIommufd([&](std::int8_t f) { add({.iommufd = f}); });
    case ResultKind::kHwpt:
      return ForEach(scope_.hwpts, [&](std::int8_t h) { add({.hwpt = h}); });
    case ResultKind::kDevice:
      return ForEach(scope_.devices, [&](std::int8_t d) { add({.device = d}); });
    case ResultKind::kSession:
      return ForEach(scope_.sessions, [&](std::int8_t s) { add({.session = s}); });
    case ResultKind::kNone:
    case ResultKind::kCount:
      return AddEntriesFrom(code, 0, {});
  }
}

// Each choice of the arguments from `next` on, the first of them changing slowest.
void WorldAlphabet::AddEntriesFrom(OpCode code, std::size_t next, const Roles& roles) {
  const auto arguments = program::SpecOf(code).arguments;
  if (next == arguments.size()) {
    entries_.push_back(EntryOf(scope_, code, roles));
    return;
  }
  const auto choose = [&](std::int8_t Roles::* role, std::int8_t value) {
    Roles chosen = roles;
    chosen.*role = value;
    AddEntriesFrom(code, next + 1, chosen);
  };
  const auto each = [&](std::int8_t Roles::* role, int count) {
    ForEach(count, [&](std::int8_t value) { choose(role, value); });
  };
  const auto on = [&](std::int8_t iommufd) { choose(&Roles::iommufd, iommufd); };
  switch (arguments[next].kind) {
    case ArgumentKind::kIoas:
      // A second one is the same: there is one of each iommufd.
      return next > 0 && arguments[0].kind == ArgumentKind::kIoas
                 ? AddEntriesFrom(code, next + 1, roles)
                 : ForEachIommufd(on);
    case ArgumentKind::kHwpt:
      return each(&Roles::hwpt, scope_.hwpts);
    case ArgumentKind::kDevice:
      return each(&Roles::device, scope_.devices);
    case ArgumentKind::kSession:
      return each(&Roles::session, scope_.sessions);
    case ArgumentKind::kMemfd:
      return each(&Roles::memfd, scope_.memfds);
    case ArgumentKind::kMarkToken:
      return each(&Roles::token, scope_.tokens);
    case ArgumentKind::kObject:
      each(&Roles::hwpt, scope_.hwpts);
      // The IOAS only goes when it can come back.
      if (InScope(OpCode::kIoasAlloc)) ForEachIommufd(on);
      return;
    case ArgumentKind::kFile:
      each(&Roles::memfd, scope_.memfds);
      return ForEachIommufd(on);
    case ArgumentKind::kIova:
      return each(roles.region < 0 ? &Roles::region : &Roles::target, scope_.regions);
    case ArgumentKind::kAddress:
      each(&Roles::region, scope_.regions);
      if (arguments[next].fallback != program::kRequired) AddEntriesFrom(code, next + 1, roles);
      return;
    case ArgumentKind::kIommufd:
      return next == 0 ? ForEachIommufd(on) : AddEntriesFrom(code, next + 1, roles);
    case ArgumentKind::kBuffer:
    case ArgumentKind::kIndex:
    case ArgumentKind::kOffset:
    case ArgumentKind::kLength:
    case ArgumentKind::kSize:
    case ArgumentKind::kToken:
    case ArgumentKind::kProt:
    case ArgumentKind::kSeals:
    case ArgumentKind::kName:
      return AddEntriesFrom(code, next + 1, roles);
  }
}

std::size_t WorldAlphabet::Find(OpCode code, const Roles& roles) const {
  const auto found = std::find_if(entries_.begin(), entries_.end(), [&](const Entry& entry) {
    return entry.operation.code == code && entry.roles == roles;
  });
  IOMMUFD_CHECK(found != entries_.end(), "renamings stay within the scope");
  return static_cast<std::size_t>(found - entries_.begin());
}

WorldAlphabet::Spelled WorldAlphabet::Preamble(const Renaming& renaming) const {
  Spelled spelled;
  spelled.program.boot.memfds = static_cast<std::uint32_t>(scope_.memfds);
  spelled.program.boot.memfd_pages = static_cast<std::uint32_t>(scope_.regions);
  spelled.program.boot.buffers = 1;
  spelled.program.boot.buffer_pages = static_cast<std::uint32_t>(scope_.regions);
  spelled.program.boot.devices = static_cast<std::uint32_t>(scope_.devices);
  spelled.program.boot.iommufds = static_cast<std::uint32_t>(scope_.iommufds);
  const auto add = [&](OpCode code, const Roles& roles) {
    Append(EntryOf(scope_, code, renaming(roles)), &spelled);
  };
  ForEachIommufd([&](std::int8_t f) { add(OpCode::kIoasAlloc, {.iommufd = f}); });
  for (int d = 0; d < scope_.devices; ++d) add(OpCode::kDeviceBind, {.device = Small(d)});
  for (int h = 0; h < scope_.hwpts; ++h) add(OpCode::kHwptAlloc, {.hwpt = Small(h)});
  for (int m = 0; m < scope_.memfds && !InScope(OpCode::kMemfdSeal); ++m) {
    // In one order always: sealing leaves no trace of it.
    Append(EntryOf(scope_, OpCode::kMemfdSeal, {.memfd = Small(m)}), &spelled);
  }
  for (int s = 0; s < scope_.sessions; ++s) add(OpCode::kLuoCreateSession, {.session = Small(s)});
  return spelled;
}

std::uint16_t WorldAlphabet::Renamed(std::uint16_t live, const Renaming& renaming) const {
  unsigned renamed = 0;
  for (int i = 0; i < kMaxWorldIommufds; ++i) renamed |= live & (1u << IoasName(i));
  const auto move = [&](int from, int to) { renamed |= (live >> from & 1u) << to; };
  for (int i = 0; i < kMaxOfEach; ++i) {
    move(DeviceName(i), DeviceName(renaming.device[static_cast<std::size_t>(i)]));
    move(HwptName(i), HwptName(renaming.hwpt[static_cast<std::size_t>(i)]));
  }
  for (int i = 0; i < kMaxSessions; ++i) {
    move(SessionName(i), SessionName(renaming.session[static_cast<std::size_t>(i)]));
  }
  return static_cast<std::uint16_t>(renamed);
}

program::Operation WorldAlphabet::Bound(const Entry& entry, const Spelled& spelled) {
  program::Operation operation = entry.operation;
  for (Argument& argument : operation.arguments) {
    if (argument.variable.has_value()) argument.variable = spelled.bound[*argument.variable];
  }
  return operation;
}

void WorldAlphabet::Append(const Entry& entry, Spelled* spelled) {
  const program::Operation operation = Bound(entry, *spelled);
  if (entry.creates >= 0) {
    spelled->bound[static_cast<std::size_t>(entry.creates)] =
        static_cast<std::uint16_t>(spelled->program.operations.size());
  }
  spelled->program.operations.push_back(operation);
}

}  // namespace iommufd_check::explore
