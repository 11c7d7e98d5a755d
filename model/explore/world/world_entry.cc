#include "model/explore/world/world_entry.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace iommufd_check::explore {
namespace {

using program::OpCode;

constexpr std::uint64_t kPage = 4096;
constexpr std::uint64_t kFirstIova = 0x1000;
constexpr std::uint64_t kIovaStride = 0x200000;  // What one lowest table spans.
constexpr std::uint64_t kFirstMark = 7;
constexpr std::uint64_t kSealed = 7;  // seal|shrink|grow

std::int8_t Small(int number) { return static_cast<std::int8_t>(number); }

std::uint64_t IovaOf(int region) {
  return kFirstIova + static_cast<std::uint64_t>(region) * kIovaStride;
}

// Sets arguments and notes which names they need.
class Arguments {
 public:
  explicit Arguments(WorldEntry* entry) : entry_(*entry) {}

  Arguments& Name(int name) {
    entry_.operation.arguments[next_++] = {.variable = static_cast<std::uint16_t>(name)};
    entry_.needs |= static_cast<std::uint16_t>(1u << name);
    return *this;
  }
  // The iommufd of a call, after its other arguments; the first is not written.
  Arguments& On(int iommufd) {
    const auto index = static_cast<std::uint64_t>(iommufd);
    return Number(iommufd == 0 ? program::kIommufdOfObject : program::WrittenIommufd(index));
  }
  Arguments& Number(std::uint64_t value) {
    entry_.operation.arguments[next_++] = {.value = value};
    return *this;
  }

 private:
  WorldEntry& entry_;
  std::size_t next_ = 0;
};

}  // namespace

WorldEntry EntryOf(const WorldScope& scope, OpCode code, const WorldRoles& roles) {
  WorldEntry entry{.operation = {.code = code}, .roles = roles};
  const std::size_t count = program::SpecOf(code).arguments.size();
  for (std::size_t i = 0; i < count; ++i) {
    entry.operation.arguments[i].value = program::SpecOf(code).arguments[i].fallback.value_or(0);
  }
  Arguments arguments(&entry);
  const std::uint64_t memfd = static_cast<std::uint8_t>(std::max<int>(roles.memfd, 0));
  const std::uint64_t offset = static_cast<std::uint64_t>(std::max<int>(roles.region, 0)) * kPage;
  const int iommufd = std::max<int>(roles.iommufd, 0);
  switch (code) {
    case OpCode::kIoasAlloc:
      arguments.On(iommufd);
      entry.creates = Small(IoasName(iommufd));
      break;
    case OpCode::kDeviceBind:
      arguments.Number(static_cast<std::uint64_t>(roles.device));
      arguments.On(scope.IommufdOfDevice(roles.device));
      entry.creates = Small(DeviceName(roles.device));
      break;
    case OpCode::kDeviceUnbind:
      arguments.Name(DeviceName(roles.device));
      entry.ends = Small(DeviceName(roles.device));
      break;
    case OpCode::kDeviceAttach:
      arguments.Name(DeviceName(roles.device)).Name(HwptName(roles.hwpt));
      break;
    case OpCode::kDeviceDetach:
      arguments.Name(DeviceName(roles.device));
      break;
    case OpCode::kHwptAlloc:
      arguments.Name(DeviceName(roles.hwpt % scope.devices));
      arguments.Name(IoasName(scope.IommufdOfHwpt(roles.hwpt)));
      entry.creates = Small(HwptName(roles.hwpt));
      break;
    case OpCode::kMap:
    case OpCode::kMapFile:
      arguments.Name(IoasName(iommufd)).Number(memfd).Number(offset);
      arguments.Number(IovaOf(roles.region)).Number(kPage);
      break;
    case OpCode::kUnmap:
      arguments.Name(IoasName(iommufd));
      if (roles.region >= 0) arguments.Number(IovaOf(roles.region)).Number(kPage);
      break;
    case OpCode::kDestroy:
      entry.ends = Small(roles.hwpt < 0 ? IoasName(iommufd) : HwptName(roles.hwpt));
      arguments.Name(entry.ends);
      break;
    case OpCode::kMemfdSeal:
      arguments.Number(memfd).Number(kSealed);
      break;
    case OpCode::kMemfdPunchHole:
      arguments.Number(memfd).Number(0).Number(kPage);
      break;
    case OpCode::kMemfdTruncate:
      arguments.Number(memfd).Number(0);
      break;
    case OpCode::kLuoCreateSession:
      entry.operation.name = absl::StrCat("vm", roles.session);
      entry.creates = Small(SessionName(roles.session));
      break;
    case OpCode::kLuoPreserve:
      arguments.Name(SessionName(roles.session));
      // Each file has its token, so that tokens move with the files.
      if (roles.memfd < 0) {
        arguments.Number(program::FileIommufd(static_cast<std::uint64_t>(iommufd)));
        arguments.Number(static_cast<std::uint64_t>(scope.memfds + 1 + iommufd));
      } else {
        arguments.Number(memfd).Number(memfd + 1);
      }
      break;
    case OpCode::kLuoCloseSession:
      arguments.Name(SessionName(roles.session));
      entry.ends = Small(SessionName(roles.session));
      break;
    case OpCode::kLuMark:
      arguments.Name(HwptName(roles.hwpt));
      arguments.Number(kFirstMark + static_cast<std::uint64_t>(roles.token));
      break;
    case OpCode::kCloseIommufd:
      arguments.On(iommufd);
      break;
    case OpCode::kCount:
      break;
  }
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
  add("token", entry.roles.token);
  if (entry.operation.code == OpCode::kLuoPreserve && entry.roles.memfd < 0) text += " iommufd";
  if (entry.operation.code == OpCode::kUnmap && entry.roles.region < 0) text += " all";
  if (entry.operation.code == OpCode::kDestroy && entry.roles.hwpt < 0) text += " ioas";
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
