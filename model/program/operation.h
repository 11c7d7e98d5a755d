// The alphabet of programs: each operation's name, result and arguments (operations.def).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "model/uapi/object_id.h"

namespace iommufd_check::program {

enum class OpCode : uint8_t {
#define X(id, ...) id,
#include "model/program/operations.def"
#undef X
  kCount
};

enum class ArgumentKind : uint8_t {
  kIoas,
  kHwpt,
  kDevice,
  kSession,
  kObject,
  kMemfd,
  kBuffer,
  kIndex,
  kFile,
  kNumber,
  kProt,
  kSeals,
  kName,
  kIommufd,
};

// What an operation creates.
enum class ResultKind : uint8_t { kNone, kIoas, kHwpt, kDevice, kSession, kCount };

struct ArgumentSpec {
  std::string_view name;
  ArgumentKind kind;
  std::optional<uint64_t> fallback;  // the value when it is not written; kRequired: it must be
};

inline constexpr std::nullopt_t kRequired = std::nullopt;
// unmap(ioas) alone: "iova 0, length MAX" of IOAS_UNMAP.
inline constexpr uint64_t kUnmapAll = UINT64_MAX;
// Value of a kIommufd argument: 0 when it is not written (see IommufdOf of program.h), else this.
inline constexpr uint64_t kIommufdOfObject = 0;
constexpr uint64_t WrittenIommufd(uint64_t index) { return index + 1; }
// Value of a kFile argument: index of a memfd, or one of these for an iommufd.
inline constexpr uint64_t kFileIommufd = UINT64_MAX;
constexpr uint64_t FileIommufd(uint64_t index) { return kFileIommufd - index; }
constexpr bool IsFileIommufd(uint64_t value) { return value > kFileIommufd - uapi::kMaxIommufds; }

inline constexpr int kMaxArguments = 7;

struct OperationSpec {
  std::string_view name;
  ResultKind result;
  std::span<const ArgumentSpec> arguments;
};

const OperationSpec& SpecOf(OpCode code);
std::optional<OpCode> OpCodeFromName(std::string_view name);
std::string_view Name(ResultKind kind);  // "ioas", "hwpt", "device", "session"; "" for kNone

// True when a variable of kind `result` may stand for an argument of kind `argument`.
bool Accepts(ArgumentKind argument, ResultKind result);
// True when the argument names an object (a variable or a raw id).
bool IsObject(ArgumentKind argument);

}  // namespace iommufd_check::program
