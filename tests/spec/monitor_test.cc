// Each invariant of every transition, fed with hand-made events: it fires, and it stays silent.
// Those of registration, immutability and marks; monitor_kernel_test.cc has the others.
#include <gtest/gtest.h>

#include "tests/spec/monitor_fixture.h"

namespace iommufd_check::spec::monitor_tests {
namespace {

TEST_F(MonitorTest, PreserveAndUnpreserveInOrderBreakNothing) {
  Begin(0, 1);
  PreserveDomain();
  End(0);
  Begin(0, 2);
  UnpreserveDomain();
  End(0);
  EXPECT_EQ(Broken(), "");
}

TEST_F(MonitorTest, CountsEventsAndTellsWhere) {
  Begin(2, 7);
  monitor_.OnEvent({.step = 9,
                    .operation = 7,
                    .task = 2,
                    .primitive = Primitive::kSplat,
                    .detail = static_cast<uint8_t>(Splat::kWarn)});
  ASSERT_EQ(findings_.violations().size(), 1u);
  const Violation& violation = findings_.violations()[0];
  EXPECT_EQ(violation.operation, 7);
  EXPECT_EQ(violation.task, 2);
  EXPECT_EQ(violation.step, 9u);
  EXPECT_EQ(violation.event, 3u) << "after the one of the fixture, and the begin";
}

TEST_F(MonitorTest, AFunctionThatTheEventDoesNotSayIsThatOfTheTask) {
  Begin(0, 1);
  findings_.SetFunction(sim::Fn::kIommuMap);
  Note(Note::kKhoAdd, kDomain, 0x100);
  ASSERT_EQ(findings_.violations().size(), 1u);
  EXPECT_EQ(findings_.violations()[0].function, sim::Fn::kIommuMap);
  EXPECT_EQ(findings_.violations()[0].splat, sim::Splat::kCount);
  monitor_.OnEvent({.operation = 1,
                    .primitive = Primitive::kSplat,
                    .detail = static_cast<uint8_t>(Splat::kWarn),
                    .mode = static_cast<uint8_t>(sim::Condition::kImmutable),
                    .spare = static_cast<uint16_t>(sim::Fn::kIoptAbortArea)});
  ASSERT_EQ(findings_.violations().size(), 2u);
  EXPECT_EQ(findings_.violations()[1].function, sim::Fn::kIoptAbortArea);
  EXPECT_EQ(findings_.violations()[1].condition, sim::Condition::kImmutable);
  EXPECT_EQ(findings_.violations()[1].detail, "iopt_abort_area: WARN_ON(immutable)");
}

// Whoever falls asleep last, it is one finding, of the first task in it.
TEST_F(MonitorTest, I19ADeadlockIsOfItsFirstTask) {
  for (const uint8_t last : {uint8_t{1}, uint8_t{2}}) {
    for (const uint8_t task : {static_cast<uint8_t>(3 - last), last}) {
      Begin(task, task);
      Feed(Primitive::kWait, kIoas, static_cast<int>(sim::LockClass::kIoasMutex), 0);
    }
    Splat(Splat::kDeadlock, kIoas);
    ASSERT_EQ(findings_.violations().size(), 1u);
    EXPECT_EQ(findings_.violations()[0].operation, 1);
    EXPECT_EQ(Detail(),
              "no task can continue: task A waits for ioas->mutex of ioas 1, task B waits for "
              "ioas->mutex of ioas 1");
    EXPECT_EQ(Broken(), "I19");
  }
}

TEST_F(MonitorTest, I01TableRegisteredBeforeTheIoasIsImmutable) {
  Note(Note::kKhoAdd, kDomain, 0x100);
  EXPECT_EQ(Detail(), "table 0x100 of domain 0 is registered while ioas 1 may change");
  EXPECT_EQ(Broken(), "I01");
}

TEST_F(MonitorTest, I01IoasMayChangeBeforeTheTablesAreUnregistered) {
  Note(Note::kImmutableSet, kIoas, 1);
  Note(Note::kKhoAdd, kDomain, 0x100);
  Note(Note::kImmutableClear, kIoas);
  EXPECT_EQ(Broken(), "I01");
}

TEST_F(MonitorTest, I01IsAboutTablesOnly) {
  Note(Note::kKhoAdd, kCtx, 0x200);
  Note(Note::kImmutableSet, kIoas, 1);
  Note(Note::kImmutableClear, kIoas);
  EXPECT_EQ(Broken(), "");
}

TEST_F(MonitorTest, I02FreeOfARegisteredPage) {
  PreserveDomain();
  Note(Note::kFrameFree, {ObjectKind::kFrame, 0}, 0x101);
  EXPECT_EQ(Broken(), "");
  Note(Note::kFrameFree, {ObjectKind::kFrame, 0}, 0x100);
  EXPECT_EQ(Detail(), "page 0x100 is freed while it is registered for domain 0");
  EXPECT_EQ(Broken(), "I02");
}

TEST_F(MonitorTest, I03TableWrite) {
  Note(Note::kTableWrite, kDomain);
  EXPECT_EQ(Broken(), "");
  PreserveDomain();
  Note(Note::kTableWrite, kDomain1);
  EXPECT_EQ(Broken(), "") << "another domain";
  Note(Note::kTableWrite, kDomain);
  EXPECT_EQ(Broken(), "I03");
  UnpreserveDomain();
  Note(Note::kTableWrite, kDomain);
  EXPECT_EQ(Broken(), "");
}

TEST_F(MonitorTest, I03HoldsFromTheFirstRegisteredTable) {
  Note(Note::kImmutableSet, kIoas, 1);
  Note(Note::kKhoAdd, kDomain, 0x100);
  Note(Note::kTableWrite, kDomain);
  EXPECT_EQ(Broken(), "I03");
}

TEST_F(MonitorTest, I04TableWriteAfterTheTestBecameOld) {
  Begin(1, 1);
  Note(Note::kGatePassed, kIoas);
  As(2);
  Note(Note::kImmutableSet, kIoas, 1);
  As(1);
  Note(Note::kTableWrite, kDomain);
  EXPECT_EQ(Broken(), "I04");
}

TEST_F(MonitorTest, I04StaysSilentWhenTestedAgainOrNeverTested) {
  Note(Note::kImmutableSet, kIoas, 1);
  Begin(1, 1);
  Note(Note::kTableWrite, kDomain);  // a new domain is filled: no gate, and it is not preserved
  Note(Note::kGatePassed, kIoas);
  Note(Note::kTableWrite, kDomain);
  EXPECT_EQ(Broken(), "");
}

// What another run remembered came before all of this one's tests.
TEST_F(MonitorTest, I04ATestIsYoungerThanWhatIsRecalled) {
  monitor_.Clear();
  monitor_.Recall({.immutable = {kIoas.number}, .domain_ioas = {{0, kIoas.number}}});
  Begin(1, 1);
  Note(Note::kGatePassed, kIoas);
  Note(Note::kTableWrite, kDomain);
  EXPECT_EQ(Broken(), "");
}

TEST_F(MonitorTest, I01AnIoasThatTakesAFreedOnesIdMayChange) {
  Note(Note::kImmutableSet, kIoas, 1);
  Note(Note::kObjectFreed, kIoas);
  Note(Note::kKhoAdd, kDomain, 0x100);
  EXPECT_EQ(Broken(), "I01");
}

TEST_F(MonitorTest, I01AFreedDomainIsOfNoIoas) {
  Note(Note::kImmutableSet, kIoas, 1);
  Note(Note::kDomainFreed, kDomain);
  Note(Note::kKhoAdd, kDomain, 0x100);
  EXPECT_EQ(Broken(), "I01");
}

TEST_F(MonitorTest, I04AGateIsForgottenWithItsOperation) {
  Begin(1, 1);
  Note(Note::kGatePassed, kIoas);
  End(0);
  Note(Note::kImmutableSet, kIoas, 1);
  Begin(1, 2);
  Note(Note::kTableWrite, kDomain);
  EXPECT_EQ(Broken(), "");
}

TEST_F(MonitorTest, I04UnfilledAreaMustBeAnsweredWithEbusy) {
  Begin(1, 1);
  Note(Note::kPreserveBegin, kCtx);
  Note(Note::kUnfilledAreaSeen, {ObjectKind::kArea, 0});
  End(-sim::kEBUSY);
  EXPECT_EQ(Broken(), "");
  Begin(1, 2);
  Note(Note::kPreserveBegin, kCtx);
  Note(Note::kUnfilledAreaSeen, {ObjectKind::kArea, 0});
  End(-sim::kEINVAL);
  EXPECT_EQ(Broken(), "I04");
  Begin(1, 3);
  Note(Note::kUnfilledAreaSeen, {ObjectKind::kArea, 0});
  End(0);
  EXPECT_EQ(Broken(), "") << "other calls see them, too";
}

TEST_F(MonitorTest, I04OrBeWaitedFor) {
  Begin(1, 1);
  Note(Note::kPreserveBegin, kCtx);
  Note(Note::kUnfilledAreaSeen, {ObjectKind::kArea, 0});
  Feed(Primitive::kWait, kIoas, sim::kNoLockClass, 0);
  End(0);
  EXPECT_EQ(Broken(), "");
  Begin(1, 2);
  Note(Note::kPreserveBegin, kCtx);
  Note(Note::kUnfilledAreaSeen, {ObjectKind::kArea, 0});
  Feed(Primitive::kWait, kIoas, static_cast<int>(sim::LockClass::kPagesMutex), 0);
  End(0);
  EXPECT_EQ(Broken(), "I04") << "for a lock, not for the map";
}

// S_after == S_before is the whole rule: who was refused meanwhile is told EBUSY, as documented.
TEST_F(MonitorTest, I05ARefusalOnTheWayIsNoViolation) {
  for (const int result : {-sim::kEINVAL, -sim::kENOENT, -sim::kENOMEM, 0}) {
    Begin(1, 1);
    Note(Note::kPreserveBegin, kCtx);
    Note(Note::kImmutableSet, kIoas, 1);
    As(2);
    Note(Note::kGateRefused, kIoas);
    As(1);
    Note(Note::kImmutableClear, kIoas);
    Note(Note::kPreserveEnd, kCtx, result);
    End(result);
    EXPECT_EQ(Broken(), "") << result;
  }
}

TEST_F(MonitorTest, I06UnregisteringWhatIsNotRegisteredOrBelongsToAnother) {
  Note(Note::kKhoDel, kCtx, 0x200);
  EXPECT_EQ(Detail(), "page 0x200 is unregistered for iommufd 0, which never registered it");
  EXPECT_EQ(Broken(), "I06");
  Note(Note::kKhoAdd, kCtx, 0x200);
  Note(Note::kKhoDel, kDomain, 0x200);
  EXPECT_EQ(Broken(), "I06");
}

TEST_F(MonitorTest, I06UnpreserveOfADomainThatIsNotPreserved) {
  Note(Note::kDomainUnpreserved, kDomain);
  EXPECT_EQ(Broken(), "I06");
  Note(Note::kDomainPreserveMissing, kDomain);
  EXPECT_EQ(Broken(), "I06");
}

TEST_F(MonitorTest, I06UnpreserveLeavesNothing) {
  Note(Note::kDomainPreserved, kDomain);
  Note(Note::kUnpreserveEnd, kCtx);
  EXPECT_EQ(Detail(), "unpreserve leaves domain 0 preserved");
  EXPECT_EQ(Broken(), "I06");
}

TEST_F(MonitorTest, I07IoasMayChangeWhileOneOfItsDomainsIsPreserved) {
  Note(Note::kDomainOfIoas, kDomain1, 2);
  Note(Note::kImmutableSet, kIoas, 1);
  Note(Note::kDomainPreserved, kDomain1);
  Note(Note::kImmutableClear, kIoas);
  EXPECT_EQ(Broken(), "") << "a domain of another ioas";
  Note(Note::kImmutableSet, kIoas, 1);
  Note(Note::kDomainPreserved, kDomain);
  Note(Note::kImmutableClear, kIoas);
  EXPECT_EQ(Detail(), "ioas 1 may change again while domain 0 is preserved");
  EXPECT_EQ(Broken(), "I07");
}

TEST_F(MonitorTest, I08FreeOfAPreservedDomainAndUseAfterFree) {
  Note(Note::kDomainFreed, kDomain);
  EXPECT_EQ(Broken(), "");
  Note(Note::kDomainPreserved, kDomain);
  Note(Note::kDomainFreed, kDomain);
  EXPECT_EQ(Broken(), "I08");
  Splat(Splat::kUseAfterFree, kHwpt);
  EXPECT_EQ(Broken(), "I08 I37");
  Splat(Splat::kFreeLockedLock, kHwpt);
  EXPECT_EQ(Broken(), "I08 I37");
}

TEST_F(MonitorTest, I10StoreOutsideOfTheArray) {
  Note(Note::kRecordCapacity, kCtx, 30);  // bytes
  Note(Note::kRecordStore, kCtx, 4);
  Note(Note::kRecordStore, kCtx, 30);
  EXPECT_EQ(Broken(), "");
  Note(Note::kRecordStore, kCtx, 31);
  EXPECT_EQ(Detail(), "a record is stored up to byte 31 of an allocation of 30");
  EXPECT_EQ(Broken(), "I10");
  Note(Note::kPreserveBegin, kCtx);
  Note(Note::kRecordStore, kCtx, 1);
  EXPECT_EQ(Broken(), "I10") << "no array yet";
}

TEST_F(MonitorTest, I12MarksDoNotChangeWhileTheFileIsPreserved) {
  Note(Note::kMark, kHwpt, 7);
  Note(Note::kMark, kHwpt, 8);
  EXPECT_EQ(Broken(), "");
  Note(Note::kPreserveBegin, kCtx);
  Note(Note::kPreserveEnd, kCtx, 0);
  Note(Note::kMark, kHwpt, 8);
  EXPECT_EQ(Broken(), "") << "the same token again changes nothing";
  Note(Note::kMark, kHwpt, 9);
  EXPECT_EQ(Broken(), "I12");
  Note(Note::kMark, {ObjectKind::kHwpt, 4}, 1);
  EXPECT_EQ(Broken(), "I12");
  Note(Note::kMarkGone, kHwpt);
  EXPECT_EQ(Broken(), "I12");
  Note(Note::kUnpreserveBegin, kCtx);
  Note(Note::kMark, kHwpt, 10);
  Note(Note::kMarkGone, kHwpt);
  EXPECT_EQ(Broken(), "");
}

// A preserve that looks again sees the change, and one that fails hands nothing over.
TEST_F(MonitorTest, I12AChangeCountsFromTheLastLookOfThePreserve) {
  for (const bool looks_again : {false, true}) {
    for (const int result : {0, -sim::kEFAULT}) {
      Begin(1, 1);
      Note(Note::kPreserveBegin, kCtx);
      Feed(Primitive::kRead, kHwpt, static_cast<int>(sim::Field::kHwptBits), 0);
      Begin(2, 2);
      Note(Note::kMark, {ObjectKind::kHwpt, 4}, 1);
      EXPECT_EQ(Broken(), "");
      As(1);
      if (looks_again) {
        Feed(Primitive::kRead, kHwpt, static_cast<int>(sim::Field::kHwptBits), 0);
      }
      Note(Note::kPreserveEnd, kCtx, result);
      EXPECT_EQ(Broken(), looks_again || result != 0 ? "" : "I12");
      Note(Note::kUnpreserveBegin, kCtx);
      Note(Note::kMarkGone, {ObjectKind::kHwpt, 4});
    }
  }
}

TEST_F(MonitorTest, I12ATaskDoesNotRaceWithItsOwnPreserve) {
  Begin(1, 1);
  Note(Note::kPreserveBegin, kCtx);
  Note(Note::kMark, kHwpt, 7);
  Note(Note::kPreserveEnd, kCtx, 0);
  EXPECT_EQ(Broken(), "");
}

TEST_F(MonitorTest, I12AFailedPreserveAndTheExitFreeTheMarks) {
  Note(Note::kMark, kHwpt, 7);
  Note(Note::kPreserveBegin, kCtx);
  Note(Note::kPreserveEnd, kCtx, -sim::kENOMEM);
  Note(Note::kMark, kHwpt, 8);
  EXPECT_EQ(Broken(), "");
  Note(Note::kPreserveBegin, kCtx);
  Note(Note::kPreserveEnd, kCtx, 0);
  monitor_.BeginExit();
  Note(Note::kMarkGone, kHwpt);
  EXPECT_EQ(Broken(), "");
}

TEST_F(MonitorTest, I18SecondPreserverOfAPageOrADomain) {
  Note(Note::kKhoAdd, kCtx, 0x200);
  Note(Note::kKhoAdd, {ObjectKind::kFlb, 0}, 0x200);
  EXPECT_EQ(Detail(), "page 0x200 is registered again while it is registered for iommufd 0");
  EXPECT_EQ(Broken(), "I18");
  Note(Note::kKhoAdd, kCtx, 0x201);
  Note(Note::kKhoDel, kCtx, 0x201);
  Note(Note::kKhoAdd, kCtx, 0x201);
  EXPECT_EQ(Broken(), "");
  Note(Note::kDomainPreserved, kDomain);
  EXPECT_EQ(Broken(), "");
  Note(Note::kDomainPreserved, kDomain);
  EXPECT_EQ(Broken(), "I18");
}

}  // namespace
}  // namespace iommufd_check::spec::monitor_tests
