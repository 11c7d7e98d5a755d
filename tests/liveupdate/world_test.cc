// The World is a value: a copy is equal, every kind of member counts, and putting a member back
// makes it equal again.

#include <set>

#include "model/liveupdate/state.h"
#include "model/sim/reflect.h"
#include "tests/liveupdate/liveupdate_fixture.h"

namespace iommufd_check::liveupdate {
namespace {

using testing::HasSubstr;

struct Change {
  const char* named;  // what the difference has to name
  std::function<void(World&)> change;
};

class WorldTest : public LiveUpdateTest {
 protected:
  WorldTest() : LiveUpdateTest(FindDesign("reference")) {
    const uint32_t device = m.Bind();
    const uint32_t ioas = m.IoasAlloc();
    const uint32_t hwpt = m.HwptAlloc(device, ioas);
    EXPECT_EQ(Seal(0), 0);
    EXPECT_EQ(m.MapFile(ioas, 0x10000, 0x2000), 0);
    EXPECT_EQ(Mark(hwpt, 7), 0);
    const SessionHandle session = NewSession("vm");
    EXPECT_EQ(PreserveMemfd(session, 0, 1), 0);
    EXPECT_EQ(PreserveIommufd(session, 2), 0);
  }
};

template <class Slots, class T>
T& First(Slots& slots) {
  T* first = nullptr;
  slots.ForEach([&](sim::Handle<T> h, const T&) {
    if (first == nullptr) first = slots.Find(h);
  });
  return *first;
}
iommufd::Context& Ctx(World& w) { return *w.kernel.iommufd.contexts.Find(iommufd::IommufdAt(0)); }
iommufd::Ioas& Ioas(World& w) {
  return First<sim::Slots<iommufd::Ioas>, iommufd::Ioas>(w.kernel.iommufd.ioas);
}
iommufd::Hwpt& Hwpt(World& w) {
  return First<sim::Slots<iommufd::Hwpt>, iommufd::Hwpt>(w.kernel.iommufd.hwpts);
}
iommufd::Device& Device(World& w) {
  return First<sim::Slots<iommufd::Device>, iommufd::Device>(w.kernel.iommufd.devices);
}
iommufd::Area& Area(World& w) {
  return First<sim::Slots<iommufd::Area>, iommufd::Area>(w.kernel.iommufd.areas);
}
iommufd::Pages& Pages(World& w) {
  return First<sim::Slots<iommufd::Pages>, iommufd::Pages>(w.kernel.iommufd.pages);
}
mm::MemfdState& MemfdOf(World& w) {
  return First<sim::Slots<mm::Memfd>, mm::Memfd>(w.machine.memfds).state.Raw();
}
iommu::Domain& Domain(World& w) {
  return First<sim::Slots<iommu::Domain>, iommu::Domain>(w.iommu.domains);
}
Session& TheSession(World& w) { return First<sim::Slots<Session>, Session>(w.kernel.luo.sessions); }

const std::vector<Change>& Changes() {
  static const std::vector<Change> changes = {
      {"words", [](World& w) { w.machine.phys.WriteWord(mm::AddressOf(mm::kFirstPfn), 1); }},
      {"frames",
       [](World& w) {
         sim::Runtime runtime;
         sim::LockTable locks;
         runtime.Reset({.locks = &locks});
         w.machine.phys.Pin(runtime.main_task(), mm::kFirstPfn);
       }},
      {"size", [](World& w) { ++MemfdOf(w).size; }},
      {"seals", [](World& w) { MemfdOf(w).seals ^= mm::kSealExec; }},
      {"frozen", [](World& w) { MemfdOf(w).frozen = !MemfdOf(w).frozen; }},
      {"pages", [](World& w) { MemfdOf(w).pages.pop_back(); }},
      {"buffers", [](World& w) { w.machine.buffers[0].size += kPage; }},
      {"locked_pages", [](World& w) { ++w.machine.locked_pages.Raw(); }},
      {"top", [](World& w) { ++Domain(w).top.Raw(); }},
      {"preserved_state", [](World& w) { Domain(w).preserved_state.Raw() = 8; }},
      {"claimed", [](World& w) { w.iommu.endpoints[1].dma_owner_claimed.Raw() = true; }},
      {"endpoints[1].domain", [](World& w) { w.iommu.endpoints[1].domain.Raw() = {3, 0}; }},
      {"owner", [](World& w) { w.kernel.locks.at(Ioas(w).mutex).owner = 2; }},
      {"readers", [](World& w) { w.kernel.locks.at(Ioas(w).iopt.iova_rwsem).readers = 2; }},
      {"fd_open", [](World& w) { Ctx(w).file.fd_open.Raw() = false; }},
      {"file", [](World& w) { ++Ctx(w).file.count.value; }},
      {"objects", [](World& w) { Ctx(w).objects.Raw()[0].type = iommufd::ObjectType::kNone; }},
      {"objects.size", [](World& w) { Ctx(w).objects.Raw().emplace_back(); }},
      {"users", [](World& w) { ++Ioas(w).object.users.value; }},
      {"wait_cnt", [](World& w) { ++Hwpt(w).object.wait_cnt.value; }},
      {"areas", [](World& w) { Ioas(w).iopt.areas.Raw().clear(); }},
      {"domains", [](World& w) { Ioas(w).iopt.domains.Raw().clear(); }},
      {"reserved", [](World& w) { Ioas(w).iopt.reserved.Raw()[0].first = 0; }},
      {"iova_alignment", [](World& w) { Ioas(w).iopt.iova_alignment.Raw() = 2; }},
      {"immutable", [](World& w) { Ioas(w).iopt.immutable.Raw() = 9; }},
      {"hwpt_list", [](World& w) { Ioas(w).hwpt_list.Raw().clear(); }},
      {"lu_preserve", [](World& w) { Hwpt(w).bits.Raw().lu_preserve = true; }},
      {"marked", [](World& w) { Hwpt(w).marked.Raw() = false; }},
      {"token", [](World& w) { Hwpt(w).token.Raw() = 8; }},
      {"preserved", [](World& w) { Hwpt(w).preserved.Raw() = false; }},
      {"attached", [](World& w) { Device(w).attached.Raw() = {0, 0}; }},
      {"bound", [](World& w) { Device(w).bound.Raw() = false; }},
      {"first", [](World& w) { ++Area(w).shape.Raw().first; }},
      {"permissions", [](World& w) { Area(w).shape.Raw().permissions = 0; }},
      {"first_index", [](World& w) { ++Area(w).shape.Raw().first_index; }},
      {"storage.domain", [](World& w) { Area(w).storage.Raw().domain = {}; }},
      {"storage.pages", [](World& w) { Area(w).storage.Raw().pages = {}; }},
      {"kref", [](World& w) { ++Pages(w).kref.value; }},
      {"npinned", [](World& w) { Pages(w).npinned.Raw() = 0; }},
      {"writable", [](World& w) { Pages(w).shape.Raw().writable = false; }},
      {"kho.preserved", [](World& w) { w.kernel.luo.kho.preserved.Raw().pop_back(); }},
      {"name", [](World& w) { TheSession(w).name.Raw() = "wm"; }},
      {"files", [](World& w) { TheSession(w).files.Raw().pop_back(); }},
      {"files[1].token", [](World& w) { TheSession(w).files.Raw()[1].token = 3; }},
      {"session_list", [](World& w) { w.kernel.luo.session_list.Raw().clear(); }},
      {"preserved_ids", [](World& w) { w.kernel.luo.preserved_ids.Raw().pop_back(); }},
      {"flb.count", [](World& w) { ++w.kernel.luo.flb.Raw().count; }},
      {"flb.data", [](World& w) { w.kernel.luo.flb.Raw().data = 0; }},
      {"marks_frozen", [](World& w) { Ctx(w).marks_frozen.Raw() = false; }},
  };
  return changes;
}

TEST_F(WorldTest, ACopyIsEqualAndIndependent) {
  const World& original = m.world;
  World copy = original;
  EXPECT_TRUE(copy == original);
  EXPECT_EQ(sim::FingerprintOf(copy), sim::FingerprintOf(original));
  EXPECT_THAT(sim::DiffOf(original, copy), IsEmpty());
  const sim::Fingerprint before = sim::FingerprintOf(original);
  for (const Change& c : Changes()) c.change(copy);
  EXPECT_EQ(sim::FingerprintOf(original), before);
}

TEST_F(WorldTest, EveryMemberCountsAndIsNamed) {
  std::set<sim::Fingerprint> seen{sim::FingerprintOf(m.world)};
  for (const Change& c : Changes()) {
    World changed = m.world;
    c.change(changed);
    EXPECT_FALSE(changed == m.world) << c.named;
    EXPECT_TRUE(seen.insert(sim::FingerprintOf(changed)).second) << c.named;
    const std::vector<std::string> lines = sim::DiffOf(m.world, changed);
    ASSERT_FALSE(lines.empty()) << c.named;
    EXPECT_THAT(lines[0], HasSubstr(c.named));
    // A word more moves those behind it, a pin is also a reference; the others change one member.
    const bool several = std::set<std::string>{"words", "frames"}.contains(c.named);
    EXPECT_TRUE(several || lines.size() == 1) << lines[1];
    changed = m.world;
    EXPECT_TRUE(changed == m.world) << c.named;
  }
}

TEST_F(WorldTest, ADifferenceHasAPath) {
  World changed = m.world;
  Ioas(changed).iopt.immutable.Raw() = 5;
  EXPECT_EQ(sim::DiffOf(m.world, changed),
            std::vector<std::string>{"kernel.iommufd.ioas[0].iopt.immutable: 1 -> 5"});
}

TEST_F(WorldTest, GenerationsDoNotCount) {
  const World before = m.world;
  const uint32_t ioas = m.IoasAlloc();
  EXPECT_FALSE(m.world == before);
  EXPECT_EQ(m.Destroy(ioas), 0);
  EXPECT_TRUE(m.world == before);
  EXPECT_EQ(sim::FingerprintOf(m.world), sim::FingerprintOf(before));
}

TEST_F(WorldTest, TheSameRunGivesTheSameWorldAndDigest) {
  const auto run = [] {
    KernelFixture fixture(FindDesign("reference"));
    const uint32_t ioas = fixture.IoasAlloc();
    fixture.HwptAlloc(fixture.Bind(), ioas);
    fixture.MapFile(ioas, 0x1000, 0x3000);
    return std::pair(fixture.digest(), sim::FingerprintOf(fixture.world));
  };
  EXPECT_EQ(run(), run());
}

}  // namespace
}  // namespace iommufd_check::liveupdate
