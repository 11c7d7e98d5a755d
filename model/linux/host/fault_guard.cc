#include "model/linux/host/fault_guard.h"

#include <csignal>
#include <memory>

#include "model/sim/check.h"

namespace iommufd_check::linux_host {
namespace {

constexpr size_t kSignalStackBytes = 64 * 1024;
constexpr int kSignals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE};

thread_local const FaultGuard* innermost = nullptr;
thread_local Fault last_fault;

// Stacks of tasks are small and one of them may be what went wrong.
struct SignalStack {
  SignalStack() : memory(std::make_unique<char[]>(kSignalStackBytes)) {
    stack_t stack = {};
    stack.ss_sp = memory.get();
    stack.ss_size = kSignalStackBytes;
    IOMMUFD_CHECK(sigaltstack(&stack, &before) == 0, "a thread may have a signal stack");
  }
  ~SignalStack() { sigaltstack(&before, nullptr); }
  std::unique_ptr<char[]> memory;
  stack_t before = {};
};

}  // namespace

struct FaultHandler {
  static void Land() {
    innermost->landing_(innermost->context_, last_fault);
    CheckFailed(__FILE__, __LINE__, "unreachable", "nobody comes back from a fault");
  }

  // Continues in Land, as a function that was called where the fault happened.
  static void Handle(int signal, siginfo_t* info, void* raw) {
    auto& registers = static_cast<ucontext_t*>(raw)->uc_mcontext.gregs;
    const auto at = static_cast<uintptr_t>(registers[REG_RIP]);
    if (innermost == nullptr || at < innermost->begin_ || at >= innermost->end_) {
      struct sigaction by_default = {};
      by_default.sa_handler = SIG_DFL;
      sigaction(signal, &by_default, nullptr);
      return;  // and it happens again
    }
    last_fault = {.instruction = reinterpret_cast<const void*>(at),
                  .address = reinterpret_cast<uintptr_t>(info->si_addr),
                  .no_address = signal == SIGSEGV && info->si_code == SI_KERNEL};
    constexpr uintptr_t kRedZone = 128;
    const uintptr_t stack =
        (static_cast<uintptr_t>(registers[REG_RSP]) - kRedZone) & ~uintptr_t{15};
    registers[REG_RSP] = static_cast<greg_t>(stack - 8);
    registers[REG_RIP] = static_cast<greg_t>(reinterpret_cast<uintptr_t>(&Land));
    // The kernel's string instructions may have been going backwards.
    registers[REG_EFL] &= ~greg_t{0x400};
  }

  static bool Install() {
    struct sigaction action = {};
    action.sa_sigaction = &Handle;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
    for (const int signal : kSignals) sigaction(signal, &action, nullptr);
    return true;
  }
};

FaultGuard::FaultGuard(const void* text, size_t text_bytes, Landing landing, void* context)
    : outer_(innermost),
      begin_(reinterpret_cast<uintptr_t>(text)),
      end_(begin_ + text_bytes),
      landing_(landing),
      context_(context) {
  static const bool installed = FaultHandler::Install();
  thread_local const SignalStack stack;
  IOMMUFD_CHECK(installed && stack.memory != nullptr, "faults are caught");
  innermost = this;
}

FaultGuard::~FaultGuard() { innermost = outer_; }

}  // namespace iommufd_check::linux_host
