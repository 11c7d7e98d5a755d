// The errno values that modelled kernel calls return, and their names.
//
// Modelled calls return 0 or a negative errno, as the kernel's do ("-EBUSY"). The numbers are those
// of the Linux ABI and stated here, so that no result depends on the host's <errno.h>.
#pragma once

#include <optional>
#include <string_view>

namespace iommufd_check::sim {

enum Errno : int {
  kEPERM = 1,
  kENOENT = 2,
  kE2BIG = 7,
  kEBADF = 9,
  kENOMEM = 12,
  kEFAULT = 14,
  kEBUSY = 16,
  kEEXIST = 17,
  kENODEV = 19,
  kEINVAL = 22,
  kEMFILE = 24,
  kEFBIG = 27,
  kENOSPC = 28,
  kEDEADLOCK = 35,
  kENOTTY = 25,
  kERANGE = 34,
  kEOVERFLOW = 75,
  kEBADFD = 77,
  kEOPNOTSUPP = 95,
  kEADDRINUSE = 98,
};

// "EBUSY" for 16 and for -16; "0" for 0; "E?" for a number not in the table.
std::string_view ErrnoName(int value);

// The positive errno of a name ("EBUSY" -> 16, "0" -> 0), or nothing.
std::optional<int> ErrnoFromName(std::string_view name);

}  // namespace iommufd_check::sim
