// A lock table and a Runtime for tests of the primitives, without any machine around them.
//
// Bodies run one after the other as task 0 (Alone) or together as tasks 1.. (Together).
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "model/sim/runtime.h"
#include "model/sim/step_schedule.h"

namespace iommufd_check::sim {

using Body = std::function<void(Task&)>;

class TaskFixture {
 public:
  LockId Lock(LockClass lock_class, uint16_t number = 0) {
    return locks.Create(lock_class, {ObjectKind::kIoas, number});
  }

  bool Alone(const Body& body, std::span<const PlannedFault> faults = {}) {
    config.faults = faults;
    config.locks = &locks;
    runtime.Reset(config);
    return runtime.RunSequential(body);
  }

  bool Together(const std::vector<Body>& bodies, std::span<const StepSwitch> switches = {}) {
    StepSchedule schedule(switches);
    config.locks = &locks;
    runtime.Reset(config);
    return runtime.RunConcurrent(bodies, schedule);
  }

  std::vector<Splat> Splats() const {
    std::vector<Splat> splats;
    for (const Event& event : runtime.log().events()) {
      if (event.primitive == Primitive::kSplat) splats.push_back(static_cast<Splat>(event.detail));
    }
    return splats;
  }

  size_t Count(Primitive primitive) const {
    size_t n = 0;
    for (const Event& event : runtime.log().events()) n += event.primitive == primitive ? 1 : 0;
    return n;
  }

  LockTable locks;
  RunConfig config;
  Runtime runtime;
};

using Only = std::vector<Splat>;  // EXPECT_EQ(f.Splats(), Only{Splat::kWarn})

}  // namespace iommufd_check::sim
