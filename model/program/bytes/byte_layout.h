// Fields of the byte form, each with both directions: the table of byte_codec.h in code.
//
// EncodeX gives a spelling that DecodeX reads as the value; where not every value has one, it gives
// nothing.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "absl/container/inlined_vector.h"
#include "model/program/program.h"

namespace iommufd_check::program {

inline constexpr size_t kHeaderBytes = 12;
inline constexpr size_t kRecordBytes = 12;
inline constexpr size_t kArgumentsAt = 2;  // of an operation, and of a continuation
inline constexpr size_t kTextBytes = 9;    // of one text record
inline constexpr size_t kTextAt = 3;       // where they start

using HeaderBytes = std::array<uint8_t, kHeaderBytes>;
using RecordBytes = std::array<uint8_t, kRecordBytes>;

enum class RecordKind : uint8_t {
  kOperation,
  kFault,
  kSwitch,
  kLiteral,
  kErrno,
  kName,
  kExpected,
  kAlso,
  kDesign,
  kTitle,
  kContinuation,
  kNone,
};
RecordKind KindOf(uint8_t byte);
uint8_t FirstByte(RecordKind kind);  // the byte that the encoder writes

// Nothing where a byte has no meaning yet. An opcode, and a site, is its own spelling.
std::optional<OpCode> DecodeOpCode(uint8_t byte);
std::optional<sim::FaultSite> DecodeSite(uint8_t byte);

Boot DecodeBoot(const HeaderBytes& header);
HeaderBytes EncodeBoot(const Boot& boot);

std::optional<uint8_t> DecodeTask(uint8_t byte);
uint8_t EncodeTask(uint8_t task);

Argument DecodeNumber(const ArgumentSpec& spec, uint16_t bytes);
std::optional<uint16_t> EncodeNumber(const ArgumentSpec& spec, const Argument& argument);

// The value of an argument of one byte. REQUIRES: its memfds, buffers or devices exist.
uint64_t DecodeSmall(ArgumentKind kind, const Boot& boot, uint8_t byte);
uint8_t EncodeSmall(ArgumentKind kind, uint64_t value);

// The iommufd of an operation.
uint64_t DecodeIommufd(const Boot& boot, uint8_t byte);
uint8_t EncodeIommufd(uint64_t value);

inline constexpr uint16_t kRawIdForm = 0xf800;
uint64_t DecodeRawId(uint16_t bytes);
bool IsVariableForm(uint16_t bytes);

std::string_view DecodeName(uint8_t byte);
std::optional<uint8_t> EncodeName(std::string_view name);

std::optional<int> DecodeErrno(uint8_t byte);  // an errno is its own spelling

// What a switch record says of its place: side, act and nth. Nothing: no switch can be there.
std::optional<sim::Switch> DecodeAnchor(const uint8_t* record);
void EncodeAnchor(const sim::Switch& change, uint8_t* record);

char DecodePrintable(uint8_t byte, bool newline_too);
char DecodeWordByte(uint8_t byte, bool first);

// How many bytes of the record an argument takes, and whether a literal record can replace it.
inline size_t WidthOf(ArgumentKind kind) {
  return IsObject(kind) || IsNumber(kind) ? 2 : 1;
}
inline bool IsWide(ArgumentKind kind) { return WidthOf(kind) == 2; }

// Where the bytes of an argument stand: in the operation's own record (part 0) or in continuation
// part - 1.
struct ArgumentPlace {
  uint8_t part = 0;
  uint8_t at = kArgumentsAt;
};
ArgumentPlace NextPlace(const ArgumentPlace& free, ArgumentKind kind);  // of an argument of `kind`
size_t PartsOf(const OperationSpec& spec);                              // at least 1

// True when `boot` has the memfd, buffer or device that the operation cannot do without.
bool IsPossible(OpCode code, const Boot& boot);

inline uint16_t Load16(const uint8_t* at) { return static_cast<uint16_t>(at[0] | at[1] << 8); }
uint64_t Load64(const uint8_t* at, size_t bytes);
void Store(uint8_t* at, size_t bytes, uint64_t value);

// The variables that arguments can name, in the order in which records define them. A variable is
// the number of the operation, counted in records.
class Definitions {
 public:
  using List = absl::InlinedVector<uint16_t, 8>;

  void Add(uint16_t ordinal, ResultKind result, uint8_t task);
  const List& Visible(ArgumentKind kind, uint8_t task) const {
    return lists_[static_cast<size_t>(kind)][static_cast<size_t>(PhaseOf(task))];
  }

 private:
  static constexpr size_t kObjectKinds = static_cast<size_t>(ArgumentKind::kObject) + 1;
  std::array<std::array<List, 3>, kObjectKinds> lists_;  // by kind of argument and phase of user
};

}  // namespace iommufd_check::program
