// Switches at what happens: which place a name means, that each place has one, and that switches do
// not depend on each other.

#include "model/sim/switch_schedule.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "tests/sim/task_fixture.h"

namespace iommufd_check::sim {
namespace {

constexpr ObjectRef kQueue{ObjectKind::kIommufd, 0};

Act LockOf(LockClass lock_class) { return {Primitive::kLock, Detail(lock_class)}; }
Act UnlockOf(LockClass lock_class) { return {Primitive::kUnlock, Detail(lock_class)}; }
constexpr Act kBegin{Primitive::kOpBegin};
constexpr Act kEnd{Primitive::kOpEnd};

// Task A does operations 0 and 1, B does 2 and C does 3. What they do is noted: A as "a", ...
class SwitchScheduleTest : public testing::Test, public TaskFixture {
 protected:
  SwitchScheduleTest() {
    mutex_ = Lock(LockClass::kIoasMutex);
    other_ = Lock(LockClass::kPagesMutex);
    bodies_ = {[this](Task& t) {
                 Locking(t, 0, 2);
                 Locking(t, 1, 1);
               },
               [this](Task& t) { Locking(t, 2, 1); }, [this](Task& t) { Locking(t, 3, 1); }};
  }

  void Locking(Task& t, uint16_t operation, int times) {
    runtime.BeginOperation(t, operation, 0);
    Say(t, 'b');
    for (int i = 0; i < times; ++i) {
      mutex_lock(t, mutex_);
      Say(t, 'l');
      mutex_unlock(t, mutex_);
      Say(t, 'u');
    }
    runtime.EndOperation(t, 0);
    Say(t, 'e');
  }
  void Say(const Task& t, char what) {
    trace_ += static_cast<char>('A' + t.id() - 1);
    trace_ += what;
  }

  std::string Trace(const std::vector<Switch>& switches) {
    trace_.clear();
    config.locks = &locks;
    runtime.Reset(config);
    schedule_.Reset(switches, &runtime.log());
    runtime.RunConcurrent(bodies_, schedule_);
    return trace_;
  }

  LockId mutex_, other_;
  std::vector<Body> bodies_;
  std::string trace_;
  SwitchSchedule schedule_;
};

TEST_F(SwitchScheduleTest, BeforeAndAfterAnAct) {
  bodies_.resize(2);
  const std::string a = "AbAlAuAlAuAeAbAlAuAe";
  const std::string b = "BbBlBuBe";
  const auto at = [&](size_t i) { return a.substr(0, i) + b + a.substr(i); };
  EXPECT_EQ(Trace({}), a + b);
  const Act lock = LockOf(LockClass::kIoasMutex);
  const Act unlock = UnlockOf(LockClass::kIoasMutex);
  EXPECT_EQ(Trace({{0, Side::kBefore, kBegin, 1, 2}}), at(0));
  EXPECT_EQ(Trace({{0, Side::kAfter, kBegin, 1, 2}}), at(2));
  EXPECT_EQ(Trace({{0, Side::kBefore, lock, 1, 2}}), at(2));
  EXPECT_EQ(Trace({{0, Side::kAfter, unlock, 1, 2}}), at(6));
  EXPECT_EQ(Trace({{0, Side::kBefore, lock, 2, 2}}), at(6));
  EXPECT_EQ(Trace({{0, Side::kAfter, unlock, 2, 2}}), at(12)) << "it is left where it may be";
  EXPECT_EQ(Trace({{0, Side::kAfter, kEnd, 1, 2}}), at(12));
  EXPECT_EQ(Trace({{1, Side::kBefore, lock, 1, 2}}), at(14)) << "counted in each operation anew";
  EXPECT_EQ(Trace({{1, Side::kAfter, kEnd, 1, 2}}), a + b);
  EXPECT_TRUE(schedule_.Unmet().empty());
}

TEST_F(SwitchScheduleTest, AfterTheEndOfATask) {
  EXPECT_EQ(Trace({{1, Side::kAfter, kEnd, 1, 3}}), "AbAlAuAlAuAeAbAlAuAeCbClCuCeBbBlBuBe");
}

TEST_F(SwitchScheduleTest, WaitingIsAPlaceOfItsOwnEachTime) {
  const Act lock = LockOf(LockClass::kIoasMutex);
  const Act wait{Primitive::kWait, Detail(LockClass::kIoasMutex)};
  // A holds the lock when B, and then C, want it.
  const Switch leave{0, Side::kAfter, lock, 1, 2};
  EXPECT_EQ(Trace({leave}), "AbAlBbAuAlAuAeAbAlAuAeBlBuBeCbClCuCe");
  EXPECT_EQ(Trace({leave, {2, Side::kAfter, wait, 1, 3}}), "AbAlBbCbAuAlAuAeAbAlAuAeBlBuBeClCuCe");
  EXPECT_TRUE(schedule_.Unmet().empty());
  // B is let go on between A's two, and finds the lock taken again.
  const std::vector<Switch> twice = {leave,
                                     {0, Side::kAfter, lock, 2, 2},
                                     {0, Side::kAfter, UnlockOf(LockClass::kIoasMutex), 1, 3},
                                     {2, Side::kAfter, wait, 1, 3}};
  Trace(twice);
  EXPECT_EQ(schedule_.Unmet(), (std::vector<uint16_t>{1})) << "B could not run there";
}

TEST_F(SwitchScheduleTest, SwitchesAreASet) {
  const Act lock = LockOf(LockClass::kIoasMutex);
  const Switch first{0, Side::kBefore, lock, 1, 2};
  const Switch second{2, Side::kBefore, lock, 1, 3};
  const Switch never{0, Side::kBefore, LockOf(LockClass::kPagesMutex), 1, 2};
  const std::string expected = Trace({first, second});
  EXPECT_EQ(expected.substr(0, 6), "AbBbCb");
  EXPECT_EQ(Trace({second, first}), expected);
  EXPECT_EQ(Trace({never, second, first}), expected) << "one that is not met keeps none from it";
  EXPECT_EQ(schedule_.Unmet(), (std::vector<uint16_t>{0}));
  EXPECT_EQ(Trace({first, {0, Side::kBefore, lock, 1, 3}, second}), expected) << "the first one";
  EXPECT_EQ(schedule_.Unmet(), (std::vector<uint16_t>{1}));
}

TEST_F(SwitchScheduleTest, AnOpenActIsWhateverIsOfThatSort) {
  const Act any{Primitive::kLock, kAnyDetail};
  for (uint16_t nth = 1; nth <= 2; ++nth) {
    EXPECT_EQ(Trace({{0, Side::kBefore, any, nth, 2}}),
              Trace({{0, Side::kBefore, LockOf(LockClass::kIoasMutex), nth, 2}}));
    EXPECT_TRUE(schedule_.Unmet().empty());
  }
}

TEST_F(SwitchScheduleTest, CallsAccessesAndQueuesArePlaces) {
  bool ready = false;
  Refcount count;
  bodies_ = {[&](Task& t) {
               runtime.BeginOperation(t, 0, 0);
               (void)fail(t, FaultSite::kKcalloc);
               (void)fail(t, FaultSite::kAccount);
               Say(t, 'c');
               t.Place(ObjectKind::kHwpt, Field::kRefcount);
               refcount_inc(t, count, {ObjectKind::kHwpt, 1});
               Say(t, 'r');
               wait_event(t, kQueue, [&] { return ready; });
               Say(t, 'w');
               runtime.EndOperation(t, 0);
             },
             [&](Task& t) {
               runtime.BeginOperation(t, 2, 0);
               ready = true;
               wake_up_all(t, kQueue);
               runtime.EndOperation(t, 0);
               Say(t, 'e');
             }};
  const auto run = [&](const Switch& change) {
    ready = false;
    count = {};
    const std::string trace = Trace({change});
    EXPECT_TRUE(schedule_.Unmet().empty());
    return trace;
  };
  const Act kcalloc{Primitive::kCall, Detail(FaultSite::kKcalloc)};
  const Act account{Primitive::kCall, Detail(FaultSite::kAccount)};
  const Act users{Primitive::kRead, Detail(Field::kRefcount), ObjectKind::kHwpt};
  const Act queue{Primitive::kWait, kNoLockClass};
  EXPECT_EQ(run({0, Side::kAfter, kcalloc, 1, 2}), "BeAcArAw");
  EXPECT_EQ(run({0, Side::kBefore, account, 1, 2}), "BeAcArAw");
  EXPECT_EQ(run({0, Side::kBefore, users, 1, 2}), "AcBeArAw");
  EXPECT_EQ(run({0, Side::kAfter, users, 1, 2}), "AcArBeAw");
  EXPECT_EQ(run({0, Side::kBefore, queue, 1, 2}), "AcArBeAw");
  EXPECT_EQ(run({0, Side::kAfter, queue, 1, 2}), "AcArBeAw") << "it sleeps meanwhile";
}

// Whatever the scheduler is asked, SwitchAt names it, and no other question of the run.
TEST_F(SwitchScheduleTest, EveryPlaceHasOneName) {
  for (const std::vector<Switch>& switches :
       {std::vector<Switch>{},
        std::vector<Switch>{{0, Side::kAfter, LockOf(LockClass::kIoasMutex), 1, 2}}}) {
    Trace(switches);
    const std::vector<SchedulePoint> points = schedule_.points();
    const std::vector<Event> events = runtime.log().events();
    std::vector<Switch> names;
    for (size_t i = 0; i < points.size(); ++i) {
      names.push_back(SwitchAt(points, i, events, 3));
      for (size_t k = 0; k < i; ++k) ASSERT_FALSE(names[i] == names[k]) << i << " and " << k;
    }
    ASSERT_GT(names.size(), 12u);
    for (size_t i = 0; i < points.size(); ++i) {
      if (((points[i].runnable >> 3) & 1u) == 0 || points[i].by_default() == 3) continue;
      std::vector<Switch> more = switches;
      more.insert(more.begin(), names[i]);
      Trace(more);
      ASSERT_FALSE(std::ranges::count(schedule_.Unmet(), 0)) << i;
      ASSERT_GT(schedule_.points().size(), i + 1);
      EXPECT_EQ(schedule_.points()[i + 1].current, 3) << i;
      for (size_t k = 0; k <= i; ++k) EXPECT_EQ(schedule_.points()[k].steps, points[k].steps);
    }
  }
}

}  // namespace
}  // namespace iommufd_check::sim
