// Each invariant of quiescent points, fed with hand-made snapshots: one value at a time is changed
// in a machine that preserves one HWPT and its memory, and exactly one check notices.
#include <gtest/gtest.h>

#include "model/spec/monitor.h"
#include "tests/spec/snapshot_parts.h"
#include "tests/spec/snapshots.h"

namespace iommufd_check::spec {
namespace {

std::string Quiescent(const Snapshot& now) {
  Findings findings;
  Monitor(&findings).TellRest(now, kAllParts);
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
  Monitor(&findings).TellRest(Preserved(), kAllParts);
  for (const Invariant invariant :
       {Invariant::kI02, Invariant::kI07, Invariant::kI08, Invariant::kI10, Invariant::kI11,
        Invariant::kI14, Invariant::kI15, Invariant::kI18, Invariant::kI24}) {
    EXPECT_GT(findings.armed()[static_cast<size_t>(invariant)], 0u) << IdOf(invariant);
  }
}

// What one check says of a machine: how often it was armed, and what it found.
std::string SaidBy(Invariant invariant, const Snapshot& now) {
  Findings findings;
  Monitor(&findings).TellRest(now, kAllParts);
  std::string text = std::to_string(findings.armed()[static_cast<size_t>(invariant)]);
  for (const Violation& v : findings.violations()) {
    if (v.invariant == invariant) text += "\n" + v.detail;
  }
  return text;
}

TEST(Quiescent, ChecksLookAtTheirPartsAlone) {
  const std::vector<Snapshot> machines = {Snapshot{}, Unpreserved(), Preserved(), TwoPreserved()};
  int left_out = 0;
  for (const auto& ear : Listeners::All().of_moment<Snapshot>()) {
    for (const Snapshot& one : machines) {
      for (const Snapshot& other : machines) {
        Snapshot mixed = one;
        for (int i = 0; i < static_cast<int>(Part::kCount); ++i) {
          if (Contains(ear.looks_at, static_cast<Part>(i))) continue;
          CopyPart(static_cast<Part>(i), other, &mixed);
          ++left_out;
        }
        EXPECT_EQ(SaidBy(ear.invariant, mixed), SaidBy(ear.invariant, one)) << IdOf(ear.invariant);
      }
    }
  }
  EXPECT_GT(left_out, 500);
}

TEST(Quiescent, ACheckThatHeldIsAskedWhenItsPartsChange) {
  Findings findings;
  Monitor monitor(&findings);
  Snapshot s = Preserved();
  monitor.TellRest(s, kAllParts);
  const auto armed = findings.armed();
  s.devices[0].wait_cnt = 2;
  monitor.TellRest(s, kAllParts & ~Only(Part::kDevices) & ~Only(Part::kIoas) & ~Only(Part::kHwpts));
  EXPECT_EQ(TextOf(findings), "") << "I09 looks at none of these";
  for (size_t i = 0; i < armed.size(); ++i) {
    EXPECT_EQ(findings.armed()[i], 2 * armed[i]) << IdOf(static_cast<Invariant>(i));
  }
  monitor.TellRest(s, Only(Part::kDevices));
  EXPECT_EQ(TextOf(findings), "I09: wait_cnt of device 2 is 2 while no call is in progress");
  monitor.TellRest(s, kNoPart);
  EXPECT_EQ(findings.raised(), 2u) << "what does not hold is asked again";
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
  s.domain_records = {Record(kRecord, kLeafTable)};
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
  for (const uint32_t missing : {mm::kSealSeal, mm::kSealShrink, mm::kSealGrow}) {
    s.sessions[0].files[0].serialized_seals = mm::kKnownSeals & ~missing;
    EXPECT_NE(Quiescent(s), "") << missing;
  }
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
  EXPECT_EQ(Quiescent(s), "I24: hwpt 3 has users 2 and 3 holders");
  s = Preserved();
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
  s.iommufds[0].refs = 4;
  EXPECT_EQ(Quiescent(s), "I24: the file of iommufd 0 has 4 references and 3 holders");
}

TEST(Quiescent, I24FilesOfMemfdsAndSessions) {
  Snapshot s = Preserved();
  s.memfds[0].refs = 3;
  s.memfds[0].holders = 3;  // descriptor, area, session
  EXPECT_EQ(Quiescent(s), "");
  s.memfds[0].refs = 4;
  EXPECT_EQ(Quiescent(s), "I24: the file of memfd 0 has 4 references and 3 holders");
  s = Preserved();
  s.sessions[0].refs = 2;
  EXPECT_EQ(Quiescent(s), "I24: the file of session 0 has 2 references and 1 holders");
}

TEST(Quiescent, I09ShortReferencesAtRest) {
  Snapshot s = Preserved();
  s.hwpts[0].wait_cnt = 2;
  EXPECT_EQ(Quiescent(s), "I09: wait_cnt of hwpt 3 is 2 while no call is in progress");
  s = Preserved();
  s.ioas[0].wait_cnt = 2;
  EXPECT_EQ(Quiescent(s), "I09: wait_cnt of ioas 1 is 2 while no call is in progress");
  s = Preserved();
  s.devices[0].wait_cnt = 0;
  EXPECT_EQ(Quiescent(s), "I09: wait_cnt of device 2 is 0 while no call is in progress");
}

TEST(Quiescent, I02FromRecordsToTables) {
  Snapshot s = Unpreserved();
  s.flb_count = 0;
  // A live record of a domain that is gone, or that nothing preserves any more.
  s.domain_records = {Record(kRecord, kTop)};
  EXPECT_EQ(Quiescent(s),
            "I02: table 0x100 of a recorded domain is not registered\n"
            "I25: the live record at 0x200010 names top table 0x100000, which is not registered");
}

TEST(Quiescent, I16MemfdStaysFrozen) {
  Snapshot s = Preserved();
  s.memfds[0].frozen = false;
  EXPECT_EQ(Quiescent(s), "I16: memfd 0 is not frozen while a preserved domain maps it");
}

TEST(Quiescent, I17MemfdComesBeforeTheIommufd) {
  Snapshot s = Preserved();
  std::swap(s.sessions[0].files[0], s.sessions[0].files[1]);
  EXPECT_EQ(Quiescent(s),
            "I17: memfd 0 is file 1 of the session, behind the iommufd that depends on it");
}

TEST(Quiescent, I25TheTopTableBelongsToAnother) {
  Snapshot s = Preserved();
  s.registered[0].second = FrameOwner::kIommufdSer;
  EXPECT_EQ(Quiescent(s),
            "I25: the live record at 0x200010 names top table 0x100000, which is memory of owner "
            "iommufd ser");
}

std::string Abi(const uapi::Contract& contract) {
  Findings findings;
  Monitor(&findings).Tell(contract);
  return TextOf(findings);
}

TEST(Quiescent, I26FieldsOfTheFirstRevision) {
  EXPECT_EQ(Abi({}), "");
  EXPECT_EQ(Abi({.token_bits = 32, .abi = uapi::Contract::Abi::kR3}),
            "I26: iommufd_lu.nr_hwpts has the width that the compiler gives an unsigned int, and "
            "iommufd_lu is not packed in memory that the next kernel reads");
}

TEST(Quiescent, I27AWideTokenInANarrowRecord) {
  EXPECT_NE(
      Abi({.abi = uapi::Contract::Abi::kR3}).find("I27: a token of 64 bits is recorded in 32"),
      std::string::npos);
}

}  // namespace
}  // namespace iommufd_check::spec
