// One number for an object of one of the process's iommufds.
//
// Ids are per iommufd: each counts from 1 (objects.md section 2). Events, snapshots and the oracle
// speak of objects of all of them, so there an object is named by its id and the index of its
// iommufd together. The numbers of iommufd 0 are its ids.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

namespace iommufd_check::uapi {

inline constexpr uint32_t kMaxIommufds = 4;
inline constexpr int kIdBits = 14;
inline constexpr uint32_t kNoSuchId = (1u << kIdBits) - 1;  // more than a program can create

// An id that no object can have becomes one that no object has.
constexpr uint32_t NumberOf(uint32_t iommufd, uint32_t id) {
  return iommufd << kIdBits | (id < kNoSuchId ? id : kNoSuchId);
}
constexpr uint32_t IommufdOf(uint32_t number) { return number >> kIdBits; }
constexpr uint32_t IdOf(uint32_t number) { return number & kNoSuchId; }

// "ioas3", or "iommufd1.ioas3", where there is little room; `kind`: "ioas".
inline std::string ShortText(std::string kind, uint32_t number) {
  std::string text = std::move(kind) + std::to_string(IdOf(number));
  if (IommufdOf(number) == 0) return text;
  return "iommufd" + std::to_string(IommufdOf(number)) + "." + text;
}

// "3", or "3 (iommufd 1)".
inline std::string NumberText(uint32_t number) {
  std::string text = std::to_string(IdOf(number));
  if (IommufdOf(number) != 0) text += " (iommufd " + std::to_string(IommufdOf(number)) + ")";
  return text;
}

}  // namespace iommufd_check::uapi
