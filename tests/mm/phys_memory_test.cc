#include "model/mm/phys_memory.h"

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <optional>
#include <random>
#include <vector>

#include "tests/mm/machine_fixture.h"

namespace iommufd_check::mm {
namespace {

using sim::Task;

class PhysMemoryTest : public testing::Test, public MachineFixture {
 protected:
  PhysMemory& phys() { return machine.phys; }
  Pfn Alloc(size_t count = 1, FrameOwner owner = FrameOwner::kPageTable) {
    Pfn pfn = 0;
    Alone([&](Task& t) { pfn = phys().Alloc(t, owner, count).value_or(0); });
    return pfn;
  }
  void Put(Pfn pfn) {
    Alone([&](Task& t) { phys().Put(t, pfn); });
  }
  void Pin(Pfn pfn) {
    Alone([&](Task& t) { phys().Pin(t, pfn); });
  }
  Pfn AllocFolio(int order) {
    Pfn pfn = 0;
    Alone([&](Task& t) { pfn = phys().AllocFolio(t, FrameOwner::kIommufdSer, order).value_or(0); });
    return pfn;
  }
};

TEST_F(PhysMemoryTest, LowestFrameFirst) {
  EXPECT_EQ(Alloc(), kFirstPfn);
  EXPECT_EQ(Alloc(), kFirstPfn + 1);
  EXPECT_EQ(Alloc(), kFirstPfn + 2);
  Put(kFirstPfn + 1);
  EXPECT_EQ(Alloc(), kFirstPfn + 1);
  EXPECT_EQ(phys().live_frames(), 3u);
}

TEST_F(PhysMemoryTest, RunsTakeTheLowestHoleThatFits) {
  EXPECT_EQ(Alloc(5), kFirstPfn);
  Put(kFirstPfn + 1);
  Put(kFirstPfn + 3);
  EXPECT_EQ(Alloc(2), kFirstPfn + 5) << "no two free frames before";
  Put(kFirstPfn + 2);
  EXPECT_EQ(Alloc(3), kFirstPfn + 1);
  EXPECT_EQ(Alloc(1), kFirstPfn + 7);
}

TEST_F(PhysMemoryTest, AFreedMemoryEqualsWhatItWas) {
  Alloc();
  const PhysMemory before = phys();
  const Pfn pfn = Alloc(3);
  phys().WriteWord(AddressOf(pfn) + 8, 77);
  phys().WriteWord(AddressOf(pfn + 1) + kPageSize - 8, 78);
  EXPECT_FALSE(phys() == before);
  for (Pfn p = pfn; p < pfn + 3; ++p) Put(p);
  EXPECT_TRUE(phys() == before);
  EXPECT_EQ(Alloc(), pfn);
  EXPECT_EQ(phys().ReadWord(AddressOf(pfn) + 8), 0u) << "frames are handed out zeroed";
}

TEST_F(PhysMemoryTest, MemoryIsFinite) {
  EXPECT_EQ(Alloc(PhysMemory::kMaxFrames + 1), 0u);
  EXPECT_EQ(phys().live_frames(), 0u);
  EXPECT_EQ(Alloc(PhysMemory::kMaxFrames), kFirstPfn);
  EXPECT_EQ(Alloc(), 0u);
  Put(kFirstPfn + 10);
  EXPECT_EQ(Alloc(2), 0u);
  EXPECT_EQ(Alloc(), kFirstPfn + 10);
}

TEST_F(PhysMemoryTest, PinsKeepAFrameAlive) {
  const Pfn pfn = Alloc(1, FrameOwner::kMemfdData);
  phys().WriteWord(AddressOf(pfn), 5);
  Pin(pfn);
  Pin(pfn);
  Put(pfn);
  EXPECT_EQ(phys().at(pfn).owner, FrameOwner::kMemfdData);
  EXPECT_EQ(phys().at(pfn).refs, 2);
  EXPECT_EQ(phys().at(pfn).pins, 2);
  EXPECT_EQ(phys().ReadWord(AddressOf(pfn)), 5u);
  Alone([&](Task& t) { phys().Unpin(t, pfn); });
  EXPECT_EQ(phys().live_frames(), 1u);
  Alone([&](Task& t) { phys().Unpin(t, pfn); });
  EXPECT_EQ(phys().live_frames(), 0u);
  EXPECT_FALSE(phys().Exists(pfn));
}

TEST_F(PhysMemoryTest, PinsThatLeakDoNotOverflow) {
  const Pfn pfn = Alloc(1, FrameOwner::kMemfdData);
  ASSERT_TRUE(Alone([&](Task& t) {
    for (int i = 0; i < PhysMemory::kMaxPins; ++i) phys().Pin(t, pfn);
  }));
  EXPECT_EQ(phys().at(pfn).pins, PhysMemory::kMaxPins);
  EXPECT_FALSE(Alone([&](Task& t) { phys().Pin(t, pfn); }));
  EXPECT_EQ(Splats(), sim::Only{sim::Splat::kBadPageState});
  EXPECT_EQ(phys().at(pfn).pins, PhysMemory::kMaxPins);
}

TEST_F(PhysMemoryTest, WordsAreSparseAndCanonical) {
  const Pfn pfn = Alloc(2);
  const PhysMemory empty = phys();
  phys().WriteWord(AddressOf(pfn) + 16, 3);
  phys().WriteWord(AddressOf(pfn) + 8, 2);
  phys().WriteWord(AddressOf(pfn + 1), 4);
  std::vector<std::pair<uint64_t, uint64_t>> seen;
  phys().ForEachWord(pfn, [&](uint64_t index, uint64_t value) { seen.emplace_back(index, value); });
  const std::vector<std::pair<uint64_t, uint64_t>> expected{{1, 2}, {2, 3}};
  EXPECT_EQ(seen, expected);

  PhysMemory other = empty;  // the same words in another order
  other.WriteWord(AddressOf(pfn + 1), 4);
  other.WriteWord(AddressOf(pfn) + 8, 9);
  other.WriteWord(AddressOf(pfn) + 16, 3);
  EXPECT_FALSE(other == phys());
  other.WriteWord(AddressOf(pfn) + 8, 2);
  EXPECT_TRUE(other == phys());

  for (PhysAddr a : {AddressOf(pfn) + 8, AddressOf(pfn) + 16, AddressOf(pfn + 1)}) {
    phys().WriteWord(a, 0);
  }
  EXPECT_TRUE(phys() == empty);
}

TEST_F(PhysMemoryTest, WordsInAnyOrderAgreeWithAMap) {
  const Pfn pfn = Alloc(3);
  std::map<PhysAddr, uint64_t> words;
  uint32_t state = 1;
  for (int round = 0; round < 3000; ++round) {
    state = state * 1664525 + 1013904223;
    // Few enough that a word is written again, and becomes zero again.
    const PhysAddr address = AddressOf(pfn) + (state >> 8) % 3 * kPageSize + (state >> 16) % 16 * 8;
    const uint64_t value = (state >> 24) % 4;
    ASSERT_TRUE(phys().WriteWord(address, value));
    words[address] = value;
    for (const auto& [at, wanted] : words) ASSERT_EQ(phys().ReadWord(at), wanted) << round;
  }
  std::erase_if(words, [](const auto& word) { return word.second == 0; });
  std::map<PhysAddr, uint64_t> left;
  for (Pfn frame = pfn; frame < pfn + 3; ++frame) {
    phys().ForEachWord(frame,
                       [&](uint64_t i, uint64_t value) { left[AddressOf(frame) + 8 * i] = value; });
  }
  EXPECT_EQ(left, words);
}

TEST_F(PhysMemoryTest, FieldsOfAnyAlignmentAgreeWithAByteArray) {
  constexpr size_t kBytes = 2 * kPageSize;
  const Pfn pfn = Alloc(2);
  const PhysMemory empty = phys();
  std::vector<uint8_t> bytes(kBytes, 0);
  std::mt19937_64 random(1);
  constexpr int kWidths[] = {1, 2, 4, 8};
  for (int round = 0; round < 20'000; ++round) {
    const int width = kWidths[random() % 4];
    // Close together, so that fields overlap, and across the frame boundary.
    const size_t offset = kPageSize - 40 + random() % 80;
    if (random() % 2 == 0) {
      const uint64_t value = random() % 4 == 0 ? 0 : random();
      phys().WriteField(AddressOf(pfn) + offset, width, value);
      for (int i = 0; i < width; ++i) bytes[offset + i] = static_cast<uint8_t>(value >> (8 * i));
    }
    uint64_t expected = 0;
    for (int i = 0; i < width; ++i) expected |= uint64_t{bytes[offset + i]} << (8 * i);
    ASSERT_EQ(phys().ReadField(AddressOf(pfn) + offset, width), expected) << "round " << round;
  }
  for (size_t offset = 0; offset < kBytes; ++offset) {
    ASSERT_EQ(phys().ReadField(AddressOf(pfn) + offset, 1), bytes[offset]);
    phys().WriteField(AddressOf(pfn) + offset, 1, 0);
  }
  EXPECT_TRUE(phys() == empty) << "no word of zeroes is left behind";
}

TEST_F(PhysMemoryTest, FoliosAreAlignedAndGoAsAWhole) {
  const Pfn page = Alloc();
  const PhysMemory before = phys();
  const Pfn folio = AllocFolio(2);
  EXPECT_EQ(folio, kFirstPfn + 4);
  EXPECT_EQ(Alloc(), page + 1) << "what alignment left out is not lost";
  Put(page + 1);
  EXPECT_EQ(phys().live_frames(), 5u);
  EXPECT_EQ(phys().at(folio).order, 2);
  EXPECT_EQ(phys().at(folio + 3).tail, 3);
  Pin(folio + 3);
  EXPECT_EQ(phys().at(folio).pins, 1) << "counted on the head";
  Put(folio + 1);
  EXPECT_EQ(phys().live_frames(), 5u);
  Alone([&](Task& t) { phys().Unpin(t, folio); });
  EXPECT_TRUE(phys() == before);
  EXPECT_EQ(AllocFolio(10), 0x400u);
  Alone([&](Task& t) { phys().Alloc(t, FrameOwner::kPageTable, PhysMemory::kMaxFrames - 2048); });
  EXPECT_EQ(AllocFolio(10), 0u);
}

TEST_F(PhysMemoryTest, FreeMemoryIsPoisonedAndNoMemoryReadsAsZero) {
  EXPECT_EQ(phys().ReadWord(0), 0u);
  EXPECT_EQ(phys().ReadField(AddressOf(kFirstPfn + 1000), 2), 0xaaaau);
  EXPECT_EQ(phys().ReadField(AddressOf(kFirstPfn + PhysMemory::kMaxFrames) - 4, 8), 0xaaaaaaaau);
  EXPECT_EQ(phys().ReadWord(AddressOf(uint64_t{1} << 40)), 0u);
  EXPECT_FALSE(phys().Exists(0));
  EXPECT_FALSE(phys().InUse(UINT64_MAX));
  EXPECT_FALSE(phys().WriteWord(AddressOf(kFirstPfn), 1));
  EXPECT_FALSE(phys().WriteWord(0, 1));
  EXPECT_FALSE(phys().WriteField(AddressOf(Alloc() + 1) - 4, 8, 1)) << "the second half";
  const Pfn second = Alloc();
  Put(second - 1);
  EXPECT_FALSE(phys().WriteField(AddressOf(second) - 4, 8, 1)) << "the first half";
}

TEST_F(PhysMemoryTest, TheLastFreeIsRemembered) {
  const PhysMemory empty = phys();
  const Pfn pfn = Alloc(1, FrameOwner::kFlbSer);
  Alone([&](Task& t) {
    runtime.BeginOperation(t, 7, 0);
    phys().Put(t, pfn);
  });
  EXPECT_TRUE(phys() == empty) << "a ghost";
  EXPECT_FALSE(Alone([&](Task& t) { phys().Put(t, pfn); }));
  const auto& events = runtime.log().events();
  ASSERT_GE(events.size(), 2u);
  const sim::Event& note = events[events.size() - 2];
  EXPECT_EQ(note.detail, static_cast<int>(sim::Note::kFrameFreedBy));
  const FreedBy by = UnpackFreedBy(note.value);
  EXPECT_EQ(by.owner, FrameOwner::kFlbSer);
  EXPECT_EQ(by.operation, 7);
  EXPECT_EQ(by.task, 0);
  EXPECT_EQ(Splats(), sim::Only{sim::Splat::kUseAfterFree});
}

// The generation has 16 bits, and 0 stands for a frame that was never freed.
TEST_F(PhysMemoryTest, TheLastFreeIsRememberedHoweverOftenThereWasOne) {
  Pfn pfn = 0;
  ASSERT_TRUE(Alone([&](Task& t) {
    for (int i = 0; i < 1 << 16; ++i) {
      pfn = phys().Alloc(t, FrameOwner::kFlbSer).value();
      phys().Put(t, pfn);
    }
  }));
  EXPECT_FALSE(Alone([&](Task& t) { phys().Put(t, pfn); }));
  const auto& events = runtime.log().events();
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[0].detail, static_cast<int>(sim::Note::kFrameFreedBy));
}

// Every primitive that takes a frame, given one that is free, absent, or somebody else's.
TEST_F(PhysMemoryTest, WhatADesignCanNameIsAnOops) {
  using sim::Splat;
  const Pfn used = Alloc();
  const Pfn freed = Alloc();
  Put(freed);
  const sim::ObjectRef by{sim::ObjectKind::kFlb, 0};
  struct Primitive {
    const char* name;
    std::function<void(Task&, Pfn)> call;
    std::optional<Splat> of_foreign;  // of `used`, which nobody has pinned
  };
  const Primitive primitives[] = {
      {"Use", [&](Task& t, Pfn p) { phys().Use(t, p, Only(FrameOwner::kFlbSer), by); },
       Splat::kForeignFrame},
      {"Put", [&](Task& t, Pfn p) { phys().Put(t, p); }, std::nullopt},
      {"Pin", [&](Task& t, Pfn p) { phys().Pin(t, p); }, std::nullopt},
      {"Unpin", [&](Task& t, Pfn p) { phys().Unpin(t, p); }, Splat::kBadPageState},
  };
  const Machine before = machine;
  for (const Primitive& primitive : primitives) {
    const auto splats = [&](Pfn pfn) {
      machine = before;
      Alone([&](Task& t) { primitive.call(t, pfn); });
      return Splats();
    };
    EXPECT_EQ(splats(freed), sim::Only{Splat::kUseAfterFree}) << primitive.name;
    for (const Pfn absent : {Pfn{0}, kFirstPfn - 1, kFirstPfn + PhysMemory::kMaxFrames, ~Pfn{0}}) {
      EXPECT_EQ(splats(absent), sim::Only{Splat::kBadFrame}) << primitive.name << " " << absent;
    }
    if (primitive.of_foreign.has_value()) {
      EXPECT_EQ(splats(used), sim::Only{*primitive.of_foreign}) << primitive.name;
    } else {
      EXPECT_TRUE(splats(used).empty()) << primitive.name;
    }
  }
  machine = before;
  Pin(used);
  Put(used);
  EXPECT_FALSE(Alone([&](Task& t) { phys().Put(t, used); })) << "only pins are left";
  EXPECT_EQ(Splats(), sim::Only{Splat::kBadPageState});
}

// Where the search for a free frame may begin is remembered; where it would end is not.
TEST_F(PhysMemoryTest, RandomAllocationsTakeTheLowestFramesThatAreFree) {
  std::mt19937 random(3);
  std::vector<Pfn> taken;
  const auto lowest = [&](size_t count, size_t alignment) {
    for (Pfn first = kFirstPfn;; ++first) {
      if (first % alignment != 0) continue;
      size_t run = 0;
      while (run < count && !phys().InUse(first + run)) ++run;
      if (run == count) return first;
    }
  };
  for (int i = 0; i < 3000; ++i) {
    const auto choice = random() % 5;
    if (choice == 0) {
      const int order = static_cast<int>(random() % 4);
      const Pfn expected = lowest(size_t{1} << order, size_t{1} << order);
      ASSERT_EQ(AllocFolio(order), expected) << "step " << i;
      taken.push_back(expected);
    } else if (choice <= 2) {
      const size_t count = 1 + random() % 3;
      const Pfn expected = lowest(count, 1);
      ASSERT_EQ(Alloc(count), expected) << "step " << i;
      for (size_t k = 0; k < count; ++k) taken.push_back(expected + k);
    } else if (!taken.empty()) {
      const size_t at = random() % taken.size();
      Put(taken[at]);
      taken[at] = taken.back();
      taken.pop_back();
    }
  }
  EXPECT_GT(taken.size(), 50u);
}

TEST_F(PhysMemoryTest, EachChangeOfAnOwnerOrAWordIsSeen) {
  uint64_t before = phys().changes();
  const auto grew = [&] {
    const uint64_t last = before;
    before = phys().changes();
    return before > last;
  };
  const Pfn pfn = Alloc();
  EXPECT_TRUE(grew());
  EXPECT_TRUE(phys().WriteWord(AddressOf(pfn), 7));
  EXPECT_TRUE(grew());
  EXPECT_EQ(phys().ReadWord(AddressOf(pfn)), 7u);
  Pin(pfn);
  EXPECT_FALSE(grew()) << "a pin is neither";
  EXPECT_TRUE(phys().WriteField(AddressOf(pfn) + 6, 4, 0x01020304));
  EXPECT_TRUE(grew());
  const Pfn folio = AllocFolio(1);
  EXPECT_TRUE(grew());
  Put(folio);
  EXPECT_TRUE(grew());
}

class PhysMemoryDeathTest : public PhysMemoryTest {};

TEST_F(PhysMemoryDeathTest, MisuseByTheModelItselfIsRefused) {
  const Pfn pfn = Alloc();
  EXPECT_DEATH(phys().WriteWord(AddressOf(pfn) + 4, 1), "aligned");
  EXPECT_DEATH(Alloc(0), "at least one frame");
  EXPECT_DEATH(AllocFolio(11), "what the allocator cannot do");
}

}  // namespace
}  // namespace iommufd_check::mm
