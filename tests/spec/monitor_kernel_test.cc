// What the kernel's own checks see, and what counts as having been checked, fed with hand-made
// events.
#include <gtest/gtest.h>

#include "tests/spec/monitor_fixture.h"

namespace iommufd_check::spec::monitor_tests {
namespace {

TEST_F(MonitorTest, I19EachSplatOfTheLocks) {
  for (const sim::Splat splat :
       {Splat::kSleepInAtomic, Splat::kRecursiveLock, Splat::kDeadlock, Splat::kUnlockNotOwner,
        Splat::kLockHeldAtReturn, Splat::kLockNotHeld}) {
    Splat(splat, kIoas);
    EXPECT_EQ(Detail(), std::string(Name(splat)) + ": ioas 1");
    EXPECT_EQ(Broken(), "I19");
  }
  Splat(Splat::kLockCycle, kIoas,
        static_cast<int>(sim::LockClass::kIoasMutex) << 8 |
            static_cast<int>(sim::LockClass::kObjectsXaLock));
  EXPECT_EQ(Detail(),
            "possible circular locking dependency: ioas 1: xa_lock inside ioas->mutex and the "
            "other way round");
  EXPECT_EQ(Broken(), "I19");
}

TEST_F(MonitorTest, I20UnlockedAccesses) {
  As(1);
  Feed(Primitive::kWrite, kIoas, static_cast<int>(Field::kIoptImmutable), 0);
  EXPECT_EQ(Broken(), "");
  As(2);
  Feed(Primitive::kRead, kIoas, static_cast<int>(Field::kIoptImmutable), 0);
  EXPECT_EQ(Detail(),
            "iopt->immutable of ioas 1 is read here (plain) and was written (plain) by another "
            "task, and nothing orders the two");
  EXPECT_EQ(Broken(), "I20");
}

TEST_F(MonitorTest, I21AnInjectedFailureMustBeReported) {
  Begin(0, 1);
  Feed(Primitive::kFail, {}, static_cast<int>(FaultSite::kKcalloc), 1);
  End(-sim::kENOMEM);
  EXPECT_EQ(Broken(), "");
  Begin(0, 2);
  Feed(Primitive::kFail, {}, static_cast<int>(FaultSite::kKcalloc), 1);
  End(0);
  EXPECT_EQ(Broken(), "I21");
  Begin(0, 3);
  End(0);
  EXPECT_EQ(Broken(), "") << "the failure of another call";
}

TEST_F(MonitorTest, I21IsArmedByTheFailure) {
  EXPECT_EQ(findings_.armed()[static_cast<size_t>(Invariant::kI21)], 0u);
  Begin(0, 1);
  Feed(Primitive::kFail, {}, static_cast<int>(FaultSite::kKcalloc), 1);
  EXPECT_EQ(findings_.armed()[static_cast<size_t>(Invariant::kI21)], 1u);
}

TEST_F(MonitorTest, I21ErrorPointerUsed) {
  Splat(Splat::kBadPointer, kCtx, -sim::kENOMEM);
  EXPECT_EQ(Detail(), "ERR_PTR(-ENOMEM) passes a test for NULL and is dereferenced");
  EXPECT_EQ(Broken(), "I21 I37");
}

TEST_F(MonitorTest, WhoFreedAPageIsSaidOfThatPageAlone) {
  Note(Note::kFrameFreedBy, {}, mm::PackFreedBy({mm::FrameOwner::kFlbSer, 3, 1}));
  Splat(Splat::kUseAfterFree, kIoas, 0x105);
  EXPECT_NE(Detail().find(", which was a flb ser page until operation 3, of A, freed it"),
            std::string::npos)
      << Detail();
  EXPECT_EQ(Broken(), "I08 I37");
  Splat(Splat::kForeignFrame, kIoas, 0x106);
  EXPECT_EQ(Detail().find("until operation"), std::string::npos) << Detail();
}

TEST_F(MonitorTest, I37EverythingElseThatTheKernelComplainsAbout) {
  for (const sim::Splat splat : {Splat::kWarn, Splat::kBug, Splat::kNullDereference, Splat::kHung,
                                 Splat::kRefcountUnderflow, Splat::kRefcountSaturated}) {
    Splat(splat);
    EXPECT_EQ(Broken(), "I37") << Name(splat);
  }
  Splat(Splat::kNullAreaPages, {ObjectKind::kArea, 0});
  EXPECT_EQ(Broken(), "I04 I37");
}

uint64_t ArmedBy(const Findings& findings, Invariant invariant) {
  return findings.armed()[static_cast<size_t>(invariant)];
}

TEST_F(MonitorTest, AccessesCountWhenAnotherTaskCouldInterfere) {
  const int field = static_cast<int>(Field::kIoptImmutable);
  const auto access = [&](uint8_t task, Primitive primitive, ObjectRef object) {
    As(task);
    Feed(primitive, object, field, 0);
  };
  access(0, Primitive::kWrite, kIoas);  // main runs alone
  access(1, Primitive::kWrite, kIoas);
  access(1, Primitive::kRead, kIoas);
  EXPECT_EQ(ArmedBy(findings_, Invariant::kI20), 0u);
  EXPECT_EQ(ArmedBy(findings_, Invariant::kI08), 0u);
  access(2, Primitive::kRead, kIoas);  // task 1 wrote it
  EXPECT_EQ(ArmedBy(findings_, Invariant::kI20), 1u);
  EXPECT_EQ(ArmedBy(findings_, Invariant::kI08), 1u);
  access(1, Primitive::kRead, kHwpt);
  access(2, Primitive::kRead, kHwpt);  // two readers
  EXPECT_EQ(ArmedBy(findings_, Invariant::kI20), 1u);
  EXPECT_EQ(ArmedBy(findings_, Invariant::kI08), 2u);
}

TEST_F(MonitorTest, LocksCountWhenTheyNest) {
  Begin(1, 1);
  Feed(Primitive::kLock, kIoas, static_cast<int>(sim::LockClass::kIoasMutex), 0);
  EXPECT_EQ(ArmedBy(findings_, Invariant::kI19), 0u);
  Feed(Primitive::kLock, kIoas, static_cast<int>(sim::LockClass::kIovaRwsem), 0);
  EXPECT_EQ(ArmedBy(findings_, Invariant::kI19), 1u);
  Feed(Primitive::kUnlock, kIoas, static_cast<int>(sim::LockClass::kIovaRwsem), 0);
  Feed(Primitive::kUnlock, kIoas, static_cast<int>(sim::LockClass::kIoasMutex), 0);
  Feed(Primitive::kLock, kIoas, static_cast<int>(sim::LockClass::kIovaRwsem), 0);
  EXPECT_EQ(ArmedBy(findings_, Invariant::kI19), 1u);
}

TEST_F(MonitorTest, CallsCountWhenTheyGetBeyondTheirArguments) {
  Begin(1, 1);
  End(-sim::kEINVAL);
  EXPECT_EQ(ArmedBy(findings_, Invariant::kI37), 0u);
  Begin(1, 2);
  Feed(Primitive::kLock, kIoas, static_cast<int>(sim::LockClass::kIoasMutex), 0);
  End(0);
  EXPECT_EQ(ArmedBy(findings_, Invariant::kI37), 1u);
}

TEST_F(MonitorTest, ExitIsAnOperationOfItsOwn) {
  monitor_.BeginExit();
  Splat(Splat::kWarn);
  ASSERT_EQ(findings_.violations().size(), 1u);
  EXPECT_EQ(findings_.violations()[0].operation, kExitOperation);
}

TEST_F(MonitorTest, ClearForgetsEverything) {
  Note(Note::kMark, kHwpt, 7);
  PreserveDomain();
  monitor_.BeginExit();
  monitor_.Clear();
  Note(Note::kDomainOfIoas, kDomain, 1);
  Begin(0, 5);
  PreserveDomain();
  UnpreserveDomain();
  Note(Note::kTableWrite, kDomain);
  Note(Note::kFrameFree, {ObjectKind::kFrame, 0}, 0x100);
  EXPECT_EQ(Broken(), "");
  Splat(Splat::kWarn);
  ASSERT_EQ(findings_.violations().size(), 1u);
  EXPECT_EQ(findings_.violations()[0].operation, 5);
  EXPECT_EQ(findings_.violations()[0].event, 15u) << "counted from the Clear";
}

}  // namespace
}  // namespace iommufd_check::spec::monitor_tests
