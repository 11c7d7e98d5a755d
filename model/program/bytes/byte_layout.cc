#include "model/program/bytes/byte_layout.h"

#include <algorithm>
#include <bit>
#include <iterator>

#include "model/mm/types.h"
#include "model/program/bytes/byte_codec.h"
#include "model/sim/check.h"
#include "model/sim/errno.h"

namespace iommufd_check::program {
namespace {

struct KindRange {
  uint8_t last;
  RecordKind kind;
};
constexpr KindRange kKinds[] = {
    {175, RecordKind::kOperation}, {199, RecordKind::kFault},        {219, RecordKind::kSwitch},
    {231, RecordKind::kLiteral},   {239, RecordKind::kErrno},        {243, RecordKind::kName},
    {244, RecordKind::kExpected},  {245, RecordKind::kAlso},         {246, RecordKind::kDesign},
    {247, RecordKind::kTitle},     {251, RecordKind::kContinuation}, {255, RecordKind::kNone}};

// Of the vocabularies when version 2 began. They grow; these do not.
constexpr uint8_t kOperationsThen = 18;
constexpr uint8_t kSitesThen = 36;
constexpr OpCode kCreators[] = {OpCode::kIoasAlloc, OpCode::kDeviceBind, OpCode::kHwptAlloc,
                                OpCode::kLuoCreateSession};
constexpr uint8_t kSomeOperation = 64;
constexpr uint8_t kSomeCreator = 144;
constexpr uint8_t kSomeSite = 128;
static_assert(static_cast<int>(OpCode::kCount) <= kSomeOperation, "each opcode is its own byte");
static_assert(sim::Count<sim::FaultSite>() <= kSomeSite, "each site is its own byte");

constexpr uint8_t kExactCount = 240;
constexpr uint8_t kExactPages = 0xe0;
constexpr uint8_t kCounts[] = {1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 3, 3, 4};
constexpr uint8_t kPages[] = {4, 1, 2, 3, 4, 6, 8, 16};

constexpr uint8_t kTasks[] = {1, 1, 1, 2, 2, 2, 3, 4};
constexpr uint8_t kFirstConcurrent = 160;
constexpr uint8_t kSomeFinally = 224;
constexpr uint8_t kSecondKernel = 232;
constexpr uint8_t kExactTask = 240;
static_assert(kExactTask + kMaxTask <= UINT8_MAX, "each task is its own byte");

constexpr uint8_t kProts[] = {3, 3, 3, 1, 2, 0, 3, 1};
constexpr uint8_t kIommufdForm = 0x80;
constexpr uint8_t kWrittenIommufd = 0xc0;
static_assert(kWrittenIommufd + Boot::kMaxIommufds <= UINT8_MAX);
constexpr uint8_t kTwoIommufds = 0xc0;  // of the header's byte, of those that are not exact
constexpr uint8_t kUsualSealsForm = 0x80;

constexpr uint8_t kUsualNames = 8;
constexpr std::string_view kNames[] = {
    "vm",  "luo", "a",   "b",   "c",   "d",   "e",   "",    "n8",  "n9",  "n10", "n11", "n12",
    "n13", "n14", "n15", "n16", "n17", "n18", "n19", "n20", "n21", "n22", "n23", "n24", "n25",
    "n26", "n27", "n28", "n29", "n30", "n31", "n32", "n33", "n34", "n35", "n36", "n37", "n38",
    "n39", "n40", "n41", "n42", "n43", "n44", "n45", "n46", "n47", "n48", "n49", "n50", "n51",
    "n52", "n53", "n54", "n55", "n56", "n57", "n58", "n59", "n60", "n61", "n62", "n63"};
static_assert(std::size(kNames) == 64);

constexpr std::string_view kWordBytes =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-";

constexpr uint16_t kFirstRawForm = 0xf000;

uint32_t DecodeCount(uint8_t byte, uint32_t most) {
  if (byte < kExactCount) return kCounts[byte % std::size(kCounts)];
  const uint32_t exact = byte - kExactCount;
  return exact <= most ? exact : 1;
}

uint32_t DecodePages(const uint8_t* bytes) {
  if (bytes[1] < kExactPages) return kPages[bytes[0] % std::size(kPages)];
  const uint32_t exact = static_cast<uint32_t>(bytes[1] - kExactPages) << 8 | bytes[0];
  return exact % (Boot::kMaxPages + 1);
}

uint8_t EncodeCount(uint32_t count) { return static_cast<uint8_t>(kExactCount + count); }

void EncodePages(uint32_t pages, uint8_t* bytes) {
  bytes[0] = static_cast<uint8_t>(pages);
  bytes[1] = static_cast<uint8_t>(kExactPages + (pages >> 8));
}

uint64_t UnitOf(const ArgumentSpec& spec) { return CountsBytes(spec.kind) ? mm::kPageSize : 1; }

uint64_t NumberOf(const ArgumentSpec& spec, uint16_t bytes) {
  const uint64_t low = bytes & 0xff;
  const uint64_t unit = UnitOf(spec);
  switch (bytes >> 12) {
    case 0x8:
    case 0x9:
      return low * unit;
    case 0xa:
      return low * unit + 1;
    case 0xb:
      return low * unit - 1;
    case 0xc:
      return UINT64_MAX - low;
    case 0xd:
      return low;
    case 0xe:
      return uint64_t{1} << (low % 64);
    case 0xf:
      return uint64_t{0} - low * unit;
    case 0x4:
    case 0x5:
      return low % 4 * unit;
    default:
      return low % 8 * unit;
  }
}

}  // namespace

RecordKind KindOf(uint8_t byte) {
  const auto* const range = std::find_if(std::begin(kKinds), std::end(kKinds),
                                         [&](const KindRange& r) { return byte <= r.last; });
  IOMMUFD_CHECK(range != std::end(kKinds), "the ranges cover every byte");
  return range->kind;
}

uint8_t FirstByte(RecordKind kind) {
  uint8_t first = 0;
  for (const KindRange& range : kKinds) {
    if (range.kind == kind) return first;
    first = static_cast<uint8_t>(range.last + 1);
  }
  IOMMUFD_CHECK(false, "every kind has a range");
  return 0;
}

std::optional<OpCode> DecodeOpCode(uint8_t byte) {
  IOMMUFD_CHECK(KindOf(byte) == RecordKind::kOperation, "the record is an operation");
  if (byte >= kSomeCreator) return kCreators[byte % std::size(kCreators)];
  if (byte >= kSomeOperation) {
    return static_cast<OpCode>((byte - kSomeOperation) % kOperationsThen);
  }
  if (byte >= static_cast<uint8_t>(OpCode::kCount)) return std::nullopt;
  return static_cast<OpCode>(byte);
}

std::optional<sim::FaultSite> DecodeSite(uint8_t byte) {
  if (byte >= kSomeSite) return static_cast<sim::FaultSite>((byte - kSomeSite) % kSitesThen);
  if (byte >= sim::Count<sim::FaultSite>()) return std::nullopt;
  return static_cast<sim::FaultSite>(byte);
}

Boot DecodeBoot(const HeaderBytes& header) {
  Boot boot;
  boot.memfds = DecodeCount(header[1], Boot::kMaxMemfds);
  boot.memfd_pages = DecodePages(&header[2]);
  boot.buffers = DecodeCount(header[4], Boot::kMaxBuffers);
  boot.buffer_pages = DecodePages(&header[5]);
  boot.devices = DecodeCount(header[7], Boot::kMaxDevices);
  boot.iommufds = DecodeCount(header[8], Boot::kMaxIommufds);
  if (header[8] < kExactCount) boot.iommufds = header[8] < kTwoIommufds ? 1 : 2;
  return boot;
}

HeaderBytes EncodeBoot(const Boot& boot) {
  HeaderBytes header{};
  header[0] = kBytesVersion;
  header[1] = EncodeCount(boot.memfds);
  EncodePages(boot.memfd_pages, &header[2]);
  header[4] = EncodeCount(boot.buffers);
  EncodePages(boot.buffer_pages, &header[5]);
  header[7] = EncodeCount(boot.devices);
  header[8] = boot.iommufds == 1 ? 0 : EncodeCount(boot.iommufds);
  IOMMUFD_CHECK(DecodeBoot(header) == boot, "a boot line has an exact header");
  return header;
}

std::optional<uint8_t> DecodeTask(uint8_t byte) {
  if (byte < kFirstConcurrent) return kMain;
  if (byte < kSomeFinally) return kTasks[byte % std::size(kTasks)];
  if (byte < kSecondKernel || byte == UINT8_MAX) return kFinally;
  if (byte < kExactTask || byte - kExactTask >= kMaxTask) return std::nullopt;
  return static_cast<uint8_t>(byte - kExactTask + 1);
}

uint8_t EncodeTask(uint8_t task) {
  if (task == kMain) return 0;
  if (task == kFinally) return UINT8_MAX;
  IOMMUFD_CHECK(task <= kMaxTask, "tasks are main, A to G and finally");
  return static_cast<uint8_t>(kExactTask + task - 1);
}

Argument DecodeNumber(const ArgumentSpec& spec, uint16_t bytes) {
  const int form = bytes >> 12;
  if ((form == 0x6 || form == 0x7) && TakesAuto(spec.kind)) return {.automatic = true};
  return {.value = NumberOf(spec, bytes)};
}

std::optional<uint16_t> EncodeNumber(const ArgumentSpec& spec, const Argument& argument) {
  if (argument.automatic) return 0x6000;
  const uint64_t value = argument.value;
  const uint64_t unit = UnitOf(spec);
  // The low byte of a form that holds multiples of the unit, if it holds this one.
  const auto multiple = [&](uint64_t wanted, uint64_t most) {
    return wanted % unit == 0 && wanted / unit <= most ? std::optional(wanted / unit)
                                                       : std::nullopt;
  };
  const auto spelled = [&](uint32_t form, uint64_t low) {
    const auto bytes = static_cast<uint16_t>(form | low);
    IOMMUFD_CHECK(low <= UINT8_MAX, "the low byte of a number");
    IOMMUFD_CHECK(DecodeNumber(spec, bytes) == argument, "a number is read as it was written");
    return std::optional(bytes);
  };
  if (const auto low = multiple(value, 7)) return spelled(0x0000, *low);
  if (const auto low = multiple(value, UINT8_MAX)) return spelled(0x8000, *low);
  if (const auto low = multiple(value - 1, UINT8_MAX)) return spelled(0xa000, *low);
  if (const auto low = multiple(value + 1, UINT8_MAX)) return spelled(0xb000, *low);
  if (UINT64_MAX - value <= UINT8_MAX) return spelled(0xc000, UINT64_MAX - value);
  if (value <= UINT8_MAX) return spelled(0xd000, value);
  if (std::has_single_bit(value)) {
    return spelled(0xe000, static_cast<uint64_t>(std::countr_zero(value)));
  }
  if (const auto low = multiple(uint64_t{0} - value, UINT8_MAX)) return spelled(0xf000, *low);
  return std::nullopt;
}

uint64_t DecodeSmall(ArgumentKind kind, const Boot& boot, uint8_t byte) {
  switch (kind) {
    case ArgumentKind::kMemfd:
      IOMMUFD_CHECK(boot.memfds > 0, "a memfd to name");
      return byte % boot.memfds;
    case ArgumentKind::kBuffer:
      IOMMUFD_CHECK(boot.buffers > 0, "a buffer to name");
      return byte % boot.buffers;
    case ArgumentKind::kIndex:
      IOMMUFD_CHECK(boot.devices > 0, "a device to name");
      return byte % boot.devices;
    case ArgumentKind::kFile:
      if (byte >= kIommufdForm || boot.memfds == 0) {
        return FileIommufd(boot.iommufds == 0 ? 0 : byte % kIommufdForm % boot.iommufds);
      }
      return byte % boot.memfds;
    case ArgumentKind::kProt:
      return kProts[byte % std::size(kProts)];
    case ArgumentKind::kSeals:
      return byte < kUsualSealsForm ? byte & kMaxSeals : uint64_t{mm::kSealsOfPreserved};
    default:
      IOMMUFD_CHECK(false, "an argument of one byte");
      return 0;
  }
}

uint8_t EncodeSmall(ArgumentKind kind, uint64_t value) {
  if (kind == ArgumentKind::kFile && IsFileIommufd(value)) {
    return static_cast<uint8_t>(kIommufdForm + (kFileIommufd - value));
  }
  if (kind == ArgumentKind::kProt) {
    const auto* const prot = std::find(std::begin(kProts), std::end(kProts), value);
    IOMMUFD_CHECK(prot != std::end(kProts), "every protection has a byte");
    return static_cast<uint8_t>(prot - kProts);
  }
  IOMMUFD_CHECK(value < 0x80, "indexes and seals are small");
  return static_cast<uint8_t>(value);
}

uint64_t DecodeIommufd(const Boot& boot, uint8_t byte) {
  if (byte < kWrittenIommufd || boot.iommufds == 0) return kIommufdOfObject;
  return WrittenIommufd((byte - kWrittenIommufd) % boot.iommufds);
}

uint8_t EncodeIommufd(uint64_t value) {
  if (value == kIommufdOfObject) return 0;
  const uint64_t index = value - WrittenIommufd(0);
  IOMMUFD_CHECK(index < Boot::kMaxIommufds, "iommufds are few");
  return static_cast<uint8_t>(kWrittenIommufd + index);
}

bool IsVariableForm(uint16_t bytes) { return bytes < kFirstRawForm; }

uint64_t DecodeRawId(uint16_t bytes) {
  const uint64_t low = bytes & 0xff;
  return bytes >= kRawIdForm ? low : low % 8;
}

std::string_view DecodeName(uint8_t byte) {
  return kNames[byte < std::size(kNames) ? byte : byte % kUsualNames];
}

std::optional<uint8_t> EncodeName(std::string_view name) {
  const auto* const known = std::find(std::begin(kNames), std::end(kNames), name);
  if (known == std::end(kNames)) return std::nullopt;
  return static_cast<uint8_t>(known - kNames);
}

std::optional<int> DecodeErrno(uint8_t byte) {
  if (sim::ErrnoFromName(sim::ErrnoName(byte)) == byte) return byte;
  return std::nullopt;
}

ArgumentPlace NextPlace(const ArgumentPlace& free, ArgumentKind kind) {
  if (free.at + WidthOf(kind) <= kRecordBytes) return free;
  return {static_cast<uint8_t>(free.part + 1), kArgumentsAt};
}

size_t PartsOf(const OperationSpec& spec) {
  ArgumentPlace free;
  for (const ArgumentSpec& argument : spec.arguments) {
    free = NextPlace(free, argument.kind);
    free.at = static_cast<uint8_t>(free.at + WidthOf(argument.kind));
  }
  return free.part + size_t{1};
}

char DecodePrintable(uint8_t byte, bool newline_too) {
  constexpr int kFirst = 0x20, kCount = 95;
  if (byte == '\n' && newline_too) return '\n';
  if (byte >= kFirst && byte < kFirst + kCount) return static_cast<char>(byte);
  return static_cast<char>(kFirst + byte % kCount);
}

char DecodeWordByte(uint8_t byte, bool first) {
  constexpr size_t kLetters = 52;
  const std::string_view allowed = kWordBytes.substr(0, first ? kLetters : kWordBytes.size());
  const char c = static_cast<char>(byte);
  return allowed.find(c) != std::string_view::npos ? c : allowed[byte % allowed.size()];
}

bool IsPossible(OpCode code, const Boot& boot) {
  if (boot.memfds > 0 && boot.buffers > 0 && boot.devices > 0) return true;
  for (const ArgumentSpec& spec : SpecOf(code).arguments) {
    if (spec.kind == ArgumentKind::kMemfd && boot.memfds == 0) return false;
    if (spec.kind == ArgumentKind::kBuffer && boot.buffers == 0) return false;
    if (spec.kind == ArgumentKind::kIndex && boot.devices == 0) return false;
  }
  return true;
}

uint64_t Load64(const uint8_t* at, size_t bytes) {
  IOMMUFD_CHECK(bytes <= sizeof(uint64_t), "a value of at most 64 bits");
  uint64_t value = 0;
  for (size_t i = 0; i < bytes; ++i) value |= uint64_t{at[i]} << (8 * i);
  return value;
}

void Store(uint8_t* at, size_t bytes, uint64_t value) {
  IOMMUFD_CHECK(bytes <= sizeof(uint64_t), "a value of at most 64 bits");
  for (size_t i = 0; i < bytes; ++i) at[i] = static_cast<uint8_t>(value >> (8 * i));
}

void Definitions::Add(uint16_t ordinal, ResultKind result, uint8_t task) {
  if (result == ResultKind::kNone) return;
  for (size_t kind = 0; kind < kObjectKinds; ++kind) {
    if (!Accepts(static_cast<ArgumentKind>(kind), result)) continue;
    const auto phase = static_cast<size_t>(PhaseOf(task));
    for (size_t user = phase; user < lists_[kind].size(); ++user) {
      IOMMUFD_CHECK(lists_[kind][user].empty() || lists_[kind][user].back() < ordinal,
                    "definitions come in the order of records");
      lists_[kind][user].push_back(ordinal);
    }
  }
}

}  // namespace iommufd_check::program
