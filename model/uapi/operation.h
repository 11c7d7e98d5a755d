// The operations of a program: name, result, arguments and traits of each (operations.def).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "model/uapi/object_id.h"

namespace iommufd_check::uapi {

enum class OpCode : uint8_t {
#define A(...)
#define OPERATION(id, ...) k##id,
#include "model/uapi/operations.def"
  kCount
};

// First the objects of one kind, by id or by descriptor, then whatever has an id.
enum class ArgumentKind : uint8_t {
#define OBJECT(kind, ...) kind,
#define DESCRIPTOR(kind, ...) kind,
#include "model/sim/objects.def"
  kObject,
  kMemfd,
  kBuffer,
  kIndex,
  kFile,
  kOffset,
  kLength,
  kSize,
  kIova,
  kAddress,
  kToken,
  kMarkToken,
  kProt,
  kSeals,
  kName,
  kIommufd,
};

// What an operation creates.
enum class ResultKind : uint8_t {
  kNone,
#define OBJECT(kind, ...) kind,
#define DESCRIPTOR(kind, ...) kind,
#include "model/sim/objects.def"
  kCount
};

// The descriptor that an operation is made on, which the kernel looks up and holds for the length
// of the call. kNothing: close(2), which takes the number itself.
enum class Through : uint8_t { kNothing, kIommufd, kDevice, kSession, kMemfd, kLuo };

// What referee, explorers and reports must know of an operation.
enum Trait : uint8_t {
  kIoctl = 1,        // copies a struct of arguments from the caller (uapi.md section 3)
  kReplies = 2,      // copies a reply to the caller
  kKeepsEffect = 4,  // its effect stays when that copy fails (uapi.md oddity 4, luo_kho.md L4)
  kAddsAreas = 8,    // areas of the first IOAS that it names
  kTakesAway = 16,   // something, or forbids something, that others go on counting on
  kEnds = 32,        // success ends the first object that it names
};

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
constexpr bool IsFileIommufd(uint64_t value) { return value > kFileIommufd - kMaxIommufds; }

inline constexpr int kMaxArguments = 7;

struct OperationSpec {
  std::string_view name;
  ResultKind result;
  Through through;
  uint8_t traits;  // bits of Trait
  int weight;      // how often generators draw it, beside the others
  int faults;      // in how many of 24 draws one of its calls is to fail
  std::span<const ArgumentSpec> arguments;

  bool Has(Trait trait) const { return (traits & trait) != 0; }
};

const OperationSpec& SpecOf(OpCode code);
// All of them, in the order of operations.def.
std::span<const OpCode> AllOperations();
std::optional<OpCode> OpCodeFromName(std::string_view name);
std::string_view Name(ResultKind kind);  // "ioas", "hwpt", "device", "session"; "" for kNone
// With what the names of its variables begin: "dev", "s".
std::string_view StemOf(ResultKind kind);

// How a value is written, checked and passed on, whatever it means.
enum class Form : uint8_t {
  kObject,  // a variable or a raw id
  kMemfd,   // an index of what the boot line has so many of, as the next three
  kBuffer,
  kIndex,
  kIommufd,
  kFile,
  kNumber,  // any of 64 bits
  kProt,
  kSeals,
  kName,
};
constexpr Form FormOf(ArgumentKind kind) {
  switch (kind) {
#define OBJECT(object, ...) case ArgumentKind::object:
#define DESCRIPTOR(object, ...) case ArgumentKind::object:
#include "model/sim/objects.def"
    case ArgumentKind::kObject:
      return Form::kObject;
    case ArgumentKind::kMemfd:
      return Form::kMemfd;
    case ArgumentKind::kBuffer:
      return Form::kBuffer;
    case ArgumentKind::kIndex:
      return Form::kIndex;
    case ArgumentKind::kFile:
      return Form::kFile;
    case ArgumentKind::kOffset:
    case ArgumentKind::kLength:
    case ArgumentKind::kSize:
    case ArgumentKind::kIova:
    case ArgumentKind::kAddress:
    case ArgumentKind::kToken:
    case ArgumentKind::kMarkToken:
      return Form::kNumber;
    case ArgumentKind::kProt:
      return Form::kProt;
    case ArgumentKind::kSeals:
      return Form::kSeals;
    case ArgumentKind::kName:
      return Form::kName;
    case ArgumentKind::kIommufd:
      return Form::kIommufd;
  }
  return Form::kName;  // no other value is a kind
}

// True when a variable of kind `result` may stand for an argument of kind `argument`.
bool Accepts(ArgumentKind argument, ResultKind result);
// True when the argument names an object (a variable or a raw id).
constexpr bool IsObject(ArgumentKind kind) { return FormOf(kind) == Form::kObject; }
// True when it names an object by its id on an iommufd.
constexpr bool IsId(ArgumentKind kind) {
#define DESCRIPTOR(descriptor, ...) \
  if (kind == ArgumentKind::descriptor) return false;
#include "model/sim/objects.def"
  return IsObject(kind);
}
// True when it is any number of 64 bits, `auto` apart.
constexpr bool IsNumber(ArgumentKind kind) { return FormOf(kind) == Form::kNumber; }
// True when it also takes `auto`.
constexpr bool TakesAuto(ArgumentKind kind) { return kind == ArgumentKind::kIova; }
// True when it counts bytes (an address, offset or length), false for a token.
constexpr bool CountsBytes(ArgumentKind kind) {
  return IsNumber(kind) && kind != ArgumentKind::kToken && kind != ArgumentKind::kMarkToken;
}

}  // namespace iommufd_check::uapi
