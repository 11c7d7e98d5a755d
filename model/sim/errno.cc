#include "model/sim/errno.h"

#include <array>
#include <utility>

namespace iommufd_check::sim {
namespace {

constexpr std::array<std::pair<int, std::string_view>, 21> kNames{{
    {0, "0"},
    {kEPERM, "EPERM"},
    {kENOENT, "ENOENT"},
    {kE2BIG, "E2BIG"},
    {kEBADF, "EBADF"},
    {kENOMEM, "ENOMEM"},
    {kEFAULT, "EFAULT"},
    {kEBUSY, "EBUSY"},
    {kEEXIST, "EEXIST"},
    {kENODEV, "ENODEV"},
    {kEINVAL, "EINVAL"},
    {kEMFILE, "EMFILE"},
    {kENOTTY, "ENOTTY"},
    {kEFBIG, "EFBIG"},
    {kENOSPC, "ENOSPC"},
    {kERANGE, "ERANGE"},
    {kEDEADLOCK, "EDEADLOCK"},
    {kEOVERFLOW, "EOVERFLOW"},
    {kEBADFD, "EBADFD"},
    {kEOPNOTSUPP, "EOPNOTSUPP"},
    {kEADDRINUSE, "EADDRINUSE"},
}};

}  // namespace

std::string_view ErrnoName(int value) {
  const int positive = value < 0 ? -value : value;
  for (const auto& [number, name] : kNames) {
    if (number == positive) return name;
  }
  return "E?";
}

std::optional<int> ErrnoFromName(std::string_view name) {
  for (const auto& [number, known] : kNames) {
    if (known == name) return number;
  }
  return std::nullopt;
}

}  // namespace iommufd_check::sim
