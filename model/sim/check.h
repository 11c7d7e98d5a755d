// IOMMUFD_CHECK: asserts the model's own consistency.
//
// A failed check means that the *tool* is wrong, never that the modelled kernel is: findings about
// the kernel are violations (model/spec). It is compiled into every build, prints where it
// happened, and ends the process with SIGABRT so that fuzzers keep the input.
//
//   IOMMUFD_CHECK(slot.live, "a free slot has no object");
#pragma once

namespace iommufd_check {

[[noreturn]] void CheckFailed(const char* file, int line, const char* condition,
                              const char* message);

}  // namespace iommufd_check

#define IOMMUFD_CHECK(condition, message)                                    \
  do {                                                                       \
    if (!(condition)) [[unlikely]]                                           \
      ::iommufd_check::CheckFailed(__FILE__, __LINE__, #condition, message); \
  } while (false)
