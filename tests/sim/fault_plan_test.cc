// The fault plan: which call fails. The event log: what a run is.

#include <gtest/gtest.h>

#include <cstring>
#include <new>

#include "tests/sim/task_fixture.h"

namespace iommufd_check::sim {
namespace {

class FaultPlan : public testing::Test, public TaskFixture {
 protected:
  // Two operations, each with three allocations and one copy; bit i of the result: call i failed.
  uint32_t Failures(const std::vector<PlannedFault>& faults) {
    uint32_t failures = 0;
    EXPECT_TRUE(Alone(
        [&](Task& t) {
          int call = 0;
          const auto record = [&](bool failed) {
            failures |= failed ? 1u << call : 0;
            ++call;
          };
          for (uint16_t operation = 0; operation < 2; ++operation) {
            runtime.BeginOperation(t, operation, 0);
            for (int i = 0; i < 3; ++i) record(fail(t, FaultSite::kAreaAlloc) != 0);
            record(fail(t, FaultSite::kCopyToUser) != 0);
            runtime.EndOperation(t, 0);
          }
        },
        faults));
    return failures;
  }
};

TEST_F(FaultPlan, FailsTheNthOfItsSiteInItsOperation) {
  EXPECT_EQ(Failures({}), 0u);
  EXPECT_EQ(Count(Primitive::kCall), 8u);
  EXPECT_EQ(Failures({{0, FaultSite::kAreaAlloc, 1}}), 1u << 0);
  EXPECT_EQ(Failures({{0, FaultSite::kAreaAlloc, 3}}), 1u << 2);
  EXPECT_EQ(Failures({{1, FaultSite::kAreaAlloc, 2}}), 1u << 5);
  EXPECT_EQ(Failures({{1, FaultSite::kCopyToUser, 1}}), 1u << 7);
  EXPECT_EQ(Count(Primitive::kFail), 1u);
  EXPECT_EQ(Count(Primitive::kCall), 7u);
}

TEST_F(FaultPlan, WhatIsNotReachedDoesNotFail) {
  EXPECT_EQ(Failures({{0, FaultSite::kAreaAlloc, 4}}), 0u);
  EXPECT_EQ(Failures({{0, FaultSite::kAreaAlloc, 0}}), 0u);
  EXPECT_EQ(Failures({{2, FaultSite::kAreaAlloc, 1}}), 0u);
  EXPECT_EQ(Failures({{0, FaultSite::kAccount, 1}}), 0u);
}

TEST_F(FaultPlan, SeveralFaultsTogether) {
  EXPECT_EQ(Failures({{0, FaultSite::kCopyToUser, 1}, {0, FaultSite::kAreaAlloc, 2}}),
            1u << 3 | 1u << 1);
}

TEST_F(FaultPlan, OccurrencesAreCountedPerTask) {
  std::vector<uint32_t> failed(2);
  const auto body = [&](uint16_t operation) -> Body {
    return [&, operation](Task& t) {
      runtime.BeginOperation(t, operation, 0);
      for (int i = 0; i < 2; ++i) {
        if (fail(t, FaultSite::kAreaAlloc) != 0) failed[operation] |= 1u << i;
      }
      runtime.EndOperation(t, 0);
    };
  };
  const std::vector<PlannedFault> faults{{1, FaultSite::kAreaAlloc, 1}};
  config.faults = faults;
  ASSERT_TRUE(Together({body(0), body(1)}, std::vector<StepSwitch>{{1, 2, 2}}));
  EXPECT_EQ(failed[0], 0u);
  EXPECT_EQ(failed[1], 1u);
}

TEST_F(FaultPlan, FailuresHaveTheErrnoOfTheirSite) {
  EXPECT_EQ(FailureOf(FaultSite::kCopyToUser), -kEFAULT);
  EXPECT_EQ(FailureOf(FaultSite::kGetObject), -kENOENT);
  EXPECT_EQ(FailureOf(FaultSite::kFdLookup), -kEBADF);
  EXPECT_EQ(FailureOf(FaultSite::kClaimDmaOwner), -kEPERM);
  EXPECT_EQ(FailureOf(FaultSite::kIommuMap), -kENOMEM);
}

class EventDigest : public FaultPlan {
 protected:
  uint64_t Digest(const std::vector<StepSwitch>& switches, int64_t value = 0) {
    const LockId lock = locks.slots().empty() ? Lock(LockClass::kIoasMutex) : LockId{0, 0};
    const Body body = [&](Task& t) {
      runtime.BeginOperation(t, t.id(), value);
      mutex_lock(t, lock);
      mutex_unlock(t, lock);
      runtime.EndOperation(t, 0);
    };
    EXPECT_TRUE(Together({body, body}, switches));
    return runtime.log().digest();
  }
};

TEST_F(EventDigest, EqualRunsHaveEqualDigests) {
  const uint64_t first = Digest({{1, 2, 2}});
  const std::vector<Event> events = runtime.log().events();
  EXPECT_EQ(Digest({{1, 2, 2}}), first);
  EXPECT_EQ(runtime.log().events(), events);
}

TEST_F(EventDigest, DifferentRunsDiffer) {
  const uint64_t plain = Digest({});
  EXPECT_NE(Digest({{1, 2, 2}}), plain) << "another schedule";
  EXPECT_NE(Digest({}, 1), plain) << "another value";
  EXPECT_EQ(Digest({{1, 99, 2}}), plain) << "a switch without effect is no difference";
}

TEST_F(EventDigest, CountsDoNotLeakFromOneRunIntoTheNext) {
  // Outside an operation too: the first run counts up, the second one begins at 1 again.
  const Body body = [](Task& t) { fail(t, FaultSite::kKcalloc); };
  ASSERT_TRUE(Alone(body));
  const uint64_t first = runtime.log().digest();
  ASSERT_TRUE(Alone(body));
  EXPECT_EQ(runtime.log().digest(), first);
  EXPECT_EQ(runtime.log().events().back().value, 1);
}

// The bytes between members, if there were any, would be what lay on the stack before.
TEST(EventLog, OnlyMembersReachTheDigest) {
  alignas(Event) unsigned char first[sizeof(Event)];
  alignas(Event) unsigned char second[sizeof(Event)];
  std::memset(first, 0x00, sizeof(first));
  std::memset(second, 0xff, sizeof(second));
  EventLog a;
  EventLog b;
  a.Append(*new (first) Event{});
  b.Append(*new (second) Event{});
  EXPECT_EQ(a.digest(), b.digest());
}

TEST(EventLog, OrderAndContentMatter) {
  EventLog a;
  EventLog b;
  Event first;
  Event second;
  second.task = 1;
  a.Append(first);
  a.Append(second);
  b.Append(second);
  b.Append(first);
  EXPECT_NE(a.digest(), b.digest());
  b.Clear();
  EXPECT_EQ(b.digest(), EventLog{}.digest());
  b.Append(first);
  b.Append(second);
  EXPECT_EQ(a.digest(), b.digest());
}

}  // namespace
}  // namespace iommufd_check::sim
