// A booted machine for unit tests of the lower layers: a World, a Runtime and the calls on them.
//
// Calls run one after the other as task 0, or together as tasks 1.. under given switches. Splats of
// every run are kept, so that a test can say "and the kernel complained about nothing".
//
//   KernelFixture m;
//   uint32_t ioas = 0;
//   EXPECT_EQ(m.Call([&](Kernel& k) { return ioas_alloc(k, k.ctx, &ioas); }), 0);
//   EXPECT_THAT(m.splats(), IsEmpty());
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "model/liveupdate/design.h"
#include "model/program/execute/boot.h"
#include "model/sim/runtime.h"
#include "model/sim/step_schedule.h"

namespace iommufd_check::test_support {

using liveupdate::Kernel;
using SystemCall = std::function<int(Kernel&)>;

inline constexpr uint64_t kPage = mm::kPageSize;

struct FaultedRun {
  sim::FaultSite site = sim::FaultSite::kObjectAlloc;
  uint16_t nth = 1;
  int result = 0;
  const liveupdate::World* world = nullptr;  // after the call
  std::vector<sim::Splat> splats;

  std::string Where() const { return std::string(Name(site)) + " #" + std::to_string(nth); }
};

class KernelFixture {
 public:
  // Two memfds and two buffers of `pages` pages each, all populated, and two devices. Populated: so
  // that a failed call leaves the World exactly as it was.
  explicit KernelFixture(liveupdate::Design* design = nullptr, uint32_t pages = 4);
  KernelFixture(const KernelFixture& other);
  KernelFixture& operator=(const KernelFixture&) = delete;

  // Runs one call to its end; kRunEnded when it did not reach it (an oops, a deadlock).
  static constexpr int kRunEnded = 1;
  int Call(const SystemCall& call, std::span<const sim::PlannedFault> faults = {});

  // Runs the calls together; calls[i] is task i+1. Results of calls that did not end: kRunEnded.
  std::vector<int> Together(const std::vector<SystemCall>& calls,
                            std::span<const sim::StepSwitch> switches = {});

  // Runs `call` from the present World once for each (site, nth) that it comes past, with only that
  // fault, until the nth of the site is no longer reached. The World stays as it is.
  std::vector<FaultedRun> Sweep(const SystemCall& call,
                                const std::function<void(const FaultedRun&)>& check) const;

  mm::MemfdHandle memfd(uint16_t i) const { return {i, 0}; }

  // System calls that a test's set-up takes for granted: ids, or 0 when they failed.
  uint32_t IoasAlloc();
  uint32_t Bind(uint16_t endpoint = 0);
  uint32_t HwptAlloc(uint32_t device, uint32_t ioas);
  // At a fixed IOVA, readable and writable.
  int MapUser(uint32_t ioas, mm::Iova iova, uint64_t length,
              uint64_t source = mm::UserAddressOf(0));
  int MapFile(uint32_t ioas, mm::Iova iova, uint64_t length, uint16_t file = 0, uint64_t start = 0);
  int Unmap(uint32_t ioas, mm::Iova iova, uint64_t length);
  int Destroy(uint32_t id);
  // Unbinds every device and closes the iommufd: the process is gone.
  void TearDownProcess();

  const std::vector<sim::Event>& events() const { return runtime_.log().events(); }
  uint64_t digest() const { return runtime_.log().digest(); }
  uint32_t steps_of(sim::TaskId task) const { return steps_[task]; }
  const std::vector<sim::Splat>& splats() const { return splats_; }
  bool Saw(sim::Splat splat) const;
  void ForgetSplats() { splats_.clear(); }

  // IOVAs of the pages that the domain in this slot maps, as the hardware reads them.
  std::vector<mm::Iova> MappedIovas(uint16_t domain) const;

  liveupdate::World world;

 private:
  void Reset(std::span<const sim::PlannedFault> faults);
  void CollectSplats();

  liveupdate::Design* design_;
  sim::Runtime runtime_;
  sim::LockOrder order_;
  std::vector<sim::Splat> splats_;
  std::array<uint32_t, sim::kMaxTasks> steps_{};
};

// A design without live update: marking is not supported, nothing is gated.
liveupdate::Design& NoLiveUpdate();

// "a -> b" lines of the difference, joined, for failure messages.
std::string Difference(const liveupdate::World& before, const liveupdate::World& after);

}  // namespace iommufd_check::test_support
