// System calls on memfds: who gets which errno, and what happens to the page cache.

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "tests/mm/machine_fixture.h"

namespace iommufd_check::mm {
namespace {

using sim::Task;

constexpr uint64_t kP = kPageSize;

class MemfdTest : public testing::Test, public MachineFixture {
 protected:
  // A memfd of 4 pages, populated.
  MemfdHandle Make(uint32_t seals = 0, bool frozen = false) {
    const MemfdHandle h = AddMemfd(4 * kP);
    Populate(h, 4);
    MemfdState& state = machine.memfds.Find(h)->state.Raw();
    state.seals = seals;
    state.frozen = frozen;
    return h;
  }
  int Seal(MemfdHandle h, uint32_t seals) {
    return Call([&](Task& t) { return memfd_add_seals(t, machine, h, seals); });
  }
  int Punch(MemfdHandle h, uint64_t offset, uint64_t length) {
    return Call([&](Task& t) { return memfd_punch_hole(t, machine, h, offset, length); });
  }
  int Truncate(MemfdHandle h, uint64_t size) {
    return Call([&](Task& t) { return memfd_truncate(t, machine, h, size); });
  }
  std::vector<uint32_t> Cached(MemfdHandle h) {
    std::vector<uint32_t> indices;
    for (const auto& [index, pfn] : StateOf(h).pages) indices.push_back(index);
    return indices;
  }
};

using Pages = std::vector<uint32_t>;

TEST_F(MemfdTest, AddSeals) {
  const MemfdHandle h = Make();
  EXPECT_EQ(Seal(h, 64), -sim::kEINVAL);
  EXPECT_EQ(Seal(h, kSealGrow | 0x80000000u), -sim::kEINVAL);
  EXPECT_EQ(Seal(h, kSealGrow), 0);
  EXPECT_EQ(Seal(h, kSealShrink), 0);
  EXPECT_EQ(StateOf(h).seals, kSealGrow | kSealShrink);
  EXPECT_EQ(Seal(h, 0), 0);
  EXPECT_EQ(Seal(h, kSealSeal), 0);
  EXPECT_EQ(Seal(h, kSealWrite), -sim::kEPERM);
  EXPECT_EQ(Seal(h, 0), -sim::kEPERM) << "sealed against any further call";
  EXPECT_EQ(Seal(h, 64), -sim::kEINVAL) << "unknown seals come first";
  EXPECT_EQ(StateOf(h).seals, kSealsOfPreserved);
}

// mm/memfd.c: memfd_wait_for_pins looks at the pages of the page cache.
TEST_F(MemfdTest, AWriteSealWaitsForPins) {
  const MemfdHandle h = Make();
  std::vector<Pfn> pfns;
  ASSERT_EQ(Call([&](Task& t) { return memfd_pin_folios(t, machine, h, 1, 1, &pfns); }), 0);
  EXPECT_EQ(Seal(h, 64 | kSealWrite), -sim::kEINVAL);
  EXPECT_EQ(Seal(h, kSealWrite | kSealGrow), -sim::kEBUSY);
  EXPECT_EQ(Seal(h, kSealExec), -sim::kEBUSY) << "implies WRITE";
  EXPECT_EQ(StateOf(h).seals, 0u) << "nothing of a refused call stays";
  EXPECT_EQ(Seal(h, kSealFutureWrite | kSealShrink), 0);
  Alone([&](Task& t) { unpin_pages(t, machine, pfns); });
  EXPECT_EQ(Seal(h, kSealWrite), 0);
  ASSERT_EQ(Call([&](Task& t) { return memfd_pin_folios(t, machine, h, 1, 1, &pfns); }), 0);
  EXPECT_EQ(Seal(h, kSealWrite | kSealSeal), 0) << "set already: no wait";
  EXPECT_EQ(Seal(h, kSealWrite), -sim::kEPERM);
}

// memfd_tag_pins: those pinned meanwhile are not waited for.
TEST_F(MemfdTest, AWriteSealWaitsForThePinsThatItFound) {
  std::vector<int> results;
  for (uint32_t steps = 0; steps < 12; ++steps) {
    const MemfdHandle h = Make();
    std::vector<Pfn> found;
    std::vector<Pfn> later;
    ASSERT_EQ(Call([&](Task& t) { return memfd_pin_folios(t, machine, h, 0, 1, &found); }), 0);
    int result = 1;
    const sim::Body seal = [&](Task& t) { result = memfd_add_seals(t, machine, h, kSealWrite); };
    const sim::Body exchange = [&](Task& t) {
      ASSERT_EQ(memfd_pin_folios(t, machine, h, 1, 1, &later), 0);
      unpin_pages(t, machine, found);
    };
    config.faults = {};
    ASSERT_TRUE(Together({seal, exchange}, std::vector<sim::StepSwitch>{{1, steps, 2}}));
    results.push_back(result);
  }
  EXPECT_EQ(results.front(), -sim::kEBUSY) << "exchanged before: the later page is found";
  EXPECT_EQ(results.back(), -sim::kEBUSY) << "exchanged after";
  EXPECT_EQ(std::count(results.begin(), results.end(), 1), 0);
  EXPECT_GT(std::count(results.begin(), results.end(), 0), 0) << "exchanged between the two looks";
}

TEST_F(MemfdTest, PagesThatLeftThePageCacheKeepNobodyWaiting) {
  const MemfdHandle h = Make();
  std::vector<Pfn> pfns;
  ASSERT_EQ(Call([&](Task& t) { return memfd_pin_folios(t, machine, h, 1, 1, &pfns); }), 0);
  ASSERT_EQ(Punch(h, kP, kP), 0);
  EXPECT_EQ(Seal(h, kSealWrite), 0);
}

TEST_F(MemfdTest, AnExecutableFileIsSealedAgainstAllChanges) {
  const MemfdHandle h = Make();
  EXPECT_EQ(Seal(h, kSealExec), 0);
  EXPECT_EQ(StateOf(h).seals, kKnownSeals & ~uint32_t{kSealSeal});
}

TEST_F(MemfdTest, SealsCanBeAddedToAFrozenFile) { EXPECT_EQ(Seal(Make(0, true), kSealGrow), 0); }

TEST_F(MemfdTest, PunchHoleIsRefusedOnlyByWriteSealsAndFreezing) {
  struct Row {
    uint32_t seals;
    bool frozen;
    int result;
  };
  const Row rows[] = {
      {0, false, 0},
      {kSealsOfPreserved, false, 0},  // SHRINK and GROW do not matter (B43)
      {kSealExec, false, 0},
      {kSealWrite, false, -sim::kEPERM},
      {kSealFutureWrite, false, -sim::kEPERM},
      {0, true, -sim::kEPERM},
  };
  for (const Row& row : rows) {
    const MemfdHandle h = Make(row.seals, row.frozen);
    EXPECT_EQ(Punch(h, kP, kP), row.result) << "seals " << row.seals;
    EXPECT_EQ(Cached(h), row.result == 0 ? (Pages{0, 2, 3}) : (Pages{0, 1, 2, 3}));
  }
}

TEST_F(MemfdTest, PunchHoleArguments) {
  const MemfdHandle h = Make();
  EXPECT_EQ(Punch(h, 0, 0), -sim::kEINVAL);
  EXPECT_EQ(Punch(h, kMax, 2), -sim::kEINVAL) << "negative";
  EXPECT_EQ(Punch(h, 0, kMax), -sim::kEINVAL);
  EXPECT_EQ(Punch(h, kMaxFileOffset, 1), -sim::kEFBIG);
  EXPECT_EQ(Punch(h, 100 * kP, kP), 0) << "beyond the end: nothing there";
  EXPECT_EQ(Punch(h, 1, kP), 0);
  EXPECT_EQ(Punch(h, kP - 1, kP), 0);
  EXPECT_EQ(Cached(h), (Pages{0, 1, 2, 3})) << "partial pages stay";
  EXPECT_EQ(Punch(h, kP - 1, kP + 1), 0);
  EXPECT_EQ(Cached(h), (Pages{0, 2, 3}));
  EXPECT_EQ(Punch(h, 2 * kP, kMaxFileOffset - 2 * kP), 0);
  EXPECT_EQ(Cached(h), (Pages{0}));
  EXPECT_EQ(Punch(h, 0, kP), 0);
  EXPECT_EQ(StateOf(h).size, 4 * kP) << "the size is kept";
  EXPECT_EQ(machine.phys.live_frames(), 0u);
}

TEST_F(MemfdTest, AHoleOverTheEndTakesThePartialLastPage) {
  const MemfdHandle h = Make();
  ASSERT_EQ(Truncate(h, 3 * kP + 100), 0);
  EXPECT_EQ(Cached(h), (Pages{0, 1, 2, 3}));
  EXPECT_EQ(Punch(h, 3 * kP, kP), 0);
  EXPECT_EQ(Cached(h), (Pages{0, 1, 2}));
}

TEST_F(MemfdTest, Truncate) {
  struct Row {
    uint32_t seals;
    bool frozen;
    int shrink, same, grow;
  };
  const int kRefused = -sim::kEPERM;
  const Row rows[] = {
      {0, false, 0, 0, 0},
      {kSealShrink, false, kRefused, 0, 0},
      {kSealGrow, false, 0, 0, kRefused},
      {kSealsOfPreserved, false, kRefused, 0, kRefused},
      {kSealWrite | kSealFutureWrite, false, 0, 0, 0},
      {0, true, kRefused, 0, kRefused},  // frozen: no change of size
  };
  for (const Row& row : rows) {
    EXPECT_EQ(Truncate(Make(row.seals, row.frozen), 2 * kP), row.shrink) << row.seals;
    EXPECT_EQ(Truncate(Make(row.seals, row.frozen), 4 * kP), row.same) << row.seals;
    EXPECT_EQ(Truncate(Make(row.seals, row.frozen), 6 * kP), row.grow) << row.seals;
  }
}

TEST_F(MemfdTest, TruncateDropsWholePages) {
  const MemfdHandle h = Make();
  EXPECT_EQ(Truncate(h, Machine::kMaxMemfdBytes + 1), -sim::kEFBIG);
  EXPECT_EQ(Truncate(h, 2 * kP + 1), 0);
  EXPECT_EQ(Cached(h), (Pages{0, 1, 2}));
  EXPECT_EQ(Truncate(h, 4 * kP), 0);
  EXPECT_EQ(Cached(h), (Pages{0, 1, 2})) << "what comes back is a hole";
  EXPECT_EQ(Truncate(h, 0), 0);
  EXPECT_EQ(machine.phys.live_frames(), 0u);
}

TEST_F(MemfdTest, PinAllocatesHolesAndRefusesBeyondTheEnd) {
  const MemfdHandle h = AddMemfd(3 * kP + 1);  // 4 pages, the last one partial
  std::vector<Pfn> pfns{42};
  const auto pin = [&](uint32_t first, uint32_t count) {
    return Call([&](Task& t) {
      return memfd_pin_folios(t, machine, h, first, count, &pfns, LastPage::kPartial);
    });
  };
  EXPECT_EQ(Call([&](Task& t) { return memfd_pin_folios(t, machine, h, 3, 1, &pfns); }),
            -sim::kEINVAL)
      << "iommufd maps whole pages";
  EXPECT_EQ(pin(3, 2), -sim::kEINVAL);
  EXPECT_EQ(pin(4, 1), -sim::kEINVAL);
  EXPECT_EQ(pfns, std::vector<Pfn>{42});
  EXPECT_EQ(machine.phys.live_frames(), 0u) << "nothing is populated on error";
  EXPECT_EQ(pin(2, 2), 0);
  EXPECT_EQ(pfns, (std::vector<Pfn>{42, kFirstPfn, kFirstPfn + 1}));
  EXPECT_EQ(Cached(h), (Pages{2, 3}));
  EXPECT_EQ(Lookup(StateOf(h).pages, 3), kFirstPfn + 1);
  EXPECT_EQ(Lookup(StateOf(h).pages, 0), 0u);
  EXPECT_EQ(pin(2, 1), 0);
  EXPECT_EQ(machine.phys.at(kFirstPfn).pins, 2);
  EXPECT_EQ(machine.phys.at(kFirstPfn).owner, FrameOwner::kMemfdData);
}

TEST_F(MemfdTest, PinnedPagesOutliveTheHoleThatTakesThemOut) {
  const MemfdHandle h = Make();
  std::vector<Pfn> pfns;
  ASSERT_EQ(Call([&](Task& t) { return memfd_pin_folios(t, machine, h, 1, 1, &pfns); }), 0);
  const Pfn old = pfns[0];
  ASSERT_EQ(Punch(h, 0, 4 * kP), 0);
  EXPECT_EQ(machine.phys.live_frames(), 1u);
  EXPECT_EQ(machine.phys.at(old).refs, 1);
  // The next access gets another frame: what was pinned is no longer the file's.
  std::vector<Pfn> again;
  ASSERT_EQ(Call([&](Task& t) { return memfd_pin_folios(t, machine, h, 1, 1, &again); }), 0);
  EXPECT_NE(again[0], old);
  Alone([&](Task& t) { unpin_pages(t, machine, pfns); });
  EXPECT_EQ(machine.phys.live_frames(), 1u);
}

TEST_F(MemfdTest, NothingStaysPinnedWhenMemoryEnds) {
  const MemfdHandle h = AddMemfd(4 * kP);
  Alone(
      [&](Task& t) { machine.phys.Alloc(t, FrameOwner::kPageTable, PhysMemory::kMaxFrames - 2); });
  std::vector<Pfn> pfns;
  ASSERT_EQ(Call([&](Task& t) { return memfd_pin_folios(t, machine, h, 0, 1, &pfns); }), 0);
  const std::vector<Pfn> before = pfns;
  EXPECT_EQ(Call([&](Task& t) { return memfd_pin_folios(t, machine, h, 0, 4, &pfns); }),
            -sim::kENOMEM);
  EXPECT_EQ(pfns, before);
  EXPECT_EQ(machine.phys.at(pfns[0]).pins, 1) << "that of the call before";
  Alone([&](Task& t) { unpin_pages(t, machine, pfns); });
  EXPECT_EQ(Cached(h), (Pages{0, 1})) << "in the page cache they stay";
  for (const auto& [index, pfn] : StateOf(h).pages) EXPECT_EQ(machine.phys.at(pfn).pins, 0);
}

TEST_F(MemfdTest, InjectedPinFailure) {
  const MemfdHandle h = Make();
  const Machine before = machine;
  const sim::PlannedFault fault{0, sim::FaultSite::kMemfdPinFolios, 1};
  std::vector<Pfn> pfns;
  EXPECT_EQ(
      Call([&](Task& t) { return memfd_pin_folios(t, machine, h, 0, 4, &pfns); }, {&fault, 1}),
      -sim::kENOMEM);
  EXPECT_TRUE(machine == before);
}

TEST_F(MemfdTest, TheLastReferenceFreesThePageCache) {
  const MemfdHandle h = Make();
  EXPECT_TRUE(Alone([&](Task& t) {
    View k{t, machine};
    get_file(k, h);
    fput(k, h);
    EXPECT_NE(machine.memfds.Find(h), nullptr);
    fput(k, h);
    EXPECT_NE(machine.memfds.Find(h), nullptr) << "fput: released at the return to user space";
    runtime.EndOperation(t, 0);
  }));
  EXPECT_EQ(machine.memfds.live(), 0u);
  EXPECT_EQ(machine.phys.live_frames(), 0u);
  EXPECT_TRUE(locks.slots().empty());
  EXPECT_FALSE(Alone([&](Task& t) {
    View k{t, machine};
    get_file(k, h);
  }));
  EXPECT_EQ(Splats(), sim::Only{sim::Splat::kUseAfterFree});
}

TEST_F(MemfdTest, UserPages) {
  machine.buffers = {Buffer{2 * kP, {}}, Buffer{2 * kP, {}}};
  machine.mmap_lock = Lock(sim::LockClass::kMmapLock);
  std::vector<Pfn> pfns;
  const auto pin = [&](uint64_t address, uint32_t count) {
    return Call([&](Task& t) { return pin_user_pages(t, machine, address, count, &pfns); });
  };
  EXPECT_EQ(pin(0, 1), -sim::kEFAULT);
  EXPECT_EQ(pin(UserAddressOf(0) - kP, 1), -sim::kEFAULT);
  EXPECT_EQ(pin(UserAddressOf(0) + 2 * kP, 1), -sim::kEFAULT);
  EXPECT_EQ(pin(UserAddressOf(0) + kP, 2), -sim::kEFAULT) << "half of it is not mapped";
  EXPECT_EQ(pin(UserAddressOf(2), 1), -sim::kEFAULT);
  EXPECT_EQ(machine.phys.live_frames(), 0u);
  EXPECT_EQ(pin(UserAddressOf(1) + kP, 1), 0);
  EXPECT_EQ(machine.buffers[1].pages.Peek(), (PageMap{{1, kFirstPfn}}));
  EXPECT_EQ(machine.phys.at(kFirstPfn).owner, FrameOwner::kUserMemory);
  EXPECT_EQ(pin(UserAddressOf(1), 2), 0);
  EXPECT_EQ(pfns, (std::vector<Pfn>{kFirstPfn, kFirstPfn + 1, kFirstPfn}));
  EXPECT_FALSE(locks.at(machine.mmap_lock).held());
}

}  // namespace
}  // namespace iommufd_check::mm
