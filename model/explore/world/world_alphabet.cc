#include "model/explore/world/world_alphabet.h"

#include <algorithm>

#include "model/sim/check.h"

namespace iommufd_check::explore {
namespace {

using program::Argument;
using program::OpCode;
using Roles = WorldAlphabet::Roles;

std::int8_t Small(int number) { return static_cast<std::int8_t>(number); }

std::int8_t Place(const WorldAlphabet::Renaming::Places& places, std::int8_t at) {
  return at < 0 ? at : places[static_cast<std::size_t>(at)];
}

}  // namespace

Roles WorldAlphabet::Renaming::operator()(const Roles& roles) const {
  return {.device = Place(device, roles.device),
          .hwpt = Place(hwpt, roles.hwpt),
          .memfd = Place(memfd, roles.memfd),
          .region = roles.region,
          .token = Place(token, roles.token),
          .session = Place(session, roles.session),
          .iommufd = roles.iommufd};
}

std::vector<OpCode> WorldAlphabet::AllOperations() {
  std::vector<OpCode> all;
  for (int code = 0; code < static_cast<int>(OpCode::kCount); ++code) {
    all.push_back(static_cast<OpCode>(code));
  }
  return all;
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

// Calls one(-1) where there is one iommufd: nothing is said about it then.
template <class One>
void WorldAlphabet::ForEachIommufd(One one) const {
  for (int f = 0; f < scope_.iommufds; ++f) one(Small(scope_.iommufds == 1 ? -1 : f));
}

void WorldAlphabet::AddEntries(OpCode code) {
  const auto add = [&](const Roles& roles) { entries_.push_back(EntryOf(scope_, code, roles)); };
  switch (code) {
    case OpCode::kIoasAlloc:
    case OpCode::kCloseIommufd:
      return ForEachIommufd([&](std::int8_t f) { add({.iommufd = f}); });
    case OpCode::kDeviceBind:
    case OpCode::kDeviceUnbind:
    case OpCode::kDeviceDetach:
      for (int d = 0; d < scope_.devices; ++d) add({.device = Small(d)});
      return;
    case OpCode::kDeviceAttach:
      for (int d = 0; d < scope_.devices; ++d) {
        for (int h = 0; h < scope_.hwpts; ++h) add({.device = Small(d), .hwpt = Small(h)});
      }
      return;
    case OpCode::kHwptAlloc:
    case OpCode::kDestroy: {
      for (int h = 0; h < scope_.hwpts; ++h) add({.hwpt = Small(h)});
      // The IOAS only goes when it can come back.
      const bool again =
          std::count(scope_.operations.begin(), scope_.operations.end(), OpCode::kIoasAlloc) != 0;
      if (code != OpCode::kDestroy || !again) return;
      return ForEachIommufd([&](std::int8_t f) { add({.iommufd = f}); });
    }
    case OpCode::kLuMark:
      for (int h = 0; h < scope_.hwpts; ++h) {
        for (int t = 0; t < scope_.tokens; ++t) add({.hwpt = Small(h), .token = Small(t)});
      }
      return;
    default:
      return AddEntriesOfCall(code);
  }
}

void WorldAlphabet::AddEntriesOfCall(OpCode code) {
  const auto add = [&](const Roles& roles) { entries_.push_back(EntryOf(scope_, code, roles)); };
  switch (code) {
    case OpCode::kMap:
    case OpCode::kUnmap:
      return ForEachIommufd([&](std::int8_t f) {
        for (int r = 0; r < scope_.regions; ++r) add({.region = Small(r), .iommufd = f});
        if (code == OpCode::kUnmap) add({.iommufd = f});
      });
    case OpCode::kMapFile:
      return ForEachIommufd([&](std::int8_t f) {
        for (int m = 0; m < scope_.memfds; ++m) {
          for (int r = 0; r < scope_.regions; ++r) {
            add({.memfd = Small(m), .region = Small(r), .iommufd = f});
          }
        }
      });
    case OpCode::kMemfdSeal:
    case OpCode::kMemfdPunchHole:
    case OpCode::kMemfdTruncate:
      for (int m = 0; m < scope_.memfds; ++m) add({.memfd = Small(m)});
      return;
    case OpCode::kLuoCreateSession:
    case OpCode::kLuoCloseSession:
      for (int s = 0; s < scope_.sessions; ++s) add({.session = Small(s)});
      return;
    case OpCode::kLuoPreserve:
      for (int s = 0; s < scope_.sessions; ++s) {
        for (int m = 0; m < scope_.memfds; ++m) add({.memfd = Small(m), .session = Small(s)});
        ForEachIommufd([&](std::int8_t f) { add({.session = Small(s), .iommufd = f}); });
      }
      return;
    default:
      IOMMUFD_CHECK(false, "every operation has entries");
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
  const bool sealed_later =
      std::count(scope_.operations.begin(), scope_.operations.end(), OpCode::kMemfdSeal) != 0;
  for (int m = 0; m < scope_.memfds && !sealed_later; ++m) {
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
