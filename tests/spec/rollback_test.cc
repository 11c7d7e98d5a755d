// I05: what a failed preserve must leave as it was, alone and beside other calls.
#include <gtest/gtest.h>

#include "model/spec/monitor.h"
#include "tests/spec/snapshots.h"

namespace iommufd_check::spec {
namespace {

const Call kMapCall{.kind = Call::Kind::kMap, .id = 1};

std::string Rollback(const Snapshot& before, const Snapshot& after,
                     const std::vector<Call>& others = {}) {
  Findings findings;
  Monitor(&findings).Tell(FailedPreserve{before, after, others});
  EXPECT_EQ(findings.armed()[static_cast<size_t>(Invariant::kI05)], 1u);
  return TextOf(findings);
}

TEST(Rollback, NothingChanged) {
  EXPECT_EQ(Rollback(Unpreserved(), Unpreserved()), "");
  EXPECT_EQ(Rollback(Preserved(), Preserved()), "");
}

TEST(Rollback, I05WhatLiveUpdateOwns) {
  const Snapshot before = Unpreserved();
  for (const std::vector<Call>& others : {std::vector<Call>{}, std::vector<Call>{kMapCall}}) {
    Snapshot after = before;
    after.ioas[0].immutable = 1;
    EXPECT_EQ(Rollback(before, after, others),
              "I05: the failed preserve leaves ioas 1 immutable 0x1, it was 0x0");
    after = before;
    after.hwpts[0].preserved = true;
    EXPECT_EQ(Rollback(before, after, others),
              "I05: the failed preserve leaves hwpt 3 preserved 0x1, it was 0x0");
    after = before;
    after.domains[0].preserved_state = kRecord;
    EXPECT_EQ(Rollback(before, after, others),
              "I05: the failed preserve leaves domain 0 preserved_state 0x200010, it was 0x0");
    after = before;
    after.domain_records = {Record(kRecord, kTop)};
    EXPECT_EQ(Rollback(before, after, others),
              "I05: the failed preserve leaves live domain records 0x1, it was 0x0");
    after.domain_records[0].deleted = true;
    EXPECT_EQ(Rollback(before, after, others), "") << "a deleted slot may stay";
    after = before;
    after.flb_count = 1;
    EXPECT_EQ(Rollback(before, after, others),
              "I05: the failed preserve leaves flb count 0x1, it was 0x0");
  }
}

TEST(Rollback, I05RegisteredPages) {
  const Snapshot before = Preserved();
  Snapshot after = before;
  after.registered.push_back({0x300, FrameOwner::kIommufdSer});
  EXPECT_EQ(Rollback(before, after), "I05: the failed preserve leaves page 0x300 registered");
  EXPECT_EQ(Rollback(after, before), "I05: the failed preserve unregistered page 0x300");
  after.registered.back().second = FrameOwner::kMemfdData;
  EXPECT_EQ(Rollback(before, after), "I05: the failed preserve leaves page 0x300 registered");
}

TEST(Rollback, I05ObjectsWhenNobodyElseRan) {
  const Snapshot before = Unpreserved();
  const auto breaks = [&](const Snapshot& after, const std::string& what) {
    EXPECT_EQ(Rollback(before, after), "I05: after the failed preserve " + what);
    EXPECT_EQ(Rollback(before, after, {kMapCall}), "") << "others may have changed it: " << what;
  };
  Snapshot after = before;
  after.ioas[0].users = 3;
  breaks(after, "users of ioas 1 changed");
  after = before;
  after.ioas[0].areas.clear();
  breaks(after, "areas of ioas 1 changed");
  after = before;
  after.ioas.clear();
  breaks(after, "ioas 1 is gone");
  after = before;
  after.hwpts[0].users = 3;
  breaks(after, "counters, mark or token of hwpt 3 changed");
  after = before;
  after.hwpts[0].marked = false;
  breaks(after, "counters, mark or token of hwpt 3 changed");
  after = before;
  after.hwpts.clear();
  breaks(after, "hwpt 3 is gone");
  after = before;
  after.devices[0].attached = 0;
  breaks(after, "a device changed");
  after = before;
  after.iommufds[0].refs = 3;
  breaks(after, "references on an iommufd changed");
}

TEST(Rollback, ObjectsInOnlyOneSnapshotAreNotCompared) {
  Snapshot after = Unpreserved();
  after.ioas.push_back({.id = 9, .users = 1});
  after.hwpts.push_back({.id = 10, .ioas = 9, .domain = 1, .users = 1, .wait_cnt = 1});
  EXPECT_EQ(Rollback(Unpreserved(), after, {kMapCall}), "");
}

TEST(Rollback, I05MemfdsAndTheFlb) {
  const Snapshot before = Unpreserved();
  Snapshot after = before;
  after.memfds[0].frozen = false;
  EXPECT_EQ(Rollback(before, after),
            "I05: the failed preserve leaves memfd 0 frozen 0x0, it was 0x1");
  after = before;
  after.sessions[0].files.clear();
  EXPECT_EQ(Rollback(before, after),
            "I05: the failed preserve leaves session 0 files 0x0, it was 0x1");
  after = before;
  after.flb_present = true;
  EXPECT_EQ(Rollback(before, after), "I05: the failed preserve leaves flb object 0x1, it was 0x0");
  after = before;
  after.memfds[0].refs = 2;
  EXPECT_EQ(Rollback(before, after),
            "I05: after the failed preserve references on memfd 0 changed");
  EXPECT_EQ(Rollback(before, after, {kMapCall}), "") << "a map holds the file";
  after = before;
  after.memfds[0].size = 0;
  EXPECT_EQ(Rollback(before, after),
            "I05: after the failed preserve size or seals of memfd 0 changed");
  after = before;
  after.memfds[0].seals = 0;
  EXPECT_EQ(Rollback(before, after),
            "I05: after the failed preserve size or seals of memfd 0 changed");
}

// What another call may change is not compared, and everything else is.
TEST(Rollback, I05BesideOtherCalls) {
  const Snapshot before = Unpreserved();
  const Call memfd{.kind = Call::Kind::kLuoPreserve, .file = {FileRef::Kind::kMemfd, 0}};
  const Call iommufd{.kind = Call::Kind::kLuoPreserve, .file = {FileRef::Kind::kIommufd, 0}};
  const Call close{.kind = Call::Kind::kLuoCloseSession};
  Snapshot immutable = before;
  immutable.ioas[0].immutable = 1;
  Snapshot thawed = before;
  thawed.memfds[0].frozen = false;
  EXPECT_NE(Rollback(before, immutable, {memfd}), "");
  EXPECT_EQ(Rollback(before, thawed, {memfd}), "");
  Findings findings;
  Monitor(&findings).Tell(FailedPreserve{before, immutable, {iommufd}});
  Monitor(&findings).Tell(FailedPreserve{before, thawed, {close}});
  EXPECT_EQ(TextOf(findings), "");
  EXPECT_EQ(findings.armed()[static_cast<size_t>(Invariant::kI05)], 0u) << "nothing is compared";
  // A memfd preserve may be the one that releases a session closed meanwhile.
  Snapshot closed = before;
  closed.sessions[0].fds = 0;
  immutable.sessions[0].fds = 0;
  Monitor(&findings).Tell(FailedPreserve{closed, immutable, {memfd}});
  EXPECT_EQ(TextOf(findings), "");
}

}  // namespace
}  // namespace iommufd_check::spec
