// A pooled stackful coroutine on Boost.Context, annotated for AddressSanitizer.
//
// One Fiber serves many jobs after another; its stack is mapped once. A job must run to its end:
// the runtime unwinds unfinished jobs with an exception instead of abandoning their stacks.
//
//   Fiber fiber;
//   fiber.Start(&Job, &argument);
//   while (fiber.Resume()) { ... }   // true: the job called Suspend(); false: the job returned
//
// Jobs may also hand over to each other, at half the cost of a way through the caller of Resume.
#pragma once

#include <cstddef>

namespace iommufd_check::sim {

class Fiber {
 public:
  using Job = void (*)(void* argument);
  // Stacks are aligned to their size: the kernel's code (model/linux) finds its task at the lower
  // end of the stack that it runs on.
  static constexpr size_t kStackBytes = 256 * 1024;

  Fiber();
  ~Fiber();
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;

  // REQUIRES: no unfinished job.
  void Start(Job job, void* argument);

  // Continues the job on the fiber's stack, until it or one that it handed over to comes back: the
  // result is about that one. REQUIRES: an unfinished job; called outside all fibers.
  bool Resume();

  // Returns to the caller of Resume. REQUIRES: called by the job.
  void Suspend();

  // Continues the job of `next` instead of this one. REQUIRES: called by the job; `next` is another
  // fiber with an unfinished job.
  void HandOver(Fiber* next);

  bool unfinished() const { return job_ != nullptr; }

 private:
  struct Jump;  // from one stack to another
  friend struct FiberEntry;
  void Loop();

  void* stack_ = nullptr;
  void* inside_ = nullptr;   // where the fiber continues
  void* outside_ = nullptr;  // where the caller of Resume continues
  Job job_ = nullptr;
  void* argument_ = nullptr;
  const void* outside_stack_ = nullptr;
  size_t outside_size_ = 0;
};

}  // namespace iommufd_check::sim
