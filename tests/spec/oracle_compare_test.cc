// Compare finds each planted difference and names it in one line; Restart takes over everything
// that later answers depend on.

#include <functional>

#include "tests/spec/oracle_fixture.h"

namespace iommufd_check::spec {
namespace {

// What a machine shows after the calls of SameCalls(): page 0 of memfd 0 is pfn 0x200, page 1 was
// punched after it was pinned as 0x201 and is 0x301 now.
Snapshot Observed() {
  Snapshot s = BootSnapshot();
  s.iommufds[0].refs = 3;
  s.memfds[0].seals = mm::kSealsOfPreserved;
  s.memfds[0].frozen = true;
  s.memfds[0].pages = {{0, 0x200}, {1, 0x301}, {2, 0x302}, {3, 0x303}};
  const AreaView file{.first = 0x1000,
                      .last = 0x2fff,
                      .permissions = 3,
                      .finished = true,
                      .is_file = true,
                      .memfd = 0,
                      .source_page = 0,
                      .pages = 2};
  const AreaView user{.first = 0x8000,
                      .last = 0x8fff,
                      .permissions = 1,
                      .finished = true,
                      .is_file = false,
                      .source_page = 0x7f0000001,
                      .pages = 1};
  s.ioas.push_back({.id = 1, .users = 2, .alignment = 4096, .areas = {file, user}, .domains = {0}});
  s.devices.push_back({.id = 2, .endpoint = 0, .users = 3, .attached = 3});
  s.hwpts.push_back({.id = 3, .ioas = 1, .domain = 0, .users = 2, .marked = true, .token = 7});
  s.domains.push_back({.number = 0,
                       .ioas = 1,
                       .leaves = {{0x1000, 0x200, 3}, {0x2000, 0x201, 3}, {0x8000, 0x400, 1}}});
  s.sessions.push_back({.number = 0, .name = "vm"});
  s.sessions[0].files.push_back({.token = 5,
                                 .file = MemfdFile(0),
                                 .serialized_size = 0x4000,
                                 .serialized_seals = mm::kSealsOfPreserved});
  return s;
}

class OracleCompareTest : public OracleWithHwptTest {
 protected:
  void SameCalls() {
    EXPECT_EQ(Result(MapFile(kIoas, {.iova = 0x1000, .length = 0x2000})), "0");
    EXPECT_EQ(Result(Map(kIoas, {.iova = 0x8000, .offset = 0x1000, .permissions = 1})), "0");
    EXPECT_EQ(Result(Attach(kDevice, kHwpt)), "0");
    EXPECT_EQ(Result(Mark(kHwpt, 7)), "0");
    EXPECT_EQ(Result(Punch(0, 0x1000, 0x1000)), "0");
    EXPECT_EQ(Result(Seal(0, mm::kSealsOfPreserved)), "0");
    EXPECT_EQ(Create("vm").session, 0);
    EXPECT_EQ(Result(Preserve(0, MemfdFile(0), 5)), "0");
  }
};

struct Planted {
  std::function<void(Snapshot&)> plant;
  std::string difference;
};

std::vector<Planted> PlantedInObjects() {
  return {
      {[](Snapshot& s) { s.iommufds.clear(); }, "iommufd 0: context no, expected yes"},
      {[](Snapshot& s) { s.iommufds[0].fds = 0; }, "iommufd 0: open no, expected yes"},
      {[](Snapshot& s) { s.ioas.clear(); }, "ioas 1 missing"},
      {[](Snapshot& s) { s.ioas.push_back({.id = 4}); }, "ioas 4 unexpected"},
      {[](Snapshot& s) { s.ioas[0].alignment = 1; }, "ioas 1: alignment 1, expected 4096"},
      {[](Snapshot& s) { s.ioas[0].domains = {}; }, "ioas 1: domains 0, expected 1"},
      {[](Snapshot& s) { s.ioas[0].domains = {1}; }, "hwpt 3: its domain is not in ioas 1"},
      {[](Snapshot& s) { s.hwpts.clear(); }, "hwpt 3 missing"},
      {[](Snapshot& s) { s.hwpts[0].ioas = 2; }, "hwpt 3: ioas 2, expected 1"},
      {[](Snapshot& s) { s.hwpts[0].marked = false; }, "hwpt 3: marked no, expected yes"},
      {[](Snapshot& s) { s.hwpts[0].token = 8; }, "hwpt 3: token 0x8, expected 0x7"},
      {[](Snapshot& s) { s.devices.clear(); }, "device 2 missing"},
      {[](Snapshot& s) { s.devices[0].endpoint = 1; }, "device 2: endpoint 1, expected 0"},
      {[](Snapshot& s) { s.devices[0].attached = 0; }, "device 2: attached to 0, expected 3"},
      {[](Snapshot& s) { s.domains.clear(); }, "hwpt 3: its domain is gone"},
  };
}

std::vector<Planted> PlantedInAreas() {
  const std::string file = "ioas 1: area [0x1000,0x2fff] ";
  return {
      {[](Snapshot& s) { s.ioas[0].areas.erase(s.ioas[0].areas.begin()); }, file + "missing"},
      {[](Snapshot& s) { s.ioas[0].areas.pop_back(); }, "ioas 1: area [0x8000,0x8fff] missing"},
      {[](Snapshot& s) { s.ioas[0].areas.insert(s.ioas[0].areas.begin(), {.last = 0xfff}); },
       "ioas 1: area [0x0,0xfff] unexpected"},
      {[](Snapshot& s) { s.ioas[0].areas.push_back({.first = 0x9000, .last = 0x9fff}); },
       "ioas 1: area [0x9000,0x9fff] unexpected"},
      {[](Snapshot& s) { s.ioas[0].areas[0].last = 0x1fff; },
       file + "ends at 0x1fff, expected 0x2fff"},
      {[](Snapshot& s) { s.ioas[0].areas[0].permissions = 1; }, file + "permissions 1, expected 3"},
      {[](Snapshot& s) { s.ioas[0].areas[0].finished = false; },
       file + "finished no, expected yes"},
      {[](Snapshot& s) { s.ioas[0].areas[0].is_file = false; },
       file + "of a file no, expected yes"},
      {[](Snapshot& s) { s.ioas[0].areas[0].memfd = 1; }, file + "memfd 1, expected 0"},
      {[](Snapshot& s) { s.ioas[0].areas[0].source_page = 2; },
       file + "source page 0x2, expected 0x0"},
      {[](Snapshot& s) { s.ioas[0].areas[0].pages = 3; }, file + "pages 3, expected 2"},
  };
}

std::vector<Planted> PlantedInFiles() {
  return {
      {[](Snapshot& s) { s.memfds.pop_back(); }, "memfd 1 missing"},
      {[](Snapshot& s) { s.memfds[1].size = 0; }, "memfd 1: size 0x0, expected 0x4000"},
      {[](Snapshot& s) { s.memfds[1].seals = 2; }, "memfd 1: seals 0x2, expected 0x0"},
      {[](Snapshot& s) { s.memfds[0].frozen = false; }, "memfd 0: frozen no, expected yes"},
      {[](Snapshot& s) { s.memfds[0].pages.pop_back(); },
       "memfd 0: preserved, but page 3 is a hole"},
      {[](Snapshot& s) { s.memfds[0].pages.erase(s.memfds[0].pages.begin() + 2); },
       "memfd 0: preserved, but page 2 is a hole"},
      {[](Snapshot& s) { s.memfds[1].pages = {{4, 0x500}}; }, "memfd 1: page 4 beyond its end"},
      {[](Snapshot& s) { s.memfds[1].pages = {{0, 0x200}}; },
       "pfn 0x200 is memfd 1 page 0 and memfd 0 page 0"},
      {[](Snapshot& s) { s.sessions.clear(); }, "session 0 missing"},
      {[](Snapshot& s) { s.sessions[0].name = "x"; }, "session 0: name x, expected vm"},
      {[](Snapshot& s) { s.sessions[0].files.clear(); },
       "session 0: memfd 0 with token 0x5 missing"},
      {[](Snapshot& s) { s.sessions[0].files[0].token = 6; },
       "session 0: memfd 0 with token 0x5 is not file 0 of the session"},
      {[](Snapshot& s) { s.sessions[0].files.push_back({.token = 6, .file = kIommufdFile}); },
       "session 0: iommufd 0 with token 0x6 unexpected"},
      {[](Snapshot& s) { s.sessions[0].files[0].serialized_size = 1; },
       "session 0: memfd 0 with token 0x5 serialized size 0x1, expected 0x4000"},
      {[](Snapshot& s) { s.sessions[0].files[0].serialized_seals = 0; },
       "session 0: memfd 0 with token 0x5 serialized seals 0x0, expected 0x7"},
  };
}

std::vector<Planted> PlantedInLeaves() {
  return {
      {[](Snapshot& s) { s.domains[0].leaves.pop_back(); }, "hwpt 3: leaf 0x8000 missing"},
      {[](Snapshot& s) { s.domains[0].leaves.erase(s.domains[0].leaves.begin()); },
       "hwpt 3: leaf 0x1000 missing"},
      {[](Snapshot& s) { s.domains[0].leaves.push_back({0x9000, 0x500, 3}); },
       "hwpt 3: leaf 0x9000 unexpected"},
      {[](Snapshot& s) { s.domains[0].leaves[0].iova = 0; }, "hwpt 3: leaf 0x0 unexpected"},
      {[](Snapshot& s) { s.domains[0].leaves[1].permissions = 1; },
       "hwpt 3: leaf 0x2000 permissions 1, expected 3"},
      // The page was not punched, so it must be the one in the page cache.
      {[](Snapshot& s) { s.domains[0].leaves[0].pfn = 0x222; },
       "hwpt 3: leaf 0x1000 maps pfn 0x222, memfd 0 page 0 is pfn 0x200"},
      // The page was punched, so it must not be the one in the page cache.
      {[](Snapshot& s) { s.domains[0].leaves[1].pfn = 0x301; },
       "hwpt 3: leaf 0x2000 maps pfn 0x301, put at memfd 0 page 1 after it was pinned"},
      {[](Snapshot& s) { s.domains[0].leaves[1].pfn = 0x303; },
       "hwpt 3: leaf 0x2000 pfn 0x303 is memfd 0 page 1 and memfd 0 page 3"},
      {[](Snapshot& s) { s.domains[0].leaves[2].pfn = 0x302; },
       "hwpt 3: leaf 0x8000 pfn 0x302 is user page 0x7f0000001 and memfd 0 page 2"},
  };
}

TEST_F(OracleCompareTest, PlantedDifferences) {
  SameCalls();
  ASSERT_EQ(oracle.Compare(Observed()), "");
  for (const auto& planted :
       {PlantedInObjects(), PlantedInAreas(), PlantedInFiles(), PlantedInLeaves()}) {
    for (const Planted& each : planted) {
      Snapshot snapshot = Observed();
      each.plant(snapshot);
      EXPECT_EQ(oracle.Compare(snapshot), each.difference);
      // Whatever is wrong in it, taking it over leaves the oracle able to go on.
      Oracle other;
      other.Restart(TestLimits(), snapshot);
      other.Compare(snapshot);
      other.Apply(UnmapCall(1, 0, kMax));
    }
  }
}

TEST_F(OracleCompareTest, DomainsOfOneIoasMapTheSamePages) {
  SameCalls();
  EXPECT_EQ(Result(HwptAlloc(kDevice, kIoas)), "0");
  Snapshot s = Observed();
  s.ioas[0].domains = {0, 1};
  s.hwpts.push_back({.id = 4, .ioas = 1, .domain = 1});
  s.domains.push_back(s.domains[0]);
  s.domains[1].number = 1;
  EXPECT_EQ(oracle.Compare(s), "");
  s.domains[1].leaves[1].pfn = 0x202;
  EXPECT_EQ(oracle.Compare(s), "hwpt 4: leaf 0x2000 memfd 0 page 1 is pfn 0x202 and pfn 0x201");
}

TEST_F(OracleCompareTest, RestartTakesOverWhatIsObserved) {
  Oracle other;
  other.Restart(TestLimits(), Observed());
  EXPECT_EQ(other.Compare(Observed()), "");
  SameCalls();
  // Both answer alike from here on.
  const std::vector<Call> calls = {
      {.kind = Kind::kDestroy, .id = kHwpt},
      {.kind = Kind::kMemfdPunchHole, .index = 0, .length = 0x1000},
      PreserveCall(0, MemfdFile(1), 5),
      PreserveCall(0, kIommufdFile, 6),  // refused: the anonymous area
      {.kind = Kind::kDeviceDetach, .id = kDevice},
      UnmapCall(kIoas, 0x8000, 0x1000),
      PreserveCall(0, kIommufdFile, 6),  // refused: the punched page
      UnmapCall(kIoas, 0, kMax),
      PreserveCall(0, kIommufdFile, 6),
      {.kind = Kind::kLuMark, .id = kHwpt, .token = 7},
      {.kind = Kind::kLuoCreateSession, .name = "vm"},
      {.kind = Kind::kLuoCloseSession, .session = 0},
      {.kind = Kind::kDestroy, .id = kHwpt},
      {.kind = Kind::kIoasAlloc},
  };
  for (size_t i = 0; i < calls.size(); ++i) {
    EXPECT_EQ(other.Apply(calls[i]), oracle.Apply(calls[i])) << "call " << i;
  }
}

TEST_F(OracleTest, RestartWithAreasThatAreNotWholePages) {
  Snapshot s = BootSnapshot();
  s.ioas.push_back({.id = 1});
  s.ioas[0].areas.push_back({.first = 0x1000,
                             .last = 0x1fff,
                             .permissions = 3,
                             .finished = true,
                             .source_page = 0x7f0000000,
                             .page_offset = 1,
                             .pages = 2});
  s.ioas[0].areas.push_back({.first = 0x3000,
                             .last = 0x3800,
                             .permissions = 3,
                             .finished = true,
                             .source_page = 0x7f0000000,
                             .page_offset = 0x800,
                             .pages = 2});
  oracle.Restart(TestLimits(), s);
  EXPECT_EQ(oracle.Compare(s), "");
  EXPECT_EQ(Bind(0).created_id, 2U);
  EXPECT_EQ(Result(HwptAlloc(2, 1)), "EADDRINUSE");
  EXPECT_EQ(Result(Unmap(1, 0x3000, 0x801)), "0");
  EXPECT_EQ(Result(HwptAlloc(2, 1)), "EADDRINUSE");
  EXPECT_EQ(Result(Unmap(1, 0x1000, 0x1000)), "0");
  EXPECT_EQ(Result(HwptAlloc(2, 1)), "0");
}

TEST_F(OracleTest, AHalfBuiltAreaTakesSpaceOnly) {
  Snapshot s = BootSnapshot();
  s.ioas.push_back({.id = 1});
  s.ioas[0].areas.push_back({.first = 0x1000, .last = 0x1fff, .permissions = 3});
  oracle.Restart(TestLimits(), s);
  EXPECT_EQ(oracle.Compare(s), "");
  EXPECT_EQ(Result(Map(1, {.iova = 0x1000})), "EEXIST");
  EXPECT_EQ(Result(Unmap(1, 0x1000, 0x800)), "EBUSY");  // before ENOENT
  EXPECT_EQ(Bind(0).created_id, 2U);
  EXPECT_EQ(Result(HwptAlloc(2, 1)), "0");  // whoever builds it pins it
}

// What a failed preserve leaves behind is a finding, and preserves nothing.
TEST_F(OracleTest, ARecordWithoutAPreservedIommufdIsNoPreservation) {
  Snapshot s = BootSnapshot();
  s.ioas.push_back({.id = 1, .alignment = 4096, .domains = {0}});
  s.hwpts.push_back({.id = 3, .ioas = 1, .domain = 0, .marked = true, .token = 7});
  s.domains.push_back({.number = 0, .ioas = 1, .preserved_state = 0x200010});
  oracle.Restart(TestLimits(), s);
  EXPECT_EQ(Result(Map(1, {.iova = 0x1000})), "0");
  s.sessions.push_back({.number = 0, .name = "vm", .files = {{.token = 2, .file = kIommufdFile}}});
  oracle.Restart(TestLimits(), s);
  EXPECT_EQ(Result(Map(1, {.iova = 0x1000})), "EBUSY");
}

}  // namespace
}  // namespace iommufd_check::spec
