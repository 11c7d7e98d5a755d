// The schedule: who takes which step. Each body notes its task after every step it took, so the
// trace is the order of steps.

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/sim/task_fixture.h"

namespace iommufd_check::sim {
namespace {

class Schedule : public testing::Test, public TaskFixture {
 protected:
  // Task A is 1, B is 2, ...
  Body Steps(int n) {
    return [this, n](Task& t) {
      for (int i = 0; i < n; ++i) {
        t.Step();
        trace_ += static_cast<char>('A' + t.id() - 1);
      }
    };
  }
  std::string Trace(const std::vector<Body>& bodies, const std::vector<StepSwitch>& switches) {
    trace_.clear();
    EXPECT_TRUE(Together(bodies, switches));
    return trace_;
  }

  std::string trace_;
};

TEST_F(Schedule, ATaskRunsUntilItEndsThenTheLowestContinues) {
  EXPECT_EQ(Trace({Steps(3), Steps(2), Steps(1)}, {}), "AAABBC");
}

TEST_F(Schedule, ASwitchAppliesAfterExactlyThatManySteps) {
  EXPECT_EQ(Trace({Steps(3), Steps(2)}, {{1, 0, 2}}), "BBAAA");
  EXPECT_EQ(Trace({Steps(3), Steps(2)}, {{1, 1, 2}}), "ABBAA");
  EXPECT_EQ(Trace({Steps(3), Steps(2)}, {{1, 2, 2}}), "AABBA");
  EXPECT_EQ(Trace({Steps(3), Steps(2)}, {{1, 3, 2}}), "AAABB");
}

TEST_F(Schedule, SwitchesApplyInProgramOrder) {
  EXPECT_EQ(Trace({Steps(3), Steps(3)}, {{1, 1, 2}, {2, 2, 1}, {1, 2, 2}}), "ABBABA");
  EXPECT_EQ(Trace({Steps(2), Steps(2), Steps(2)}, {{1, 1, 3}, {3, 1, 2}, {2, 1, 3}}), "ACBCAB");
}

TEST_F(Schedule, AfterTheEndOfASwitchedToTaskTheLowestContinues) {
  EXPECT_EQ(Trace({Steps(2), Steps(2), Steps(1)}, {{1, 1, 3}}), "ACABB");
}

TEST_F(Schedule, ASwitchToATaskThatCannotRunHasNoEffect) {
  EXPECT_EQ(Trace({Steps(3), Steps(1)}, {{1, 1, 2}, {1, 2, 2}}), "ABAA") << "B has ended";
  EXPECT_EQ(Trace({Steps(3), Steps(1)}, {{1, 1, 5}}), "AAAB") << "there is no task 5";
  EXPECT_EQ(Trace({Steps(3), Steps(1)}, {{1, 1, 1}}), "AAAB") << "to itself";
  EXPECT_EQ(Trace({Steps(3), Steps(1)}, {{1, 1, 0}}), "AAAB") << "main is not one of them";
}

TEST_F(Schedule, ASwitchAtAPlaceThatIsPastHasNoEffect) {
  // The second one waits for the first; when it is looked at, A has taken two steps already.
  EXPECT_EQ(Trace({Steps(4), Steps(2)}, {{1, 2, 2}, {1, 1, 2}}), "AABBAA");
  EXPECT_EQ(Trace({Steps(5), Steps(2), Steps(2)}, {{1, 2, 2}, {1, 1, 2}, {1, 4, 3}}), "AABBAACCA")
      << "nor does it keep the next one from applying";
}

TEST_F(Schedule, ASwitchOfATaskThatHasEndedKeepsNoOtherFromApplying) {
  EXPECT_EQ(Trace({Steps(3), Steps(1), Steps(1)}, {{1, 1, 2}, {2, 5, 1}, {1, 2, 3}}), "ABACA");
}

TEST_F(Schedule, ATaskThatBlocksLeavesToTheLowestThatCanRun) {
  const LockId lock = Lock(LockClass::kIoasMutex);
  const Body locked = [&](Task& t) {
    mutex_lock(t, lock);
    Steps(2)(t);
    mutex_unlock(t, lock);
  };
  // A holds the lock after 1 step, B blocks on its first one, so C runs only when A has ended.
  EXPECT_EQ(Trace({locked, locked, Steps(2)}, {{1, 2, 2}}), "AABBCC");
  EXPECT_EQ(Trace({locked, locked, Steps(2)}, {{1, 2, 3}, {3, 1, 2}}), "ACABBC");
}

TEST_F(Schedule, StepsAreCountedPerTaskAndInTotal) {
  uint32_t steps[2] = {};
  ASSERT_TRUE(Together({[&](Task& t) {
                          Steps(3)(t);
                          steps[0] = t.steps();
                        },
                        [&](Task& t) {
                          Steps(5)(t);
                          steps[1] = t.steps();
                        }},
                       {}));
  EXPECT_EQ(steps[0], 3u);
  EXPECT_EQ(steps[1], 5u);
  EXPECT_EQ(runtime.total_steps(), 8u);
}

constexpr ObjectRef kQueue{ObjectKind::kIommufd, 0};

TEST_F(Schedule, WaitEventBlocksAndContinues) {
  bool ready = false;
  const Body waiter = [&](Task& t) {
    t.Step();
    trace_ += 'a';
    wait_event(t, kQueue, [&] { return ready; });
    trace_ += 'b';
  };
  const Body waker = [&](Task& t) {
    Steps(1)(t);
    ready = true;
    wake_up_all(t, kQueue);
    Steps(1)(t);
  };
  EXPECT_EQ(Trace({waiter, waker}, {}), "aBBb") << "the waker runs on until it ends";
  EXPECT_EQ(Count(Primitive::kWait), 1u);
  ready = false;
  EXPECT_EQ(Trace({waiter, waker}, {{2, 1, 1}}), "aBbB");
  ready = true;
  EXPECT_EQ(Trace({waiter, waker}, {}), "abBB") << "a condition that holds does not block";
  EXPECT_EQ(Count(Primitive::kWait), 0u);
}

TEST_F(Schedule, ATaskThatWaitsCannotBeSwitchedTo) {
  bool ready = false;
  EXPECT_EQ(Trace({[&](Task& t) {
                     wait_event(t, kQueue, [&] { return ready; });
                     trace_ += 'a';
                   },
                   [&](Task& t) {
                     Steps(2)(t);
                     ready = true;
                     wake_up_all(t, kQueue);
                     Steps(1)(t);
                   }},
                  {{2, 1, 1}}),
            "BBBa");
}

// Whoever makes the condition true must wake: a change alone, or a wake-up elsewhere, does not.
TEST_F(Schedule, AForgottenWakeUpLeavesTheSleeperAsleep) {
  for (const ObjectRef woken : {ObjectRef{ObjectKind::kIommufd, 1}, ObjectRef{}}) {
    bool ready = false;
    EXPECT_FALSE(Together({[&](Task& t) { wait_event(t, kQueue, [&] { return ready; }); },
                           [&](Task& t) {
                             t.Step();
                             ready = true;
                             if (woken.kind != ObjectKind::kNone) wake_up_all(t, woken);
                           }}));
    EXPECT_EQ(runtime.end(), RunEnd::kDeadlock);
  }
}

TEST_F(Schedule, AWakeUpWithoutTheConditionIsSleptOn) {
  bool ready = false;
  EXPECT_TRUE(Together({[&](Task& t) { wait_event(t, kQueue, [&] { return ready; }); },
                        [&](Task& t) {
                          t.Step();
                          wake_up_all(t, kQueue);
                          t.Step();
                          ready = true;
                          wake_up_all(t, kQueue);
                        }},
                       std::vector<StepSwitch>{{2, 1, 1}}));
  EXPECT_EQ(Count(Primitive::kWait), 2u);
}

// Time passes only when nobody can run.
TEST_F(Schedule, ATimeOutIsTakenWhenNobodyElseCanRun) {
  bool ready = false;
  bool in_time = true;
  const Body sleeper = [&](Task& t) {
    in_time = wait_event_timeout(t, kQueue, [&] { return ready; });
  };
  EXPECT_TRUE(Together({sleeper, Steps(3)}));
  EXPECT_FALSE(in_time);
  EXPECT_EQ(Count(Primitive::kTimeout), 1u);
  // It looks once more before it gives up.
  EXPECT_TRUE(Together({sleeper, [&](Task& t) {
                          t.Step();
                          ready = true;
                        }}));
  EXPECT_TRUE(in_time);
  EXPECT_EQ(Count(Primitive::kSplat), 1u) << "nobody woke it";
  EXPECT_TRUE(Alone([&](Task& t) {
    in_time = wait_event_timeout(t, kQueue, [] { return false; });
  })) << "alone, too";
  EXPECT_FALSE(in_time);
}

// The first one's time-out is what lets it wake the second one in time.
TEST_F(Schedule, TimePassesForOneSleeperAtATime) {
  bool ready = false;
  bool first_in_time = true;
  bool second_in_time = false;
  EXPECT_TRUE(Together(
      {[&](Task& t) {
         first_in_time = wait_event_timeout(t, kQueue, [] { return false; });
         ready = true;
         wake_up_all(t, kQueue);
       },
       [&](Task& t) { second_in_time = wait_event_timeout(t, kQueue, [&] { return ready; }); }}));
  EXPECT_FALSE(first_in_time);
  EXPECT_TRUE(second_in_time);
  EXPECT_EQ(Count(Primitive::kTimeout), 1u);
  EXPECT_EQ(Splats(), Only{});
}

TEST_F(Schedule, UnfinishedTasksAreUnwoundAndTheRuntimeIsReused) {
  struct Guard {
    int* count;
    ~Guard() { ++*count; }
  };
  int unwound = 0;
  int reached_end = 0;
  const Body task = [&](Task& t) {
    const Guard guard{&unwound};
    Steps(3)(t);
    ++reached_end;
  };
  const Body oops = [&](Task& t) {
    const Guard guard{&unwound};
    t.Step();
    t.Oops(Splat::kBug, {});
  };
  for (int run = 0; run < 100; ++run) {
    unwound = reached_end = 0;
    ASSERT_FALSE(Together({task, oops, task}, std::vector<StepSwitch>{{1, 1, 2}}));
    ASSERT_EQ(unwound, 2) << "the third one never began";
    ASSERT_EQ(reached_end, 0);
    ASSERT_EQ(runtime.end(), RunEnd::kOops);
    ASSERT_FALSE(runtime.RunSequential([&](Task&) { ++reached_end; }));
    ASSERT_EQ(reached_end, 0) << "nothing runs after the end of a run";
    ASSERT_TRUE(Together({Steps(1), Steps(1)}));
    ASSERT_EQ(runtime.end(), RunEnd::kCompleted);
  }
}

TEST_F(Schedule, ABodyMayThrowAndCatchBetweenSwitches) {
  int caught = 0;
  const Body body = [&](Task& t) {
    for (int i = 0; i < 3; ++i) {
      t.Step();
      try {
        throw i;
      } catch (int value) {
        caught += value;
      }
    }
  };
  std::vector<StepSwitch> switches;
  for (uint32_t i = 1; i < 3; ++i) {
    switches.push_back({1, i, 2});
    switches.push_back({2, i, 1});
  }
  ASSERT_TRUE(Together({body, body}, switches));
  EXPECT_EQ(caught, 6);
}

// A task that runs alone asks nobody before a step. One that runs beside none asks before each and
// is told to go on: the long way.
class FreeSteps : public Schedule {
 protected:
  // The events of task `id`, as those of task 0.
  std::vector<Event> EventsOf(TaskId id) const {
    std::vector<Event> events = runtime.log().events();
    for (Event& event : events) {
      EXPECT_EQ(event.task, id);
      event.task = 0;
    }
    return events;
  }
  void ExpectSameBothWays(const Body& body) {
    const bool alone = Alone(body);
    const std::vector<Event> events = EventsOf(0);
    const uint64_t steps = runtime.total_steps();
    const RunEnd end = runtime.end();
    EXPECT_EQ(runtime.task(0).steps(), steps);
    EXPECT_EQ(Together({body}), alone);
    EXPECT_EQ(EventsOf(1), events);
    EXPECT_EQ(runtime.total_steps(), steps);
    EXPECT_EQ(runtime.task(1).steps(), steps);
    EXPECT_EQ(runtime.end(), end);
  }
};

TEST_F(FreeSteps, GiveTheEventsOfStepsThatAsk) {
  const LockId outer = Lock(LockClass::kIoasMutex, 1);
  const LockId inner = Lock(LockClass::kObjectsXaLock, 2);
  Refcount count;
  ExpectSameBothWays([&](Task& t) {
    mutex_lock(t, outer);
    spin_lock(t, inner);
    refcount_inc(t, count, {ObjectKind::kIoas, 1});
    t.Place(ObjectKind::kIoas, Field::kRefcount);
    EXPECT_FALSE(refcount_dec_and_test(t, count, {ObjectKind::kIoas, 1}));
    fail(t, FaultSite::kKcalloc);  // sleeps under a spinlock
    mutex_unlock(t, outer);        // not the last that was taken
    spin_unlock(t, inner);
    mutex_unlock(t, outer);  // no longer held
  });
  EXPECT_EQ(Splats(), (Only{Splat::kSleepInAtomic, Splat::kUnlockNotOwner}));
}

TEST_F(FreeSteps, EndAtTheSameLimit) {
  for (const uint32_t limit : {0u, 1u, 4u, 5u, 6u}) {
    config.step_limit = limit;
    ExpectSameBothWays([](Task& t) {
      for (int i = 0; i < 5; ++i) t.Step();
    });
    EXPECT_EQ(runtime.end(), limit < 5 ? RunEnd::kHung : RunEnd::kCompleted) << limit;
  }
}

TEST_F(FreeSteps, EndWhenAListenerHasSeenEnough) {
  ExpectSameBothWays([this](Task& t) {
    t.Step();
    t.Emit(Note::kMark, {ObjectKind::kHwpt, 1});
    runtime.RequestStop();
    t.Step();
    ADD_FAILURE() << "a step of a run that is over";
  });
  EXPECT_EQ(runtime.end(), RunEnd::kStopped);
}

}  // namespace
}  // namespace iommufd_check::sim
