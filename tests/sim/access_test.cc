// Accesses, locks, faults and notes of objects that are reached through a handle, on a layer that
// has one kind of object.

#include "model/sim/access.h"

#include <gtest/gtest.h>

#include <vector>

#include "tests/sim/task_fixture.h"

namespace iommufd_check::sim {
namespace {

struct Inner {
  LockId rwsem;
  Shared<int, Field::kIovaAlignment> value;
};
struct Thing {
  static constexpr ObjectKind kKind = ObjectKind::kIoas;
  LockId mutex;
  Inner inner;
};
using ThingHandle = Handle<Thing>;
constexpr Path kRwsem{&Thing::inner, &Inner::rwsem};
constexpr Path kValue{&Thing::inner, &Inner::value};

struct Things {
  Task& t;
  Slots<Thing>& things;
};

Thing& Get(Things& k, ThingHandle h) { return Live(k.t, k.things, h); }

class AccessTest : public testing::Test, public TaskFixture {
 protected:
  ThingHandle Create(Things& k) {
    const ThingHandle h = things.Create(Thing{});
    lock_init(k, h, &Thing::mutex, LockClass::kIoasMutex);
    lock_init(k, h, kRwsem, LockClass::kIovaRwsem);
    return h;
  }
  void Free(Things& k, ThingHandle h) {
    lock_destroy(k, h, kRwsem);
    lock_destroy(k, h, &Thing::mutex);
    things.Free(h);
  }
  std::vector<Event> EventsOf(Primitive primitive) const {
    std::vector<Event> found;
    for (const Event& event : runtime.log().events()) {
      if (event.primitive == primitive) found.push_back(event);
    }
    return found;
  }

  Slots<Thing> things;
};

TEST_F(AccessTest, ALockIsOfItsObjectAndOfThePathThatLeadsToIt) {
  EXPECT_TRUE(Alone([&](Task& t) {
    Things k{t, things};
    Create(k);
    const ThingHandle second = Create(k);
    mutex_lock(k, second, &Thing::mutex);
    EXPECT_TRUE(t.Holds(Get(k, second).mutex, LockMode::kExclusive));
    down_read(k, second, kRwsem);
    EXPECT_TRUE(t.Holds(Get(k, second).inner.rwsem, LockMode::kShared));
    lockdep_assert_held(k, second, kRwsem);
    up_read(k, second, kRwsem);
    mutex_unlock(k, second, &Thing::mutex);
    EXPECT_EQ(t.held_count(), 0);
  }));
  EXPECT_EQ(Splats(), Only{});
  const std::vector<Event> locked = EventsOf(Primitive::kLock);
  ASSERT_EQ(locked.size(), 2u);
  for (const Event& event : locked) EXPECT_EQ(event.object, (ObjectRef{ObjectKind::kIoas, 1}));
  EXPECT_EQ(static_cast<LockClass>(locked[0].detail), LockClass::kIoasMutex);
  EXPECT_EQ(static_cast<LockClass>(locked[1].detail), LockClass::kIovaRwsem);
}

TEST_F(AccessTest, LocksGoWithTheirObject) {
  EXPECT_TRUE(Alone([&](Task& t) {
    Things k{t, things};
    Free(k, Create(k));
  }));
  for (const LockState& lock : locks.slots()) EXPECT_EQ(lock.lock_class, LockClass::kCount);
}

TEST_F(AccessTest, ALockOfAFreedObjectIsNeverReached) {
  EXPECT_FALSE(Alone([&](Task& t) {
    Things k{t, things};
    const ThingHandle h = Create(k);
    Free(k, h);
    mutex_lock(k, h, &Thing::mutex);
    ADD_FAILURE() << "the lock of a freed object was taken";
  }));
  EXPECT_EQ(Splats(), Only{Splat::kUseAfterFree});
  EXPECT_EQ(Count(Primitive::kLock), 0u);
}

TEST_F(AccessTest, ANullHandleIsANullPointer) {
  EXPECT_FALSE(Alone([&](Task& t) {
    Things k{t, things};
    Read(k, ThingHandle{}, kValue);
  }));
  EXPECT_EQ(Splats(), Only{Splat::kNullDereference});
  EXPECT_EQ(EventsOf(Primitive::kSplat)[0].object, (ObjectRef{ObjectKind::kIoas, 0}));
}

TEST_F(AccessTest, FaultsWarningsAndNotesNameTheObject) {
  const std::vector<PlannedFault> faults = {{.site = FaultSite::kKcalloc, .nth = 1}};
  EXPECT_TRUE(Alone(
      [&](Task& t) {
        Things k{t, things};
        Create(k);
        const ThingHandle h = Create(k);
        EXPECT_EQ(fail(k, FaultSite::kKcalloc, h), -kENOMEM);
        EXPECT_EQ(fail(k, FaultSite::kKcalloc, h), 0);
        EXPECT_TRUE(warn_on(k, true, h, Condition::kStillPinned));
        EXPECT_FALSE(warn_on(k, false, h));
        Emit(k, Note::kMark, h, 7);
        Emit(k, Note::kMark, ObjectRef{ObjectKind::kLuo, 3});
      },
      faults));
  const ObjectRef thing{ObjectKind::kIoas, 1};
  ASSERT_EQ(EventsOf(Primitive::kFail).size(), 1u);
  EXPECT_EQ(EventsOf(Primitive::kFail)[0].object, thing);
  ASSERT_EQ(EventsOf(Primitive::kCall).size(), 1u);
  EXPECT_EQ(EventsOf(Primitive::kCall)[0].object, thing);
  ASSERT_EQ(Splats(), Only{Splat::kWarn});
  EXPECT_EQ(EventsOf(Primitive::kSplat)[0].object, thing);
  const std::vector<Event> notes = EventsOf(Primitive::kNote);
  ASSERT_EQ(notes.size(), 2u);
  EXPECT_EQ(notes[0].object, thing);
  EXPECT_EQ(notes[0].value, 7);
  EXPECT_EQ(notes[1].object, (ObjectRef{ObjectKind::kLuo, 3}));
}

TEST_F(AccessTest, AFunctionIsEnteredForAnObject) {
  EXPECT_TRUE(Alone([&](Task& t) {
    Things k{t, things};
    const ThingHandle h = Create(k);
    {
      const Scope scope(k, Fn::kIoptMapPages, h);
      EXPECT_EQ(t.function(), Fn::kIoptMapPages);
      const Scope inner(k, Fn::kIommuMap);
      EXPECT_EQ(t.function(), Fn::kIommuMap);
    }
    EXPECT_EQ(t.function(), Fn::kNone);
  }));
  const std::vector<Event> entered = EventsOf(Primitive::kEnter);
  ASSERT_EQ(entered.size(), 2u);
  EXPECT_EQ(entered[0].object, (ObjectRef{ObjectKind::kIoas, 0}));
  EXPECT_EQ(entered[1].object, ObjectRef{});
}

TEST_F(AccessTest, AnOopsEndsTheRunAndNamesTheObject) {
  EXPECT_FALSE(Alone([&](Task& t) {
    Things k{t, things};
    Oops(k, Splat::kBug, Create(k));
  }));
  EXPECT_EQ(Splats(), Only{Splat::kBug});
  EXPECT_EQ(EventsOf(Primitive::kSplat)[0].object, (ObjectRef{ObjectKind::kIoas, 0}));
}

TEST_F(AccessTest, AFieldInAFieldIsReadAndWrittenByItsPath) {
  EXPECT_TRUE(Alone([&](Task& t) {
    Things k{t, things};
    const ThingHandle h = Create(k);
    Write(k, h, kValue, 5);
    EXPECT_EQ(Read(k, h, kValue), 5);
  }));
  EXPECT_EQ(Count(Primitive::kWrite), 1u);
  EXPECT_EQ(Count(Primitive::kRead), 1u);
}

}  // namespace
}  // namespace iommufd_check::sim
