#include "model/sim/fiber.h"

#include <sys/mman.h>

#include <boost/context/detail/fcontext.hpp>

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

struct Fiber::Switch {
#ifdef IOMMUFD_CHECK_ASAN
  void* fake_stack = nullptr;
  void Start(const void* bottom, size_t size) {
    __sanitizer_start_switch_fiber(&fake_stack, bottom, size);
  }
  void Finish(const void** bottom, size_t* size) {
    __sanitizer_finish_switch_fiber(fake_stack, bottom, size);
  }
#else
  void Start(const void*, size_t) {}
  void Finish(const void**, size_t*) {}
#endif
};

struct FiberEntry {
  static void Run(transfer_t from) {
    Fiber* self = static_cast<Fiber*>(from.data);
    self->outside_ = from.fctx;
    Fiber::Switch first;
    first.Finish(&self->outside_stack_, &self->outside_size_);
    self->Loop();
  }
};

Fiber::Fiber() {
  stack_ = mmap(nullptr, kStackBytes, PROT_READ | PROT_WRITE,
                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  IOMMUFD_CHECK(stack_ != MAP_FAILED, "no memory for a fiber stack");
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
  Switch around;
  around.Start(stack_, kStackBytes);
  const transfer_t back = jump_fcontext(inside_, this);
  around.Finish(nullptr, nullptr);
  inside_ = back.fctx;
  return job_ != nullptr;
}

void Fiber::Suspend() {
  Switch around;
  around.Start(outside_stack_, outside_size_);
  const transfer_t back = jump_fcontext(outside_, nullptr);
  around.Finish(&outside_stack_, &outside_size_);
  outside_ = back.fctx;
}

void Fiber::Loop() {
  for (;;) {
    job_(argument_);
    job_ = nullptr;
    Suspend();
  }
}

}  // namespace iommufd_check::sim
