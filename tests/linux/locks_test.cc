// The locks of an image: who may take one, classes, circles of orders.
#include "model/linux/host/locks.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace iommufd_check::linux_host {
namespace {

using Names = std::vector<std::string>;

TEST(ImageLocks, AMutexIsHeldByOne) {
  Locks locks;
  const uint32_t mutex = locks.Add(LockKind::kMutex, "&a->lock", 0x100);
  EXPECT_TRUE(locks.at(mutex).CanTake(1, false));
  locks.Take(mutex, 1, false);
  EXPECT_FALSE(locks.at(mutex).CanTake(2, false));
  EXPECT_TRUE(locks.at(mutex).HeldBy(1, false));
  EXPECT_FALSE(locks.at(mutex).HeldBy(1, true));
  EXPECT_EQ(locks.HeldBy(1), std::vector<uint32_t>{mutex});
  locks.Give(mutex, 1, false);
  EXPECT_FALSE(locks.at(mutex).held());
  EXPECT_TRUE(locks.HeldBy(1).empty());
}

TEST(ImageLocks, AWriterThatWaitsKeepsReadersOut) {
  Locks locks;
  const uint32_t rwsem = locks.Add(LockKind::kRwsem, "&a->rwsem", 0x100);
  locks.Take(rwsem, 1, true);
  EXPECT_TRUE(locks.at(rwsem).CanTake(2, true));
  EXPECT_FALSE(locks.at(rwsem).CanTake(3, false));
  locks.at(rwsem).waiting_writers = 1u << 3;
  EXPECT_FALSE(locks.at(rwsem).CanTake(2, true));
  locks.Give(rwsem, 1, true);
  EXPECT_TRUE(locks.at(rwsem).CanTake(3, false));
}

TEST(ImageLocks, ACircleOfOrdersIsNamedOnce) {
  Locks locks;
  const uint32_t a = locks.Add(LockKind::kMutex, "a", 0x100);
  const uint32_t b = locks.Add(LockKind::kMutex, "b", 0x200);
  const uint32_t c = locks.Add(LockKind::kMutex, "c", 0x300);
  const auto inside = [&](uint32_t outer, uint32_t inner) {
    locks.Take(outer, 1, false);
    const Names circle = locks.NoteOrder(1, inner);
    locks.Give(outer, 1, false);
    return circle;
  };
  EXPECT_EQ(inside(a, b), Names{});
  EXPECT_EQ(inside(b, c), Names{});
  EXPECT_EQ(inside(c, a), (Names{"a", "b", "c", "a"}));
  EXPECT_EQ(inside(c, a), Names{});
  EXPECT_EQ(locks.Orders(), (Names{"a -> b", "b -> c", "c -> a"}));
}

TEST(ImageLocks, OneClassInsideItselfIsNoCircle) {
  Locks locks;
  const uint32_t outer = locks.Add(LockKind::kMutex, "&ioas->mutex", 0x100);
  const uint32_t inner = locks.Add(LockKind::kMutex, "&ioas->mutex", 0x200);
  EXPECT_EQ(locks.at(outer).lock_class, locks.at(inner).lock_class);
  locks.Take(outer, 1, false);
  EXPECT_EQ(locks.NoteOrder(1, inner), Names{});
  // The same name of another kind is another class, and so is each without a name.
  const uint32_t spin = locks.Add(LockKind::kSpin, "&ioas->mutex", 0x300);
  const uint32_t nameless = locks.Add(LockKind::kSpin, "", 0x400);
  const uint32_t other = locks.Add(LockKind::kSpin, "", 0x500);
  EXPECT_NE(locks.at(spin).lock_class, locks.at(inner).lock_class);
  EXPECT_NE(locks.at(nameless).lock_class, locks.at(other).lock_class);
}

TEST(ImageLocks, HeldLocksAreFoundByTheirPlace) {
  Locks locks;
  const uint32_t lock = locks.Add(LockKind::kSpin, "x", 0x120);
  EXPECT_EQ(locks.HeldIn(0x100, 0x200), 0u);
  locks.Take(lock, 3, false);
  EXPECT_EQ(locks.HeldIn(0x100, 0x200), lock);
  EXPECT_EQ(locks.HeldIn(0x121, 0x200), 0u);
  EXPECT_EQ(locks.HeldIn(0x100, 0x120), 0u);
}

TEST(ImageLocks, ResetForgetsLocksAndKeepsOrders) {
  Locks locks;
  const uint32_t a = locks.Add(LockKind::kMutex, "a", 0x100);
  locks.Keep();
  const uint32_t b = locks.Add(LockKind::kMutex, "b", 0x200);
  locks.Take(a, 1, false);
  locks.NoteOrder(1, b);
  locks.Reset();
  EXPECT_TRUE(locks.Exists(a));
  EXPECT_FALSE(locks.Exists(b));
  EXPECT_FALSE(locks.at(a).held());
  EXPECT_EQ(locks.Orders(), Names{"a -> b"});
}

}  // namespace
}  // namespace iommufd_check::linux_host
