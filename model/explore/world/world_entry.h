// One operation of a search of the World, in terms of a scope instead of numbers.
//
// A scope says how much there is of everything. Roles say what an operation is about ("hwpt 1,
// token 0"); with its code they determine it. Objects have names, numbers below kWorldNames: the
// one IOAS of each iommufd, each device, each HWPT and each session of the scope. Device d belongs
// to iommufd d modulo their number, HWPT h to device h modulo theirs. Sets of names are masks.
//
// Threads: pure functions.
//
//   WorldEntry entry = EntryOf(scope, OpCode::kLuMark, {.hwpt = 1, .token = 0});
//   Describe(entry);   // "lu_mark hwpt 1 token 0"
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "model/program/program.h"

namespace iommufd_check::explore {

inline constexpr int kMaxOfEach = 3;  // Devices, HWPTs, memfds, regions, tokens.
inline constexpr int kMaxSessions = 2;
inline constexpr int kMaxWorldIommufds = 2;
inline constexpr int kOtherNames = 1 + 2 * kMaxOfEach + kMaxSessions;
inline constexpr std::size_t kWorldNames = kOtherNames + kMaxWorldIommufds - 1;

constexpr int IoasName(int iommufd) { return iommufd == 0 ? 0 : kOtherNames + iommufd - 1; }
constexpr int DeviceName(int device) { return 1 + device; }
constexpr int HwptName(int hwpt) { return 1 + kMaxOfEach + hwpt; }
constexpr int SessionName(int session) { return 1 + 2 * kMaxOfEach + session; }

struct WorldScope {
  std::vector<program::OpCode> operations;
  int devices = 1;
  int hwpts = 1;
  int memfds = 1;
  int regions = 1;  // Ranges of one page that may be mapped, each in a page table of its own.
  int tokens = 1;   // That HWPTs may be marked with.
  int sessions = 1;
  int iommufds = 1;

  int IommufdOfDevice(int device) const { return device % iommufds; }
  int IommufdOfHwpt(int hwpt) const { return IommufdOfDevice(hwpt % devices); }
};

// What an operation is about; -1: nothing of the kind.
struct WorldRoles {
  std::int8_t device = -1;
  std::int8_t hwpt = -1;
  std::int8_t memfd = -1;
  std::int8_t region = -1;
  std::int8_t target = -1;  // a second region, where the first is only read
  std::int8_t token = -1;
  std::int8_t session = -1;
  std::int8_t iommufd = -1;  // also -1 where there is one
  friend bool operator==(const WorldRoles&, const WorldRoles&) = default;
};

struct WorldEntry {
  program::Operation operation;  // Its variables are names.
  WorldRoles roles;
  std::uint16_t needs = 0;
  std::int8_t creates = -1;
  std::int8_t ends = -1;
};

// REQUIRES: roles within the scope, those that the operation has and no others.
WorldEntry EntryOf(const WorldScope& scope, program::OpCode code, const WorldRoles& roles);

std::string Describe(const WorldEntry& entry);

// Whether an operation may come next, and the names live after it if it succeeds.
bool Enabled(const WorldEntry& entry, std::uint16_t live);
std::uint16_t LiveAfter(const WorldEntry& entry, std::uint16_t live);

}  // namespace iommufd_check::explore
