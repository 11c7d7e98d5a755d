// A program: boot configuration, operations of each task, faults, and where the schedule switches.
//
// Together with a design it determines an execution completely (design.md section 2). It is a plain
// value; text (text_codec.h) and bytes (byte_codec.h) are two spellings of it.
//
// Phases: operations of task kMain run first and alone, then tasks 1..kMaxTask run together, then
// those of kFinally run alone, then the process exits (every descriptor still open is closed).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/sim/runtime.h"
#include "model/sim/switch_schedule.h"
#include "model/uapi/object_id.h"
#include "model/uapi/operation.h"

namespace iommufd_check::program {

using uapi::Accepts;
using uapi::ArgumentKind;
using uapi::ArgumentSpec;
using uapi::CountsBytes;
using uapi::FileIommufd;
using uapi::Form;
using uapi::FormOf;
using uapi::IsFileIommufd;
using uapi::IsId;
using uapi::IsNumber;
using uapi::IsObject;
using uapi::kFileIommufd;
using uapi::kIommufdOfObject;
using uapi::kMaxArguments;
using uapi::kRequired;
using uapi::kUnmapAll;
using uapi::OpCode;
using uapi::OpCodeFromName;
using uapi::OperationSpec;
using uapi::ResultKind;
using uapi::SpecOf;
using uapi::TakesAuto;
using uapi::WrittenIommufd;

inline constexpr uint8_t kMain = 0;
inline constexpr uint8_t kMaxTask = sim::kMaxTasks - 1;  // tasks are 1..kMaxTask, shown A..G
inline constexpr uint8_t kFinally = 255;

// Limits of one program; text and bytes beyond them are refused (text) or cut off (bytes).
inline constexpr size_t kMaxOperations = 4096;
inline constexpr size_t kMaxFaults = 256;
inline constexpr size_t kMaxSwitches = 256;
inline constexpr size_t kMaxExpected = 32;   // "expect" lines
inline constexpr size_t kMaxAlso = 32;       // words after "also"
inline constexpr size_t kMaxNameBytes = 64;  // of a kName argument; printable ASCII
inline constexpr size_t kMaxWordBytes =
    40;  // of a design or invariant: letter, then [-A-Za-z0-9_.]
inline constexpr size_t kMaxTitleBytes = 8192;        // printable ASCII and '\n'
inline constexpr uint64_t kMaxObjectId = UINT32_MAX;  // of a raw id; the kernel's ids are __u32
inline constexpr uint64_t kMaxProt = 3;               // r = 1, w = 2
inline constexpr uint64_t kMaxSeals = 0x3f;

struct Boot {
  static constexpr uint32_t kMaxIommufds = uapi::kMaxIommufds;
  static constexpr uint32_t kMaxMemfds = 8, kMaxBuffers = 8, kMaxDevices = 8;
  static constexpr uint32_t kMaxPages = 4096;  // of one memfd or buffer

  uint32_t memfds = 1;
  uint32_t memfd_pages = 4;  // size of each memfd
  uint32_t buffers = 1;
  uint32_t buffer_pages = 4;  // size of each anonymous buffer
  uint32_t devices = 1;
  uint32_t iommufds = 1;  // open files of /dev/iommu
  friend bool operator==(const Boot&, const Boot&) = default;
};

struct Argument {
  // When set, the object that this earlier operation creates (index in Program::operations; the
  // object id is 0, which names nothing, while that operation has not succeeded). Else `value`.
  std::optional<uint16_t> variable;
  uint64_t value = 0;
  bool automatic = false;  // iova=auto: the kernel chooses (no FIXED_IOVA flag); then `value` is 0
  friend bool operator==(const Argument&, const Argument&) = default;
};

struct Operation {
  OpCode code = OpCode::kIoasAlloc;
  uint8_t task = kMain;
  std::array<Argument, kMaxArguments> arguments{};  // the first SpecOf(code).arguments.size() count
  std::string name;                                 // the kName argument
  std::optional<int> expected_errno;                // positive errno or 0: `-> EBUSY`, `-> 0`
  friend bool operator==(const Operation&, const Operation&) = default;
};

// "expect violation I05 luo_preserve": the invariant's id, and the operation that breaks it if it
// was written. The first one is the subject that reports and the minimiser are about.
struct ExpectedViolation {
  std::string invariant;
  std::optional<OpCode> operation;
  friend bool operator==(const ExpectedViolation&, const ExpectedViolation&) = default;
};

struct Program {
  std::string design;  // empty: the caller's choice
  Boot boot;
  // Sorted by task with kMain first and kFinally last; within a task in program order.
  std::vector<Operation> operations;
  std::vector<sim::PlannedFault> faults;
  std::vector<sim::Switch> switches;
  std::vector<ExpectedViolation> expected;  // "expect violation ..."
  std::vector<std::string> also;            // "also I19 I20": companions that must occur too
  std::string title;                        // the leading comment lines, without "# "
  friend bool operator==(const Program&, const Program&) = default;
};

int TaskCount(const Program& program);  // concurrent tasks: highest task number in use
// Bit t is set when concurrent task t has an operation.
uint32_t TasksInUse(const Program& program);

// The name under which operation `index` is shown: "main.3", "B.1", "finally.2".
std::string OperationLabel(const Program& program, size_t index);
std::string TaskName(uint8_t task);  // "main", "A".."G", "finally"
std::optional<uint8_t> TaskFromName(std::string_view name);

// When a task runs: 0 main, 1 the concurrent tasks, 2 finally.
int PhaseOf(uint8_t task);

// An act that a switch can be anchored to on that side.
bool IsAnchor(sim::Side side, const sim::Act& act);

// The iommufd that operation `index` is made on: the written one, else that on which the first
// object that it names by a variable was created, else the first. A luo_preserve has none.
uint32_t IommufdOf(const Program& program, size_t index);

// Printable ASCII of at most kMaxNameBytes; a word as kMaxWordBytes says.
bool IsPrintable(char c);
bool IsName(std::string_view text);
bool IsWord(std::string_view text);

// Brings operations into the order that Program promises, and renumbers what names them.
void SortOperations(Program* program);

// An order of all operations in which each task keeps its own and no variable is used before it is
// defined: the order in which both codecs write them. It stays in one task while it can, so that a
// program whose variables all point backwards keeps its order. Shorter than the program when
// variables form a cycle (which FirstProblem reports).
std::vector<uint16_t> DefinitionOrder(const Program& program);

// Removes operation `index`; operations that use its result get the raw id 0, its faults and the
// switches that are anchored in it go, and so do those to a task that it leaves without operations.
Program WithoutOperation(const Program& program, size_t index);

// Without switches that are anchored in an operation of no concurrent task, or lead to a task that
// has none.
Program WithoutLooseSwitches(Program program);

// The same for all operations with keep[index] false. REQUIRES: one entry per operation.
Program KeepOperations(const Program& program, const std::vector<bool>& keep);

// The first broken promise of `program`, or empty. A program without problems has
//   - boot sizes within their limits, and indexes of memfds, buffers and devices below them;
//   - operations sorted by task, and unused parts of each at their default;
//   - variables of a kind that the argument accepts, defined earlier in the same task or in another
//     task that can run before, without cycles;
//   - arguments that the design carries (widths.h), when it names one that exists;
//   - faults of existing operations with nth >= 1;
//   - switches anchored in an operation of a concurrent task, before or after an act that can stand
//     there, to another concurrent task that has operations;
//   - texts within the limits above, and errnos that have a name.
// Both codecs are lossless on exactly these.
std::string FirstProblem(const Program& program);

}  // namespace iommufd_check::program
