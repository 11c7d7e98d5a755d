// Both ways round a lock cycle, and who waits in a deadlock, from events written by hand.
#include "model/spec/lock_watch.h"

#include <gtest/gtest.h>

namespace iommufd_check::spec {
namespace {

using sim::Fn;
using sim::LockClass;
using sim::ObjectKind;
using sim::Primitive;

constexpr sim::ObjectRef kIoas{ObjectKind::kIoas, 1};

class LockWatchTest : public testing::Test {
 protected:
  void Feed(Primitive primitive, LockClass lock, Fn function = Fn::kNone) {
    watch_.OnEvent({.operation = operation_,
                    .task = task_,
                    .primitive = primitive,
                    .object = kIoas,
                    .detail = static_cast<uint8_t>(lock),
                    .spare = static_cast<uint16_t>(lock)},
                   function);
  }
  void On(uint8_t task, uint16_t operation) {
    task_ = task;
    operation_ = operation;
  }
  std::vector<LockNesting> Chain(LockClass outer, LockClass inner) {
    return watch_.ChainOf({.operation = operation_,
                           .task = task_,
                           .primitive = Primitive::kSplat,
                           .value = static_cast<int>(outer) << 8 | static_cast<int>(inner)},
                          Fn::kSaveHwpts);
  }

  uint8_t task_ = 0;
  uint16_t operation_ = 0;
  LockWatch watch_;
};

TEST_F(LockWatchTest, ACycleOfTwoHasBothNestings) {
  On(1, 3);
  Feed(Primitive::kLock, LockClass::kIoasMutex);
  Feed(Primitive::kLock, LockClass::kObjectsXaLock, Fn::kIommufdObjectFinalize);
  Feed(Primitive::kUnlock, LockClass::kObjectsXaLock);
  On(1, 4);
  Feed(Primitive::kLock, LockClass::kObjectsXaLock, Fn::kIommufdGetObject);  // not the first
  On(2, 5);
  const std::vector<LockNesting> expected{
      {LockClass::kObjectsXaLock, LockClass::kIoasMutex, 5, 2, Fn::kSaveHwpts},
      {LockClass::kIoasMutex, LockClass::kObjectsXaLock, 3, 1, Fn::kIommufdObjectFinalize}};
  EXPECT_EQ(Chain(LockClass::kObjectsXaLock, LockClass::kIoasMutex), expected);
}

TEST_F(LockWatchTest, ALongerCycleIsWalkedTheShortWay) {
  On(0, 1);
  Feed(Primitive::kLock, LockClass::kIoasMutex);
  Feed(Primitive::kLock, LockClass::kIgroupLock);
  Feed(Primitive::kUnlock, LockClass::kIoasMutex);
  Feed(Primitive::kLock, LockClass::kLiveupdateMutex);
  Feed(Primitive::kUnlock, LockClass::kIgroupLock);
  Feed(Primitive::kLock, LockClass::kPagesMutex);
  const std::vector<LockNesting> chain = Chain(LockClass::kPagesMutex, LockClass::kIoasMutex);
  ASSERT_EQ(chain.size(), 4u);
  EXPECT_EQ(chain[0].outer, LockClass::kPagesMutex);
  for (size_t i = 0; i < chain.size(); ++i) {
    EXPECT_EQ(chain[i].inner, chain[(i + 1) % chain.size()].outer) << "it closes";
  }
  On(2, 4);
  Feed(Primitive::kLock, LockClass::kIoasMutex);
  Feed(Primitive::kLock, LockClass::kDomainsRwsem);
  Feed(Primitive::kUnlock, LockClass::kIoasMutex);
  Feed(Primitive::kLock, LockClass::kPagesMutex);
  const std::vector<LockNesting> expected{
      {LockClass::kPagesMutex, LockClass::kIoasMutex, 4, 2, Fn::kSaveHwpts},
      {LockClass::kIoasMutex, LockClass::kDomainsRwsem, 4, 2, Fn::kNone},
      {LockClass::kDomainsRwsem, LockClass::kPagesMutex, 4, 2, Fn::kNone}};
  EXPECT_EQ(Chain(LockClass::kPagesMutex, LockClass::kIoasMutex), expected);
}

TEST_F(LockWatchTest, WithoutAWayBackOnlyTheLastNesting) {
  EXPECT_EQ(Chain(LockClass::kIoasMutex, LockClass::kIovaRwsem).size(), 1u);
}

// One that is held at the return to user space is a finding of its own.
TEST_F(LockWatchTest, WhatACallHeldIsForgottenWhenTheNextOneBegins) {
  On(1, 3);
  Feed(Primitive::kLock, LockClass::kIoasMutex);
  On(1, 4);
  Feed(Primitive::kOpBegin, LockClass::kCount);
  Feed(Primitive::kLock, LockClass::kPagesMutex);
  EXPECT_EQ(Chain(LockClass::kPagesMutex, LockClass::kIoasMutex).size(), 1u);
}

TEST_F(LockWatchTest, WhoWaitsIsForgottenWhenItGoesOn) {
  On(1, 0);
  Feed(Primitive::kWait, LockClass::kIoasMutex);
  On(2, 1);
  Feed(Primitive::kWait, LockClass::kCount);
  std::vector<LockWatch::Wait> waiting = watch_.Waiting();
  ASSERT_EQ(waiting.size(), 2u);
  EXPECT_EQ(TextOf(waiting[0]), "task A waits for ioas->mutex of ioas 1");
  EXPECT_EQ(TextOf(waiting[1]), "task B waits for a change of ioas 1");
  On(1, 0);
  Feed(Primitive::kLock, LockClass::kIoasMutex);
  waiting = watch_.Waiting();
  ASSERT_EQ(waiting.size(), 1u);
  EXPECT_EQ(waiting[0].task, 2);
}

}  // namespace
}  // namespace iommufd_check::spec
