// Each invariant of quiescent points, fed with hand-made snapshots: one value at a time is changed
// in a machine that preserves one HWPT and its memory, and exactly one check notices.
#include "model/spec/quiescent.h"

#include <gtest/gtest.h>

#include <set>

namespace iommufd_check::spec {
namespace {

using mm::FileRef;
using mm::FrameOwner;

constexpr PhysAddr kRecord = 0x200010;
constexpr PhysAddr kOtherRecord = 0x200040;
constexpr Pfn kTop = 0x100;
constexpr Pfn kLeafTable = 0x101;
constexpr Pfn kPage = 0x110;
constexpr Pfn kOtherPage = 0x111;

DomainRecordView Record(PhysAddr address, Pfn top) {
  return {.address = address, .deleted = false, .top_table = mm::AddressOf(top)};
}

FileView Memfd() {
  return {.token = 1,
          .file = {FileRef::Kind::kMemfd, 0},
          .serialized_size = mm::kPageSize,
          .serialized_seals = mm::kSealsOfPreserved,
          .serialized_pages = {{0, kPage}}};
}

FileView Iommufd() {
  return {.token = 2,
          .file = {FileRef::Kind::kIommufd, 0},
          .nr_hwpts = 1,
          .records = {{.token = 7, .domain_data = kRecord}}};
}

// IOAS 1, device 2 attached to HWPT 3, which is marked with 7 and preserved; memfd 0 is mapped at
// 0x1000 and preserved before it.
Snapshot Preserved() {
  Snapshot s;
  s.iommufd_open = true;
  s.iommufd_refs = 3;  // descriptor, device, session
  s.iommufd_fds = 1;
  s.ioas = {{.id = 1,
             .users = 2,
             .immutable = 1,
             .areas = {{.first = 0x1000,
                        .last = 0x1fff,
                        .permissions = 3,
                        .finished = true,
                        .is_file = true,
                        .pages = 1}},
             .domains = {0}}};
  s.hwpts = {{.id = 3,
              .ioas = 1,
              .domain = 0,
              .users = 3,
              .wait_cnt = 1,
              .marked = true,
              .preserved = true,
              .token = 7}};
  s.devices = {{.id = 2, .endpoint = 0, .users = 3, .attached = 3}};
  s.domains = {{.number = 0,
                .ioas = 1,
                .top = kTop,
                .preserved_state = kRecord,
                .tables = {kTop, kLeafTable},
                .leaves = {{.iova = 0x1000, .pfn = kPage, .permissions = 3}}}};
  s.memfds = {{.number = 0,
               .size = mm::kPageSize,
               .seals = mm::kSealsOfPreserved,
               .frozen = true,
               .pages = {{0, kPage}}}};
  s.sessions = {{.number = 0, .name = "vm", .files = {Memfd(), Iommufd()}}};
  s.registered = {{kTop, FrameOwner::kPageTable},
                  {kLeafTable, FrameOwner::kPageTable},
                  {kPage, FrameOwner::kMemfdData},
                  {0x200, FrameOwner::kFlbSer}};
  s.flb_count = 1;
  s.flb_present = true;
  s.domain_records = {Record(kRecord, kTop)};
  return s;
}

// The same machine before the iommufd was preserved.
Snapshot Unpreserved() {
  Snapshot s = Preserved();
  s.iommufd_refs = 2;
  s.ioas[0].immutable = 0;
  s.hwpts[0].users = 2;
  s.hwpts[0].preserved = false;
  s.domains[0].preserved_state = 0;
  s.sessions[0].files.pop_back();
  s.registered = {{kPage, FrameOwner::kMemfdData}};
  s.flb_count = 0;
  s.flb_present = false;
  s.domain_records.clear();
  return s;
}

// A second HWPT on the IOAS, preserved and recorded too.
Snapshot TwoPreserved() {
  Snapshot s = Preserved();
  s.ioas[0].users = 3;
  s.ioas[0].immutable = 2;
  s.ioas[0].domains = {0, 1};
  HwptView hwpt = s.hwpts[0];
  hwpt.id = 4;
  hwpt.domain = 1;
  hwpt.users = 2;
  hwpt.token = 8;
  s.hwpts.push_back(hwpt);
  s.domains.push_back(
      {.number = 1, .ioas = 1, .top = 0x102, .preserved_state = kOtherRecord, .tables = {0x102}});
  s.registered.insert(s.registered.begin() + 2, {0x102, FrameOwner::kPageTable});
  s.sessions[0].files[1].nr_hwpts = 2;
  s.sessions[0].files[1].records.push_back({.token = 8, .domain_data = kOtherRecord});
  s.domain_records.push_back(Record(kOtherRecord, 0x102));
  return s;
}

std::string TextOf(const Findings& findings) {
  std::set<std::string> lines;
  for (const Violation& v : findings.violations()) {
    lines.insert(std::string(IdOf(v.invariant)) + ": " + v.detail);
  }
  std::string text;
  for (const std::string& line : lines) text += (text.empty() ? "" : "\n") + line;
  return text;
}

std::string Quiescent(const Snapshot& now) {
  Findings findings;
  CheckQuiescent(now, &findings);
  return TextOf(findings);
}

TEST(Quiescent, WellFormedMachinesBreakNothing) {
  EXPECT_EQ(Quiescent(Snapshot{}), "");
  EXPECT_EQ(Quiescent(Unpreserved()), "");
  EXPECT_EQ(Quiescent(Preserved()), "");
  EXPECT_EQ(Quiescent(TwoPreserved()), "");
}

TEST(Quiescent, EachCheckHadSomethingToCheck) {
  Findings findings;
  CheckQuiescent(Preserved(), &findings);
  for (const Invariant invariant :
       {Invariant::kI02, Invariant::kI07, Invariant::kI08, Invariant::kI10, Invariant::kI11,
        Invariant::kI14, Invariant::kI15, Invariant::kI18, Invariant::kI24}) {
    EXPECT_GT(findings.armed()[static_cast<size_t>(invariant)], 0u) << IdOf(invariant);
  }
}

TEST(Quiescent, I02TableIsNotRegistered) {
  Snapshot s = Preserved();
  s.registered.erase(s.registered.begin() + 1);
  EXPECT_EQ(Quiescent(s), "I02: table 0x101 of a recorded domain is not registered");
}

TEST(Quiescent, I02TableIsRegisteredThatNoRecordReaches) {
  Snapshot s = Preserved();
  s.registered.insert(s.registered.begin() + 2, {0x105, FrameOwner::kPageTable});
  EXPECT_EQ(Quiescent(s), "I02: table 0x105 is registered but no live record reaches it");
}

TEST(Quiescent, I02FreePageIsRegistered) {
  Snapshot s = Preserved();
  s.registered.push_back({0x300, FrameOwner::kFree});
  EXPECT_EQ(Quiescent(s), "I02: free page 0x300 is registered");
}

TEST(Quiescent, I02RecordNamesAnotherTop) {
  Snapshot s = Preserved();
  s.domain_records[0].top_table = mm::AddressOf(kLeafTable);
  EXPECT_EQ(Quiescent(s), "I02: table 0x100 is registered but no live record reaches it");
}

TEST(Quiescent, I07FlagWithoutAPreservedHwpt) {
  Snapshot s = Unpreserved();
  s.ioas[0].immutable = 1;
  EXPECT_EQ(Quiescent(s), "I07: ioas 1 has no preserved hwpt and is immutable");
}

TEST(Quiescent, I07PreservedHwptWithoutTheFlag) {
  Snapshot s = Preserved();
  s.ioas[0].immutable = 0;
  EXPECT_EQ(Quiescent(s), "I07: ioas 1 has a preserved hwpt and may change");
}

TEST(Quiescent, I07CountAbovePreservedHwpts) {
  Snapshot s = Preserved();
  s.ioas[0].immutable = 2;
  EXPECT_EQ(Quiescent(s), "I07: ioas 1 is immutable 2 times for 1 preserved hwpts");
  s = TwoPreserved();
  s.ioas[0].immutable = 1;
  EXPECT_EQ(Quiescent(s), "") << "a flag";
}

TEST(Quiescent, I08PreservedStateOfADeletedRecord) {
  Snapshot s = Unpreserved();
  s.ioas[0].immutable = 1;
  s.domains[0].preserved_state = kRecord;
  EXPECT_EQ(Quiescent(s),
            "I08: preserved_state of domain 0 points to 0x200010, which is no live record");
  s.domain_records = {Record(kRecord, kTop)};
  s.domain_records[0].deleted = true;
  EXPECT_EQ(Quiescent(s),
            "I08: preserved_state of domain 0 points to 0x200010, which is no live record");
}

TEST(Quiescent, I10CountAndRecordsDiffer) {
  Snapshot s = Preserved();
  s.sessions[0].files[1].nr_hwpts = 5000;
  EXPECT_EQ(Quiescent(s), "I10: the count says 5000 and 1 records fit the memory");
}

TEST(Quiescent, I10RecordWithoutADomain) {
  Snapshot s = Preserved();
  s.sessions[0].files[1].nr_hwpts = 2;
  s.sessions[0].files[1].records.push_back({});
  EXPECT_EQ(Quiescent(s),
            "I10: record 1 of 2 names domain record 0x0, which is not a live one of its own");
}

TEST(Quiescent, I10TwoRecordsOfOneDomain) {
  Snapshot s = Preserved();
  s.sessions[0].files[1].nr_hwpts = 2;
  s.sessions[0].files[1].records.push_back(s.sessions[0].files[1].records[0]);
  EXPECT_EQ(Quiescent(s),
            "I10: record 1 of 2 names domain record 0x200010, which is not a live one of its own");
}

TEST(Quiescent, I10PreservedHwptWithoutARecord) {
  Snapshot s = TwoPreserved();
  s.sessions[0].files[1].nr_hwpts = 1;
  s.sessions[0].files[1].records.pop_back();
  EXPECT_EQ(Quiescent(s), "I10: hwpt 4 is preserved and none of the 1 records names it");
}

TEST(Quiescent, I11TwoHwptsWithOneToken) {
  Snapshot s = TwoPreserved();
  s.hwpts[1].token = 7;
  s.sessions[0].files[1].records[1].token = 7;
  EXPECT_EQ(Quiescent(s), "I11: hwpts 3 and 4 are both marked with token 7");
  s.hwpts[1].marked = false;
  EXPECT_EQ(Quiescent(s), "");
}

TEST(Quiescent, I11RecordWithAnotherToken) {
  Snapshot s = Preserved();
  s.sessions[0].files[1].records[0].token = 9;
  EXPECT_EQ(Quiescent(s), "I11: the record of hwpt 3 carries token 9 and the hwpt has token 7");
}

constexpr char kNotCovered[] =
    "I14: iova 0x1000 maps page 0x110, which no memfd of the session hands over at that offset";

TEST(Quiescent, I14AnonymousMemoryAndMemfdOfNoSession) {
  Snapshot s = Preserved();
  s.ioas[0].areas[0].is_file = false;
  EXPECT_EQ(Quiescent(s), kNotCovered);
  s = Preserved();
  s.sessions[0].files.erase(s.sessions[0].files.begin());
  EXPECT_EQ(Quiescent(s), kNotCovered);
}

TEST(Quiescent, I14MemfdOfAnotherSession) {
  Snapshot s = Preserved();
  s.sessions[0].files.erase(s.sessions[0].files.begin());
  s.sessions.push_back({.number = 1, .name = "other", .files = {Memfd()}});
  EXPECT_EQ(Quiescent(s), kNotCovered);
}

TEST(Quiescent, I14PageAtAnotherOffset) {
  Snapshot s = Preserved();
  s.sessions[0].files[0].serialized_pages = {{0, kOtherPage}, {1, kPage}};
  EXPECT_EQ(Quiescent(s), kNotCovered);
}

TEST(Quiescent, I14PageIsNotRegistered) {
  Snapshot s = Preserved();
  s.registered.erase(s.registered.begin() + 2);
  EXPECT_EQ(Quiescent(s), kNotCovered);
}

TEST(Quiescent, I15SealsWereNotSerialized) {
  Snapshot s = Preserved();
  s.sessions[0].files[0].serialized_seals = mm::kSealSeal | mm::kSealGrow;
  EXPECT_EQ(Quiescent(s), "I15: memfd 0 is handed over with seals 0x5, without those relied upon");
}

TEST(Quiescent, I15PageWasReplaced) {
  Snapshot s = Preserved();
  s.memfds[0].pages = {{0, kOtherPage}};
  EXPECT_EQ(Quiescent(s), "I15: page 0 of memfd 0 is no longer the one mapped at iova 0x1000");
}

TEST(Quiescent, MemoryOfADomainThatIsNotPreservedIsFree) {
  Snapshot s = Unpreserved();
  s.ioas[0].areas[0].is_file = false;
  s.sessions.clear();
  s.registered.clear();
  EXPECT_EQ(Quiescent(s), "");
}

TEST(Quiescent, I18FileInTwoSessions) {
  Snapshot s = Preserved();
  s.sessions.push_back({.number = 1, .name = "other", .files = {Memfd()}});
  EXPECT_EQ(Quiescent(s), "I18: a file is preserved twice, again with token 1");
}

TEST(Quiescent, I24UsersOfEachKind) {
  Snapshot s = Preserved();
  s.ioas[0].users = 3;
  EXPECT_EQ(Quiescent(s), "I24: ioas 1 has users 3 and 2 holders");
  s = Preserved();
  s.hwpts[0].users = 2;
  EXPECT_EQ(Quiescent(s), "I24: hwpt 3 has users 2 and 3 holders, wait_cnt 1");
  s = Preserved();
  s.hwpts[0].wait_cnt = 2;
  EXPECT_EQ(Quiescent(s), "I24: hwpt 3 has users 3 and 3 holders, wait_cnt 2");
  s = Preserved();
  s.devices[0].users = 2;
  EXPECT_EQ(Quiescent(s), "I24: device 2 has users 2 and 3 holders");
}

TEST(Quiescent, I24FlbAndFileReferences) {
  Snapshot s = Preserved();
  s.flb_count = 2;
  EXPECT_EQ(Quiescent(s), "I24: the FLB has count 2 for 1 preserved iommufd files");
  s = Unpreserved();
  s.flb_present = true;
  EXPECT_EQ(Quiescent(s), "I24: the FLB has count 0 for 0 preserved iommufd files");
  s = Preserved();
  s.iommufd_refs = 4;
  EXPECT_EQ(Quiescent(s), "I24: the iommufd file has 4 references and 3 holders");
}

std::string Rollback(const Snapshot& before, const Snapshot& after, bool alone = true) {
  Findings findings;
  CheckRollback(before, after, alone, &findings);
  EXPECT_EQ(findings.armed()[static_cast<size_t>(Invariant::kI05)], 1u);
  return TextOf(findings);
}

TEST(Rollback, NothingChanged) {
  EXPECT_EQ(Rollback(Unpreserved(), Unpreserved()), "");
  EXPECT_EQ(Rollback(Preserved(), Preserved()), "");
}

TEST(Rollback, I05WhatLiveUpdateOwns) {
  const Snapshot before = Unpreserved();
  for (const bool alone : {true, false}) {
    Snapshot after = before;
    after.ioas[0].immutable = 1;
    EXPECT_EQ(Rollback(before, after, alone),
              "I05: the failed preserve leaves ioas 1 immutable 0x1, it was 0x0");
    after = before;
    after.hwpts[0].preserved = true;
    EXPECT_EQ(Rollback(before, after, alone),
              "I05: the failed preserve leaves hwpt 3 preserved 0x1, it was 0x0");
    after = before;
    after.domains[0].preserved_state = kRecord;
    EXPECT_EQ(Rollback(before, after, alone),
              "I05: the failed preserve leaves domain 0 preserved_state 0x200010, it was 0x0");
    after = before;
    after.domain_records = {Record(kRecord, kTop)};
    EXPECT_EQ(Rollback(before, after, alone),
              "I05: the failed preserve leaves live domain records 0x1, it was 0x0");
    after.domain_records[0].deleted = true;
    EXPECT_EQ(Rollback(before, after, alone), "") << "a deleted slot may stay";
    after = before;
    after.flb_count = 1;
    EXPECT_EQ(Rollback(before, after, alone),
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
  EXPECT_EQ(Rollback(before, after), "") << "a memfd's pages are not the iommufd's";
}

TEST(Rollback, I05ObjectsWhenNobodyElseRan) {
  const Snapshot before = Unpreserved();
  const auto breaks = [&](const Snapshot& after, const std::string& what) {
    EXPECT_EQ(Rollback(before, after), "I05: after the failed preserve " + what);
    EXPECT_EQ(Rollback(before, after, false), "") << "others may have changed it: " << what;
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
  after.iommufd_refs = 3;
  breaks(after, "references on the iommufd changed");
}

TEST(Rollback, ObjectsInOnlyOneSnapshotAreNotCompared) {
  Snapshot after = Unpreserved();
  after.ioas.push_back({.id = 9, .users = 1});
  after.hwpts.push_back({.id = 10, .ioas = 9, .domain = 1, .users = 1, .wait_cnt = 1});
  EXPECT_EQ(Rollback(Unpreserved(), after, false), "");
}

}  // namespace
}  // namespace iommufd_check::spec
