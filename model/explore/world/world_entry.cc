#include "model/explore/world/world_entry.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace iommufd_check::explore {
namespace {

using program::ArgumentKind;
using program::OpCode;
using program::ResultKind;

constexpr std::uint64_t kPage = 4096;
constexpr std::uint64_t kFirstIova = 0x1000;
constexpr std::uint64_t kIovaStride = 0x200000;  // What one lowest table spans.
constexpr std::uint64_t kFirstMark = 7;
constexpr std::uint64_t kSealed = 7;  // seal|shrink|grow

std::int8_t Small(int number) { return static_cast<std::int8_t>(number); }

std::uint64_t IovaOf(int region) {
  return kFirstIova + static_cast<std::uint64_t>(region) * kIovaStride;
}

std::uint64_t Index(std::int8_t role) { return static_cast<std::uint64_t>(std::max<int>(role, 0)); }

// Fills in the arguments of one entry, by their kinds.
class Filling {
 public:
  Filling(const WorldScope& scope, const WorldRoles& roles, WorldEntry* entry)
      : scope_(scope),
        roles_(roles),
        entry_(*entry),
        spec_(program::SpecOf(entry->operation.code)),
        iommufd_(std::max<int>(roles.iommufd, 0)) {}

  void Fill();

 private:
  int NameOf(ArgumentKind kind) const;  // -1: it names no object
  int NameOfResult() const;             // likewise
  std::uint64_t ValueOf(const program::ArgumentSpec& argument) const;
  std::uint64_t Iommufd() const;
  bool Takes(ArgumentKind kind) const {
    return std::any_of(
        spec_.arguments.begin(), spec_.arguments.end(),
        [&](const program::ArgumentSpec& argument) { return argument.kind == kind; });
  }

  const WorldScope& scope_;
  const WorldRoles& roles_;
  WorldEntry& entry_;
  const program::OperationSpec& spec_;
  const int iommufd_;
};

void Filling::Fill() {
  for (std::size_t i = 0; i < spec_.arguments.size(); ++i) {
    const program::ArgumentSpec& argument = spec_.arguments[i];
    const int name = NameOf(argument.kind);
    if (name < 0) {
      entry_.operation.arguments[i].value = ValueOf(argument);
      continue;
    }
    entry_.operation.arguments[i].variable = static_cast<std::uint16_t>(name);
    entry_.needs |= static_cast<std::uint16_t>(1u << name);
    if (i == 0 && spec_.Has(uapi::kEnds)) entry_.ends = Small(name);
  }
  if (Takes(ArgumentKind::kName)) entry_.operation.name = absl::StrCat("vm", roles_.session);
  entry_.creates = Small(NameOfResult());
}

// What creates a HWPT takes the device and the IOAS that belong to it.
int Filling::NameOf(ArgumentKind kind) const {
  const bool hwpt = spec_.result == ResultKind::kHwpt;
  switch (kind) {
    case ArgumentKind::kIoas:
      return IoasName(hwpt ? scope_.IommufdOfHwpt(roles_.hwpt) : iommufd_);
    case ArgumentKind::kHwpt:
      return HwptName(roles_.hwpt);
    case ArgumentKind::kDevice:
      return DeviceName(hwpt ? roles_.hwpt % scope_.devices : roles_.device);
    case ArgumentKind::kObject:
      return roles_.hwpt < 0 ? IoasName(iommufd_) : HwptName(roles_.hwpt);
    case ArgumentKind::kSession:
      return SessionName(roles_.session);
    default:
      return -1;
  }
}

int Filling::NameOfResult() const {
  switch (spec_.result) {
    case ResultKind::kIoas:
      return IoasName(iommufd_);
    case ResultKind::kHwpt:
      return HwptName(roles_.hwpt);
    case ResultKind::kDevice:
      return DeviceName(roles_.device);
    case ResultKind::kSession:
      return SessionName(roles_.session);
    case ResultKind::kNone:
    case ResultKind::kCount:
      break;
  }
  return -1;
}

std::uint64_t Filling::ValueOf(const program::ArgumentSpec& argument) const {
  const bool required = !argument.fallback.has_value();
  const std::uint64_t fallback = argument.fallback.value_or(0);
  switch (argument.kind) {
    case ArgumentKind::kMemfd:
    case ArgumentKind::kBuffer:
      return Index(roles_.memfd);
    case ArgumentKind::kIndex:
      return Index(roles_.device);
    case ArgumentKind::kFile:
      return roles_.memfd < 0 ? program::FileIommufd(Index(roles_.iommufd)) : Index(roles_.memfd);
    case ArgumentKind::kOffset:
      return Index(roles_.region) * kPage;
    case ArgumentKind::kLength:
      return !required && roles_.region < 0 ? fallback : kPage;
    case ArgumentKind::kSize:
      return 0;
    case ArgumentKind::kIova:
      return IovaOf(roles_.target < 0 ? roles_.region : roles_.target);
    case ArgumentKind::kAddress:
      return roles_.region < 0 ? fallback : IovaOf(roles_.region);
    case ArgumentKind::kToken:  // each file has its own, so that tokens move with the files
      if (roles_.memfd >= 0) return Index(roles_.memfd) + 1;
      return static_cast<std::uint64_t>(scope_.memfds + 1 + iommufd_);
    case ArgumentKind::kMarkToken:
      return kFirstMark + Index(roles_.token);
    case ArgumentKind::kSeals:
      return kSealed;
    case ArgumentKind::kIommufd:
      return Iommufd();
    default:
      return fallback;
  }
}

// Where no object says it; the first is not written.
std::uint64_t Filling::Iommufd() const {
  const bool bind = spec_.result == ResultKind::kDevice;
  const int iommufd = bind ? scope_.IommufdOfDevice(roles_.device) : iommufd_;
  if (entry_.needs != 0 || iommufd == 0) return program::kIommufdOfObject;
  return program::WrittenIommufd(static_cast<std::uint64_t>(iommufd));
}

}  // namespace

WorldEntry EntryOf(const WorldScope& scope, OpCode code, const WorldRoles& roles) {
  WorldEntry entry{.operation = {.code = code}, .roles = roles};
  Filling(scope, roles, &entry).Fill();
  return entry;
}

std::string Describe(const WorldEntry& entry) {
  std::string text(program::SpecOf(entry.operation.code).name);
  const auto add = [&text](const char* kind, int number) {
    if (number >= 0) absl::StrAppend(&text, " ", kind, " ", number);
  };
  add("device", entry.roles.device);
  add("hwpt", entry.roles.hwpt);
  add("session", entry.roles.session);
  add("memfd", entry.roles.memfd);
  add("region", entry.roles.region);
  add("to region", entry.roles.target);
  add("token", entry.roles.token);
  for (const program::ArgumentSpec& argument : program::SpecOf(entry.operation.code).arguments) {
    if (argument.kind == ArgumentKind::kFile && entry.roles.memfd < 0) text += " iommufd";
    if (argument.kind == ArgumentKind::kAddress && entry.roles.region < 0) text += " all";
    if (argument.kind == ArgumentKind::kObject && entry.roles.hwpt < 0) text += " ioas";
  }
  if (entry.roles.iommufd >= 0) absl::StrAppend(&text, " of iommufd ", entry.roles.iommufd);
  return text;
}

bool Enabled(const WorldEntry& entry, std::uint16_t live) {
  const bool taken = entry.creates >= 0 && (live >> entry.creates & 1) != 0;
  return (live & entry.needs) == entry.needs && !taken;
}

std::uint16_t LiveAfter(const WorldEntry& entry, std::uint16_t live) {
  unsigned after = live;
  if (entry.creates >= 0) after |= 1u << entry.creates;
  if (entry.ends >= 0) after &= ~(1u << entry.ends);
  return static_cast<std::uint16_t>(after);
}

}  // namespace iommufd_check::explore
