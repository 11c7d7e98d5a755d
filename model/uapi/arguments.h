// The arguments of one system call of each operation, as the kernel gets them: `MapArguments` and
// so on, with a member for each argument of the row in operations.def, in its order.
#pragma once

#include <cstdint>
#include <string_view>

#include "model/uapi/operation.h"

namespace iommufd_check::uapi {

// The descriptor of a session: which one, and which session it was opened for. The numbers of those
// that are closed are used again.
struct SessionArgument {
  uint16_t number = UINT16_MAX;  // UINT16_MAX: none
  uint16_t generation = 0;
};
struct FileArgument {
  bool is_iommufd = false;
  uint16_t index = UINT16_MAX;  // UINT16_MAX: no such file
};
struct IovaArgument {
  bool fixed = true;  // false: the kernel chooses
  uint64_t value = 0;
};

// kOffset, kLength, kSize, kAddress: bytes. kProt: 1 read, 2 write. Indexes may be of what boot has
// not.
template <ArgumentKind kind>
struct ArgumentType {
  using type = uint64_t;
};
template <ArgumentKind kind>
  requires(IsId(kind))
struct ArgumentType<kind> {
  using type = uint32_t;  // the id, which is of the iommufd of the call
};
template <ArgumentKind kind>
  requires(kind >= ArgumentKind::kMemfd && kind <= ArgumentKind::kIndex)
struct ArgumentType<kind> {
  using type = uint16_t;
};
template <>
struct ArgumentType<ArgumentKind::kIommufd> {
  using type = uint16_t;  // index
};
template <>
struct ArgumentType<ArgumentKind::kSession> {
  using type = SessionArgument;
};
template <>
struct ArgumentType<ArgumentKind::kFile> {
  using type = FileArgument;
};
template <>
struct ArgumentType<ArgumentKind::kIova> {
  using type = IovaArgument;
};
template <>
struct ArgumentType<ArgumentKind::kSeals> {
  using type = uint32_t;
};
template <>
struct ArgumentType<ArgumentKind::kName> {
  using type = std::string_view;  // of the program
};

#define A(kind, name, fallback) ArgumentType<ArgumentKind::kind>::type name{};
#define OPERATION(id, name, result, through, traits, weight, faults, arguments, errnos) \
  struct id##Arguments {                                                                \
    arguments                                                                           \
  };
#include "model/uapi/operations.def"

}  // namespace iommufd_check::uapi
