// Mutex, rw_semaphore and spinlock: who may hold them together, and in which order they are got.

#include "model/sim/locks.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/sim/task_fixture.h"

namespace iommufd_check::sim {
namespace {

class Locks : public testing::Test, public TaskFixture {
 protected:
  void Say(Task& t, char what) { trace_ += std::string(1, what) + std::to_string(t.id()) + " "; }

  Body Reader(LockId lock) {
    return [this, lock](Task& t) {
      down_read(t, lock);
      Say(t, 'r');
      t.Step();
      up_read(t, lock);
      Say(t, 'u');
    };
  }
  Body Writer(LockId lock) {
    return [this, lock](Task& t) {
      down_write(t, lock);
      Say(t, 'w');
      t.Step();
      up_write(t, lock);
      Say(t, 'u');
    };
  }
  std::string Trace(const std::vector<Body>& bodies, const std::vector<StepSwitch>& switches) {
    trace_.clear();
    EXPECT_TRUE(Together(bodies, switches));
    EXPECT_EQ(Splats(), Only{});
    for (const LockState& lock : locks.slots()) EXPECT_FALSE(lock.held() || lock.waited_for());
    return trace_;
  }

  std::string trace_;
};

TEST_F(Locks, AMutexHasOneOwner) {
  const LockId lock = Lock(LockClass::kIoasMutex);
  const Body body = [&](Task& t) {
    mutex_lock(t, lock);
    EXPECT_TRUE(t.Holds(lock));
    EXPECT_EQ(locks.at(lock).owner, t.id());
    Say(t, 'l');
    t.Step();
    EXPECT_EQ(locks.at(lock).owner, t.id());
    mutex_unlock(t, lock);
    Say(t, 'u');
    EXPECT_FALSE(t.Holds(lock));
  };
  EXPECT_EQ(Trace({body, body}, {{1, 1, 2}}), "l1 u1 l2 u2 ");
  EXPECT_EQ(Count(Primitive::kWait), 1u);
  EXPECT_EQ(Trace({body, body}, {{1, 3, 2}}), "l1 u1 l2 u2 ");
  EXPECT_EQ(Count(Primitive::kWait), 0u);
}

TEST_F(Locks, ReadersShare) {
  const LockId lock = Lock(LockClass::kIovaRwsem);
  EXPECT_EQ(Trace({Reader(lock), Reader(lock), Reader(lock)}, {{1, 1, 2}, {2, 1, 3}}),
            "r1 r2 r3 u3 u1 u2 ");
}

TEST_F(Locks, AWriterExcludesReadersAndWriters) {
  const LockId lock = Lock(LockClass::kIovaRwsem);
  EXPECT_EQ(Trace({Writer(lock), Reader(lock)}, {{1, 1, 2}}), "w1 u1 r2 u2 ");
  EXPECT_EQ(Trace({Writer(lock), Writer(lock)}, {{1, 1, 2}}), "w1 u1 w2 u2 ");
  EXPECT_EQ(Trace({Reader(lock), Writer(lock)}, {{1, 1, 2}}), "r1 u1 w2 u2 ");
}

TEST_F(Locks, AWaitingWriterBlocksNewReaders) {
  const LockId lock = Lock(LockClass::kIovaRwsem);
  // 1 reads; 2 waits to write; 3 comes to read and has to let 2 go first.
  EXPECT_EQ(Trace({Reader(lock), Writer(lock), Reader(lock)}, {{1, 1, 2}, {1, 2, 3}}),
            "r1 u1 w2 u2 r3 u3 ");
  EXPECT_EQ(Count(Primitive::kWait), 2u) << "writer 2 and reader 3 both waited";
}

TEST_F(Locks, AWriterThatHasGoneBlocksNobody) {
  const LockId lock = Lock(LockClass::kIovaRwsem);
  EXPECT_EQ(Trace({Writer(lock), Reader(lock), Reader(lock)}, {{1, 3, 2}, {2, 1, 3}}),
            "w1 u1 r2 r3 u3 u2 ");
}

TEST_F(Locks, ASpinlockExcludesAndForbidsSleeping) {
  const LockId lock = Lock(LockClass::kObjectsXaLock);
  const Body body = [&](Task& t) {
    spin_lock(t, lock);
    Say(t, 'l');
    EXPECT_EQ(t.spin_depth(), 1);
    EXPECT_EQ(fail(t, FaultSite::kGetObject, {}, Gfp::kAtomic), 0);
    spin_unlock(t, lock);
    Say(t, 'u');
    EXPECT_EQ(t.spin_depth(), 0);
    might_sleep(t, {});
  };
  EXPECT_EQ(Trace({body, body}, {{1, 1, 2}}), "l1 u1 l2 u2 ");
}

TEST_F(Locks, UnlockInAnyOrder) {
  const LockId a = Lock(LockClass::kDomainsRwsem);
  const LockId b = Lock(LockClass::kIovaRwsem);
  ASSERT_TRUE(Alone([&](Task& t) {
    down_read(t, a);
    down_write(t, b);
    up_read(t, a);
    EXPECT_FALSE(t.Holds(a));
    EXPECT_TRUE(t.Holds(b, LockMode::kExclusive));
    EXPECT_FALSE(t.Holds(b, LockMode::kShared));
    up_write(t, b);
    EXPECT_EQ(t.held_count(), 0);
  }));
  EXPECT_EQ(Splats(), Only{});
}

TEST_F(Locks, LocksOfOneClassAreIndependent) {
  const LockId a = Lock(LockClass::kIoasMutex, 1);
  const LockId b = Lock(LockClass::kIoasMutex, 2);
  EXPECT_EQ(Trace({Writer(a), Writer(b)}, {{1, 1, 2}}), "w1 w2 u2 u1 ");
}

TEST(LockTable, IdsAreLowestFirstAndEqualTablesAreEqual) {
  LockTable table;
  const LockId a = table.Create(LockClass::kIoasMutex, {});
  const LockTable one = table;
  const LockId b = table.Create(LockClass::kPagesMutex, {});
  EXPECT_EQ(a.index, 0);
  EXPECT_EQ(b.index, 1);
  EXPECT_FALSE(table == one);
  table.Release(b);
  EXPECT_TRUE(table == one) << "trailing free slots and generations do not distinguish";
  EXPECT_EQ(table.Find(b), nullptr);
  const LockId c = table.Create(LockClass::kPagesMutex, {});
  EXPECT_EQ(c.index, b.index);
  EXPECT_EQ(table.Find(b), nullptr) << "the old lock is not the new one";
  ASSERT_NE(table.Find(c), nullptr);
  EXPECT_EQ(table.at(c).lock_class, LockClass::kPagesMutex);
}

TEST(LockTable, CopiesAreIndependent) {
  LockTable table;
  const LockId a = table.Create(LockClass::kIoasMutex, {});
  LockTable copy = table;
  copy.at(a).owner = 3;
  EXPECT_FALSE(copy == table);
  EXPECT_FALSE(table.at(a).held());
}

}  // namespace
}  // namespace iommufd_check::sim
