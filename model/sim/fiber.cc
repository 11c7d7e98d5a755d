#include "model/sim/fiber.h"

#include <sys/mman.h>

#include <boost/context/detail/fcontext.hpp>
#include <cstdint>

#include "model/sim/check.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define IOMMUFD_CHECK_ASAN 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define IOMMUFD_CHECK_ASAN 1
#endif

#ifdef IOMMUFD_CHECK_ASAN
#include <sanitizer/common_interface_defs.h>
#endif

namespace iommufd_check::sim {

using boost::context::detail::jump_fcontext;
using boost::context::detail::make_fcontext;
using boost::context::detail::transfer_t;

// Lives on the stack that is left, and is passed to the one that is entered. Null: outside.
struct Fiber::Jump {
  Fiber* from = nullptr;
  Fiber* to = nullptr;

  // Returns when somebody jumps back: the jump that did.
  const Jump& Go(void* context, const void* stack, size_t size) {
#ifdef IOMMUFD_CHECK_ASAN
    __sanitizer_start_switch_fiber(&fake_stack, stack, size);
#else
    static_cast<void>(stack);
    static_cast<void>(size);
#endif
    return Arrive(jump_fcontext(context, this), fake_stack);
  }

  // Where control enters a stack: keeps where the other one continues.
  static const Jump& Arrive(const transfer_t& arrival, void* fake_stack) {
    const Jump& jump = *static_cast<Jump*>(arrival.data);
    const void* left_stack = nullptr;
    size_t left_size = 0;
#ifdef IOMMUFD_CHECK_ASAN
    __sanitizer_finish_switch_fiber(fake_stack, &left_stack, &left_size);
#else
    static_cast<void>(fake_stack);
#endif
    if (jump.from != nullptr) {
      jump.from->inside_ = arrival.fctx;
    } else {
      jump.to->outside_ = arrival.fctx;
      jump.to->outside_stack_ = left_stack;
      jump.to->outside_size_ = left_size;
    }
    return jump;
  }

  void* fake_stack = nullptr;
};

struct FiberEntry {
  static void Run(transfer_t arrival) { Fiber::Jump::Arrive(arrival, nullptr).to->Loop(); }
};

// Maps a stack with room for its alignment, and gives back what stands over.
void* MapStack(size_t bytes) {
  void* mapped = mmap(nullptr, 2 * bytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  IOMMUFD_CHECK(mapped != MAP_FAILED, "no memory for a fiber stack");
  char* begin = static_cast<char*>(mapped);
  const size_t before = (bytes - reinterpret_cast<uintptr_t>(begin) % bytes) % bytes;
  if (before > 0) munmap(begin, before);
  munmap(begin + before + bytes, bytes - before);
  return begin + before;
}

Fiber::Fiber() {
  stack_ = MapStack(kStackBytes);
  inside_ = make_fcontext(static_cast<char*>(stack_) + kStackBytes, kStackBytes, &FiberEntry::Run);
}

Fiber::~Fiber() {
  IOMMUFD_CHECK(job_ == nullptr, "a fiber is destroyed while its job is unfinished");
  munmap(stack_, kStackBytes);
}

void Fiber::Start(Job job, void* argument) {
  IOMMUFD_CHECK(job_ == nullptr, "a fiber runs one job at a time");
  job_ = job;
  argument_ = argument;
}

bool Fiber::Resume() {
  IOMMUFD_CHECK(job_ != nullptr, "nothing to resume");
  Jump jump{.to = this};
  return jump.Go(inside_, stack_, kStackBytes).from->job_ != nullptr;
}

void Fiber::Suspend() {
  Jump jump{.from = this};
  jump.Go(outside_, outside_stack_, outside_size_);
}

void Fiber::HandOver(Fiber* next) {
  IOMMUFD_CHECK(next != this && next->job_ != nullptr, "nobody to hand over to");
  next->outside_ = outside_;
  next->outside_stack_ = outside_stack_;
  next->outside_size_ = outside_size_;
  Jump jump{.from = this, .to = next};
  jump.Go(next->inside_, next->stack_, kStackBytes);
}

void Fiber::Loop() {
  for (;;) {
    job_(argument_);
    job_ = nullptr;
    Suspend();
  }
}

}  // namespace iommufd_check::sim
