// Each complaint of the kernel's own checks that the primitives can make, and that it is made once,
// about the right object, and ends the run only where the kernel could not go on.

#include <gtest/gtest.h>

#include "tests/sim/task_fixture.h"

namespace iommufd_check::sim {
namespace {

class Splats : public testing::Test, public TaskFixture {
 protected:
  const Event& SplatEvent() const {
    static const Event none;
    for (const Event& event : runtime.log().events()) {
      if (event.primitive == Primitive::kSplat) return event;
    }
    return none;
  }
  // Takes `outer`, then `inner`, and lets both go.
  Body Nest(LockId outer, LockId inner) {
    return [outer, inner](Task& t) {
      mutex_lock(t, outer);
      mutex_lock(t, inner);
      mutex_unlock(t, inner);
      mutex_unlock(t, outer);
    };
  }
};

TEST_F(Splats, SleepingLockUnderASpinlock) {
  const LockId spin = Lock(LockClass::kObjectsXaLock);
  const LockId mutex = Lock(LockClass::kIoasMutex, 7);
  EXPECT_TRUE(Alone([&](Task& t) {
    spin_lock(t, spin);
    mutex_lock(t, mutex);
    EXPECT_TRUE(t.Holds(mutex)) << "reported, and taken all the same";
    mutex_unlock(t, mutex);
    spin_unlock(t, spin);
  }));
  EXPECT_EQ(TaskFixture::Splats(), Only{Splat::kSleepInAtomic});
  EXPECT_EQ(SplatEvent().object, (ObjectRef{ObjectKind::kIoas, 7}));
}

TEST_F(Splats, SleepingAllocationUnderASpinlock) {
  const LockId spin = Lock(LockClass::kObjectsXaLock);
  EXPECT_TRUE(Alone([&](Task& t) {
    spin_lock(t, spin);
    fail(t, FaultSite::kKcalloc, {}, Gfp::kAtomic);
    fail(t, FaultSite::kKcalloc);
    spin_unlock(t, spin);
    fail(t, FaultSite::kKcalloc);
  }));
  EXPECT_EQ(TaskFixture::Splats(), Only{Splat::kSleepInAtomic});
}

TEST_F(Splats, WaitUnderASpinlock) {
  const LockId spin = Lock(LockClass::kObjectsXaLock);
  EXPECT_TRUE(Alone([&](Task& t) {
    spin_lock(t, spin);
    wait_event(t, {}, [] { return true; });
    spin_unlock(t, spin);
  }));
  EXPECT_EQ(TaskFixture::Splats(), Only{Splat::kSleepInAtomic});
}

TEST_F(Splats, LockCycleInOneRun) {
  const LockId a = Lock(LockClass::kIoasMutex);
  const LockId b = Lock(LockClass::kPagesMutex);
  EXPECT_TRUE(Together({Nest(a, b), Nest(b, a)})) << "no deadlock happened, it is only possible";
  EXPECT_EQ(TaskFixture::Splats(), Only{Splat::kLockCycle});
  EXPECT_EQ(SplatEvent().value, static_cast<int>(LockClass::kPagesMutex) << 8 |
                                    static_cast<int>(LockClass::kIoasMutex));
}

TEST_F(Splats, LockCycleOverThreeClasses) {
  const LockId a = Lock(LockClass::kIoasMutex);
  const LockId b = Lock(LockClass::kPagesMutex);
  const LockId c = Lock(LockClass::kIgroupLock);
  EXPECT_TRUE(Together({Nest(a, b), Nest(b, c)}));
  EXPECT_EQ(TaskFixture::Splats(), Only{});
  EXPECT_TRUE(Together({Nest(a, b), Nest(b, c), Nest(c, a), Nest(c, a)}));
  EXPECT_EQ(TaskFixture::Splats(), Only{Splat::kLockCycle}) << "once, when the cycle closes";
}

TEST_F(Splats, LockCycleAcrossRunsThatShareAnOrder) {
  const LockId a = Lock(LockClass::kIoasMutex);
  const LockId b = Lock(LockClass::kPagesMutex);
  EXPECT_TRUE(Alone(Nest(a, b)));
  EXPECT_TRUE(Alone(Nest(b, a)));
  EXPECT_EQ(TaskFixture::Splats(), Only{}) << "each run has an order of its own";

  LockOrder order;
  config.lock_order = &order;
  EXPECT_TRUE(Alone(Nest(a, b)));
  EXPECT_EQ(TaskFixture::Splats(), Only{});
  EXPECT_TRUE(Alone(Nest(b, a)));
  EXPECT_EQ(TaskFixture::Splats(), Only{Splat::kLockCycle});
  EXPECT_TRUE(Alone(Nest(b, a)));
  EXPECT_EQ(TaskFixture::Splats(), Only{}) << "reported once";
}

TEST_F(Splats, NestingInsideOneClass) {
  EXPECT_TRUE(Alone(Nest(Lock(LockClass::kIoasMutex, 1), Lock(LockClass::kIoasMutex, 2))));
  EXPECT_EQ(TaskFixture::Splats(), Only{Splat::kRecursiveLock});
}

// What nested so before is passed over; a lock inside its own class never has.
TEST_F(Splats, NestingInsideOneClassIsReportedEachTimeAlsoAmongKnownOrders) {
  const LockId outer = Lock(LockClass::kDomainsRwsem);
  const LockId a = Lock(LockClass::kIoasMutex, 1);
  const LockId b = Lock(LockClass::kIoasMutex, 2);
  EXPECT_TRUE(Alone([&](Task& t) {
    for (int i = 0; i < 2; ++i) {
      down_write(t, outer);
      Nest(a, b)(t);
      up_write(t, outer);
    }
  }));
  EXPECT_EQ(TaskFixture::Splats(), (Only{Splat::kRecursiveLock, Splat::kRecursiveLock}));
}

TEST(LockOrder, AUnionHasACycleThatNeitherHad) {
  LockOrder one;
  EXPECT_FALSE(one.AddEdge(LockClass::kIoasMutex, LockClass::kPagesMutex));
  LockOrder two;
  EXPECT_FALSE(two.AddEdge(LockClass::kPagesMutex, LockClass::kIoasMutex));
  EXPECT_FALSE(two.AddEdge(LockClass::kPagesMutex, LockClass::kIgroupLock)) << "read after it";
  LockOrder both = one;
  EXPECT_TRUE(both.Merge(two));
  EXPECT_TRUE(both.HasEdge(LockClass::kIoasMutex, LockClass::kPagesMutex));
  EXPECT_TRUE(both.HasEdge(LockClass::kPagesMutex, LockClass::kIgroupLock));
  EXPECT_FALSE(both.Merge(two)) << "nothing new";
  EXPECT_FALSE(one.Merge(one));
}

// Documented orders inside one class: a subclass, lower first; or a lock that keeps everybody else
// from holding two (iommufd_take_all_iova_rwsem under ioas_creation_lock).
TEST_F(Splats, NestingThatIsDocumented) {
  const LockId a = Lock(LockClass::kIovaRwsem, 1);
  const LockId b = Lock(LockClass::kIovaRwsem, 2);
  const LockId outer = Lock(LockClass::kDomainsRwsem);
  const auto nested = [&](const Nesting& first, const Nesting& second) {
    return [&, first, second](Task& t) {
      down_write(t, outer);
      down_write_nested(t, a, first);
      down_write_nested(t, b, second);
      up_write(t, b);
      up_write(t, a);
      up_write(t, outer);
    };
  };
  EXPECT_TRUE(Alone(nested({.subclass = 0}, {.subclass = 1})));
  EXPECT_EQ(TaskFixture::Splats(), Only{});
  EXPECT_TRUE(Alone(nested({.subclass = 1}, {.subclass = 0})));
  EXPECT_EQ(TaskFixture::Splats(), Only{Splat::kRecursiveLock}) << "against the order";
  EXPECT_TRUE(Alone(nested({.subclass = 1}, {.subclass = 1})));
  EXPECT_EQ(TaskFixture::Splats(), Only{Splat::kRecursiveLock}) << "no order";
  EXPECT_TRUE(Alone(nested({.nest_lock = outer}, {.nest_lock = outer})));
  EXPECT_EQ(TaskFixture::Splats(), Only{});
  const LockId other = Lock(LockClass::kPagesMutex);
  EXPECT_TRUE(Alone(nested({.nest_lock = other}, {.nest_lock = other})));
  EXPECT_EQ(TaskFixture::Splats(), Only{Splat::kRecursiveLock}) << "nobody holds that lock";
}

TEST_F(Splats, TheSameLockTwice) {
  const LockId a = Lock(LockClass::kIoasMutex, 3);
  EXPECT_FALSE(Alone(Nest(a, a)));
  EXPECT_EQ(TaskFixture::Splats(), (Only{Splat::kRecursiveLock, Splat::kDeadlock}));
  EXPECT_EQ(runtime.end(), RunEnd::kDeadlock);
}

// MAX_LOCK_DEPTH of the model: 16.
TEST_F(Splats, TooManyLocksAtOnce) {
  for (const int count : {16, 17}) {
    const bool ended = Alone([&](Task& t) {
      for (int i = 0; i < count; ++i) {
        const LockId lock = Lock(LockClass::kIovaRwsem, static_cast<uint16_t>(i));
        down_write_nested(t, lock, {.subclass = static_cast<uint8_t>(i)});
      }
    });
    EXPECT_EQ(ended, count == 16);
    EXPECT_EQ(TaskFixture::Splats(), count == 16 ? Only{} : Only{Splat::kBug});
  }
}

TEST_F(Splats, WhatARunHeldWhenItEndedIsForgotten) {
  const LockId spin = Lock(LockClass::kObjectsXaLock);
  EXPECT_FALSE(Alone([&](Task& t) {
    spin_lock(t, spin);
    t.Oops(Splat::kBug, {});
  }));
  EXPECT_TRUE(Alone([&](Task& t) {
    EXPECT_EQ(t.held_count(), 0);
    EXPECT_EQ(t.spin_depth(), 0);
    might_sleep(t, {});
    runtime.EndOperation(t, 0);
  }));
  EXPECT_EQ(TaskFixture::Splats(), Only{});
}

TEST_F(Splats, AbbaDeadlock) {
  const LockId a = Lock(LockClass::kIoasMutex);
  const LockId b = Lock(LockClass::kPagesMutex);
  EXPECT_FALSE(Together({Nest(a, b), Nest(b, a)}, std::vector<StepSwitch>{{1, 1, 2}}));
  EXPECT_EQ(TaskFixture::Splats(), (Only{Splat::kLockCycle, Splat::kDeadlock}));
  EXPECT_EQ(runtime.end(), RunEnd::kDeadlock);
}

TEST_F(Splats, DeadlockWhenTheLastTaskThatCouldWakeEnds) {
  EXPECT_FALSE(Together(
      {[](Task& t) { wait_event(t, {}, [] { return false; }); }, [](Task& t) { t.Step(); }}));
  EXPECT_EQ(TaskFixture::Splats(), Only{Splat::kDeadlock});
  EXPECT_EQ(runtime.end(), RunEnd::kDeadlock);
}

TEST_F(Splats, WaitingAloneIsADeadlock) {
  EXPECT_FALSE(Alone([](Task& t) { wait_event(t, {}, [] { return false; }); }));
  EXPECT_EQ(TaskFixture::Splats(), Only{Splat::kDeadlock});
}

TEST_F(Splats, UnlockByWhoDoesNotHoldIt) {
  const LockId a = Lock(LockClass::kIoasMutex);
  EXPECT_TRUE(Together({[&](Task& t) {
                          mutex_lock(t, a);
                          t.Step();
                          EXPECT_EQ(locks.at(a).owner, 1) << "the foreign unlock had no effect";
                          mutex_unlock(t, a);
                        },
                        [&](Task& t) { mutex_unlock(t, a); }},
                       std::vector<StepSwitch>{{1, 1, 2}}));
  EXPECT_EQ(TaskFixture::Splats(), Only{Splat::kUnlockNotOwner});
}

TEST_F(Splats, UnlockInTheWrongMode) {
  const LockId a = Lock(LockClass::kIovaRwsem);
  EXPECT_TRUE(Alone([&](Task& t) {
    down_read(t, a);
    up_write(t, a);
    up_read(t, a);
  }));
  EXPECT_EQ(TaskFixture::Splats(), Only{Splat::kUnlockNotOwner});
  EXPECT_FALSE(locks.at(a).held());
}

TEST_F(Splats, LockHeldAtReturn) {
  const LockId a = Lock(LockClass::kIoasMutex, 9);
  EXPECT_TRUE(Alone([&](Task& t) {
    runtime.BeginOperation(t, 0, 0);
    mutex_lock(t, a);
    runtime.EndOperation(t, 0);
    mutex_unlock(t, a);
    runtime.EndOperation(t, 0);
  }));
  EXPECT_EQ(TaskFixture::Splats(), Only{Splat::kLockHeldAtReturn});
  EXPECT_EQ(SplatEvent().object, (ObjectRef{ObjectKind::kIoas, 9}));
}

TEST_F(Splats, LockNotHeldWhereAsserted) {
  const LockId a = Lock(LockClass::kIovaRwsem);
  EXPECT_TRUE(Alone([&](Task& t) {
    down_read(t, a);
    lockdep_assert_held(t, a);
    up_read(t, a);
    lockdep_assert_held(t, a);
  }));
  EXPECT_EQ(TaskFixture::Splats(), Only{Splat::kLockNotHeld});
}

TEST_F(Splats, Warn) {
  EXPECT_TRUE(Alone([&](Task& t) {
    EXPECT_FALSE(warn_on(t, false, {}));
    EXPECT_TRUE(warn_on(t, true, {ObjectKind::kHwpt, 4}));
  }));
  EXPECT_EQ(TaskFixture::Splats(), Only{Splat::kWarn});
  EXPECT_EQ(SplatEvent().object, (ObjectRef{ObjectKind::kHwpt, 4}));
}

TEST_F(Splats, StepLimit) {
  config.step_limit = 100;
  EXPECT_FALSE(Alone([](Task& t) {
    for (;;) t.Step();
  }));
  EXPECT_EQ(TaskFixture::Splats(), Only{Splat::kHung});
  EXPECT_EQ(runtime.end(), RunEnd::kHung);
  EXPECT_EQ(runtime.total_steps(), 101u);

  EXPECT_FALSE(Together({[](Task& t) {
                           for (;;) t.Step();
                         },
                         [](Task& t) { t.Step(); }}));
  EXPECT_EQ(TaskFixture::Splats(), Only{Splat::kHung});
  EXPECT_EQ(runtime.end(), RunEnd::kHung);
}

}  // namespace
}  // namespace iommufd_check::sim
