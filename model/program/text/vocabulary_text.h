// Names of values that only the text form of programs has: protections, seals, boot fields, and the
// words for kinds of objects.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "model/program/program.h"

namespace iommufd_check::program {

std::string_view ProtName(uint64_t prot);  // "none", "r", "w", "rw". REQUIRES: prot <= kMaxProt

std::string SealsText(uint64_t seals);  // "seal|grow", "none". REQUIRES: seals <= kMaxSeals
std::optional<uint64_t> SealFromName(std::string_view name);  // the one bit
std::span<const std::string_view> SealNames();                // by bit

std::string_view KindWord(ArgumentKind kind);      // "ioas"; "" for a kind of several or no objects
std::string_view VariableStem(ResultKind result);  // "ioas", "hwpt", "dev", "s"

// One field of the boot line.
struct BootField {
  std::string_view name;
  uint32_t Boot::* member;
  uint32_t most;
};
std::span<const BootField> BootFields();  // in the order in which they are printed

std::span<const std::string_view> OperationNames();  // by OpCode
std::span<const std::string_view> FaultSiteNames();  // by FaultSite
std::span<const std::string_view> ErrnoNames();      // those that ErrnoFromName knows, by number

}  // namespace iommufd_check::program
