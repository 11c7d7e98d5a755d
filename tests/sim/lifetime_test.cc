// Locks and references whose object dies: freed while held or awaited, used after the free, counted
// below zero.

#include <gtest/gtest.h>

#include <string>

#include "tests/sim/task_fixture.h"

namespace iommufd_check::sim {
namespace {

class Lifetime : public testing::Test, public TaskFixture {};

TEST_F(Lifetime, FreeingAHeldLock) {
  const LockId a = Lock(LockClass::kIoasMutex);
  EXPECT_FALSE(Alone([&](Task& t) {
    mutex_lock(t, a);
    lock_destroy(t, a);
  }));
  EXPECT_EQ(Splats(), Only{Splat::kFreeLockedLock});
  EXPECT_EQ(runtime.end(), RunEnd::kOops);
}

TEST_F(Lifetime, FreeingALockThatSomebodyReads) {
  const LockId a = Lock(LockClass::kIovaRwsem);
  EXPECT_FALSE(Together({[&](Task& t) {
                           down_read(t, a);
                           t.Step();
                           up_read(t, a);
                         },
                         [&](Task& t) {
                           t.Step();
                           lock_destroy(t, a);
                         }},
                        std::vector<StepSwitch>{{1, 1, 2}}));
  EXPECT_EQ(Splats(), Only{Splat::kFreeLockedLock});
}

TEST_F(Lifetime, FreeingALockThatSomebodyAwaits) {
  const LockId a = Lock(LockClass::kIoasMutex);
  EXPECT_FALSE(Together({[&](Task& t) {
                           mutex_lock(t, a);
                           t.Step();
                           mutex_unlock(t, a);
                           lock_destroy(t, a);
                         },
                         [&](Task& t) { mutex_lock(t, a); }},
                        std::vector<StepSwitch>{{1, 1, 2}}));
  EXPECT_EQ(Splats(), Only{Splat::kFreeLockedLock});
}

TEST_F(Lifetime, TakingALockThatWasFreedMeanwhile) {
  const LockId a = Lock(LockClass::kIoasMutex, 5);
  EXPECT_FALSE(Together({[&](Task& t) { mutex_lock(t, a); },
                         [&](Task& t) {
                           t.Step();
                           lock_destroy(t, a);
                           Lock(LockClass::kIoasMutex, 5);  // takes the slot, and is another lock
                         }},
                        std::vector<StepSwitch>{{1, 0, 2}}));
  EXPECT_EQ(Splats(), Only{Splat::kUseAfterFree});
  EXPECT_EQ(runtime.log().events().back().object, (ObjectRef{ObjectKind::kIoas, 5}));
}

TEST_F(Lifetime, UsingAFreedLockAgain) {
  const LockId a = Lock(LockClass::kIoasMutex);
  EXPECT_FALSE(Alone([&](Task& t) {
    lock_destroy(t, a);
    mutex_lock(t, a);
  }));
  EXPECT_EQ(Splats(), Only{Splat::kUseAfterFree});
}

TEST_F(Lifetime, ReferencesCount) {
  Refcount refcount;
  EXPECT_TRUE(Alone([&](Task& t) {
    refcount_inc(t, refcount, {});
    EXPECT_EQ(refcount.value, 2u);
    EXPECT_TRUE(refcount_inc_not_zero(t, refcount, {}));
    EXPECT_EQ(refcount.value, 3u);
    EXPECT_FALSE(refcount_dec_and_test(t, refcount, {}));
    EXPECT_FALSE(refcount_dec_and_test(t, refcount, {}));
    EXPECT_TRUE(refcount_dec_and_test(t, refcount, {}));
    EXPECT_EQ(refcount.value, 0u);
    EXPECT_FALSE(refcount_inc_not_zero(t, refcount, {}));
  }));
  EXPECT_EQ(Splats(), Only{});
  EXPECT_EQ(Count(Primitive::kRefInc), 2u);
  EXPECT_EQ(Count(Primitive::kRefDec), 3u);
}

TEST_F(Lifetime, UnderflowSaturates) {
  Refcount refcount{0};
  EXPECT_TRUE(Alone([&](Task& t) {
    EXPECT_FALSE(refcount_dec_and_test(t, refcount, {ObjectKind::kIoas, 1}));
    EXPECT_FALSE(refcount_dec_and_test(t, refcount, {})) << "saturated: never zero again";
  }));
  EXPECT_EQ(Splats(), (Only{Splat::kRefcountUnderflow, Splat::kRefcountUnderflow}));
  EXPECT_GT(refcount.value, 1u << 30);
}

TEST_F(Lifetime, AdditionOnZeroSaturates) {
  Refcount refcount{0};
  EXPECT_TRUE(Alone([&](Task& t) {
    refcount_inc(t, refcount, {});
    EXPECT_FALSE(refcount_dec_and_test(t, refcount, {}));
    refcount_inc(t, refcount, {});
  }));
  EXPECT_EQ(Splats(), (Only{Splat::kRefcountSaturated, Splat::kRefcountUnderflow,
                            Splat::kRefcountSaturated}));
}

TEST_F(Lifetime, ADecrementIfOneTouchesNoOtherCount) {
  EXPECT_TRUE(Alone([&](Task& t) {
    for (const uint32_t value : {0u, 1u, 2u}) {
      Refcount refcount{value};
      EXPECT_EQ(refcount_dec_if_one(t, refcount, {}), value == 1);
      EXPECT_EQ(refcount.value, value == 1 ? 0 : value);
    }
  }));
  EXPECT_EQ(Splats(), Only{});
}

// kernel/task_work.c: last added first; what a work adds comes after those that were there.
TEST_F(Lifetime, FilesAreReleasedAtTheReturnToUserSpace) {
  const LockId a = Lock(LockClass::kIoasMutex);
  std::string order;
  EXPECT_TRUE(Alone([&](Task& t) {
    runtime.BeginOperation(t, 0, 0);
    mutex_lock(t, a);
    task_work_add(t, [&] { order += "1"; });
    task_work_add(t, [&] {
      order += t.held_count() == 0 ? "2" : "held";
      task_work_add(t, [&] { order += "3"; });
    });
    mutex_unlock(t, a);
    EXPECT_EQ(order, "");
    runtime.EndOperation(t, 0);
    EXPECT_EQ(order, "213");
    runtime.BeginOperation(t, 1, 0);
    runtime.EndOperation(t, 0);
  }));
  EXPECT_EQ(order, "213") << "once";
}

TEST_F(Lifetime, WorkOfARunThatEndedIsForgotten) {
  bool ran = false;
  EXPECT_FALSE(Alone([&](Task& t) {
    task_work_add(t, [&] { ran = true; });
    t.Oops(Splat::kBug, {});
  }));
  EXPECT_TRUE(Alone([&](Task& t) { runtime.EndOperation(t, 0); }));
  EXPECT_FALSE(ran);
}

}  // namespace
}  // namespace iommufd_check::sim
