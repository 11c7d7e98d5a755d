// The alphabet of programs: each operation's name, result and arguments (operations.def).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

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
};

// What an operation creates.
enum class ResultKind : uint8_t { kNone, kIoas, kHwpt, kDevice, kSession, kCount };

struct ArgumentSpec {
  std::string_view name;
  ArgumentKind kind;
  uint64_t fallback;  // the value when the argument is not written; kRequired: it must be
};

inline constexpr uint64_t kRequired = UINT64_MAX - 1;
// unmap(ioas) alone: "iova 0, length MAX" of IOAS_UNMAP.
inline constexpr uint64_t kUnmapAll = UINT64_MAX;
// iova=auto: the kernel chooses (no FIXED_IOVA flag).
inline constexpr uint64_t kAutoIova = UINT64_MAX - 2;
// Value of a kFile argument: memfd index, or this for the iommufd.
inline constexpr uint64_t kFileIommufd = UINT64_MAX;

inline constexpr int kMaxArguments = 6;

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
