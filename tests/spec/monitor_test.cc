// Each invariant of every transition, fed with hand-made events: it fires, and it stays silent.
#include "model/spec/monitor.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "model/sim/errno.h"

namespace iommufd_check::spec {
namespace {

using sim::FaultSite;
using sim::Field;
using sim::Note;
using sim::ObjectKind;
using sim::ObjectRef;
using sim::Primitive;
using sim::Splat;

constexpr ObjectRef kCtx{ObjectKind::kIommufd, 0};
constexpr ObjectRef kIoas{ObjectKind::kIoas, 1};
constexpr ObjectRef kHwpt{ObjectKind::kHwpt, 3};
constexpr ObjectRef kDomain{ObjectKind::kDomain, 0};
constexpr ObjectRef kDomain1{ObjectKind::kDomain, 1};

class MonitorTest : public testing::Test {
 protected:
  MonitorTest() {
    monitor_.Clear();
    Note(Note::kDomainOfIoas, kDomain, 1);
  }

  void Feed(Primitive primitive, ObjectRef object, int detail, int64_t value) {
    monitor_.OnEvent({.operation = operation_,
                      .task = task_,
                      .primitive = primitive,
                      .object = object,
                      .detail = static_cast<uint8_t>(detail),
                      .value = value});
  }
  void Note(sim::Note note, ObjectRef object, int64_t value = 0) {
    Feed(Primitive::kNote, object, static_cast<int>(note), value);
  }
  void Splat(sim::Splat splat, ObjectRef object = {}, int64_t value = 0) {
    Feed(Primitive::kSplat, object, static_cast<int>(splat), value);
  }
  void Begin(uint8_t task, uint16_t operation) {
    task_ = task;
    operation_ = operation;
    Feed(Primitive::kOpBegin, {}, 0, 0);
  }
  void End(int64_t result) { Feed(Primitive::kOpEnd, {}, 0, result); }
  void As(uint8_t task) { task_ = task; }

  // What a preserve of the one domain does; pfn 0x100 is its table.
  void PreserveDomain() {
    Note(Note::kPreserveBegin, kCtx);
    Note(Note::kImmutableSet, kIoas, 1);
    Note(Note::kKhoAdd, kDomain, 0x100);
    Note(Note::kDomainPreserved, kDomain);
    Note(Note::kPreserveEnd, kCtx, 0);
  }
  void UnpreserveDomain() {
    Note(Note::kUnpreserveBegin, kCtx);
    Note(Note::kKhoDel, kDomain, 0x100);
    Note(Note::kDomainUnpreserved, kDomain);
    Note(Note::kImmutableClear, kIoas);
    Note(Note::kUnpreserveEnd, kCtx);
  }

  // "I01 I06", in order of discovery; forgets them.
  std::string Broken() {
    std::string text;
    for (const Violation& v : findings_.violations()) {
      text += (text.empty() ? "" : " ") + std::string(IdOf(v.invariant));
    }
    findings_.Clear();
    return text;
  }
  std::string Detail() {
    return findings_.violations().empty() ? "" : findings_.violations()[0].detail;
  }

  uint8_t task_ = 0;
  uint16_t operation_ = 0;
  Findings findings_;
  Monitor monitor_{&findings_};
};

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
  const uint32_t before = monitor_.events_seen();
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
  EXPECT_EQ(violation.event, before + 2);
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
  EXPECT_EQ(monitor_.events_seen(), 0u);
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
}

}  // namespace
}  // namespace iommufd_check::spec
