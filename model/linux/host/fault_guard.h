// While one lives, an access of the guarded code that goes astray on this thread is a call instead
// of the end of the process.
//
// The call is made on the stack on which it happened, as if the faulting instruction had made it,
// and must not return. Faults of any other code end the process as ever.
#pragma once

#include <cstddef>
#include <cstdint>

namespace iommufd_check::linux_host {

struct Fault {
  const void* instruction = nullptr;
  uintptr_t address = 0;  // that was accessed
  // The processor did not say which address: it was none at all, as those read from freed objects.
  bool no_address = false;
};

class FaultGuard {
 public:
  using Landing = void (*)(void* context, const Fault& fault);

  FaultGuard(const void* text, size_t text_bytes, Landing landing, void* context);
  ~FaultGuard();
  FaultGuard(const FaultGuard&) = delete;
  FaultGuard& operator=(const FaultGuard&) = delete;

 private:
  friend struct FaultHandler;
  const FaultGuard* const outer_;
  const uintptr_t begin_;
  const uintptr_t end_;
  const Landing landing_;
  void* const context_;
};

}  // namespace iommufd_check::linux_host
