// The judge's readers of frames and bytes: on hand-made memory, and against the kernel's own on the
// same machine. A reader that is wrong on one side is seen.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "model/iommu/walker.h"
#include "model/liveupdate/designs/registry.h"
#include "model/program/execute/executor.h"
#include "model/program/text/text_codec.h"
#include "model/spec/record_reader.h"
#include "model/spec/table_reader.h"

namespace iommufd_check::spec {
namespace {

using mm::FrameOwner;

class FakeFrames : public Frames {
 public:
  void Own(mm::Pfn pfn, FrameOwner owner) { owners_[pfn] = owner; }
  void Put(mm::PhysAddr address, uint64_t word) { words_[address] = word; }

  FrameOwner Owner(mm::Pfn pfn) const override {
    const auto it = owners_.find(pfn);
    return it == owners_.end() ? FrameOwner::kFree : it->second;
  }
  uint64_t Word(mm::PhysAddr address) const override {
    const auto it = words_.find(address);
    return it == words_.end() ? 0 : it->second;
  }
  void Words(mm::Pfn pfn, std::vector<std::pair<uint64_t, uint64_t>>* words) const override {
    words->clear();
    for (const auto& [address, word] : words_) {
      if (mm::PfnOf(address) == pfn) words->emplace_back((address >> 3) & 511, word);
    }
  }

 private:
  std::map<mm::Pfn, FrameOwner> owners_;
  std::map<mm::PhysAddr, uint64_t> words_;
};

TEST(TableReader, WalksThreeLevels) {
  FakeFrames frames;
  for (const mm::Pfn table : {0x100, 0x101, 0x102}) frames.Own(table, FrameOwner::kPageTable);
  frames.Put(mm::AddressOf(0x100) + 8 * 1, mm::AddressOf(0x101) | 3);
  frames.Put(mm::AddressOf(0x101) + 8 * 2, mm::AddressOf(0x102) | 3);
  frames.Put(mm::AddressOf(0x102) + 8 * 3, mm::AddressOf(0x777) | 1);
  frames.Put(mm::AddressOf(0x102) + 8 * 4, mm::AddressOf(0x778));      // not present
  frames.Put(mm::AddressOf(0x100) + 8 * 9, mm::AddressOf(0x999) | 3);  // nobody's frame
  std::vector<mm::Pfn> tables;
  std::vector<LeafView> leaves;
  ReadTables(frames, 0x100, &tables, &leaves);
  EXPECT_EQ(tables, (std::vector<mm::Pfn>{0x100, 0x101, 0x102}));
  EXPECT_EQ(leaves, (std::vector<LeafView>{{0x40403000, 0x777, 1}}));
  ReadTables(frames, 0x555, &tables, &leaves);
  EXPECT_TRUE(tables.empty() && leaves.empty()) << "a top table that is nobody's";
}

TEST(TableReader, ATableThatContainsItselfEnds) {
  FakeFrames frames;
  frames.Own(0x100, FrameOwner::kPageTable);
  frames.Put(mm::AddressOf(0x100), mm::AddressOf(0x100) | 3);
  std::vector<mm::Pfn> tables;
  ReadTables(frames, 0x100, &tables);
  EXPECT_EQ(tables, (std::vector<mm::Pfn>{0x100}));
}

TEST(RecordReader, GarbageCountsDoNotDriveTheRun) {
  FakeFrames frames;
  frames.Own(0x200, FrameOwner::kIommufdSer);
  frames.Put(mm::AddressOf(0x200), UINT64_MAX);
  FileView file;
  ReadIommufdFile(frames, uapi::Contract::Abi::kR7, mm::AddressOf(0x200), &file);
  EXPECT_EQ(file.nr_hwpts, UINT64_MAX);
  EXPECT_EQ(file.records.size(), kMostRecords);
  frames.Put(mm::AddressOf(0x200) + 24, UINT64_MAX);
  frames.Put(mm::AddressOf(0x200) + 32, 0x123450);
  ReadMemfdFile(frames, mm::AddressOf(0x200), &file);
  EXPECT_TRUE(file.serialized_pages.empty());
}

TEST(RecordReader, GarbageInTheArrayOfDomainsDoesNotDriveTheRun) {
  FakeFrames frames;
  frames.Own(0x200, FrameOwner::kFlbSer);
  frames.Own(0x201, FrameOwner::kFlbSer);
  frames.Put(mm::AddressOf(0x200), mm::AddressOf(0x201));
  frames.Put(mm::AddressOf(0x201) + 8, UINT64_MAX);  // more than fit
  std::vector<DomainRecordView> records;
  ReadDomainRecords(frames, uapi::Contract::Abi::kR7, mm::AddressOf(0x200), &records);
  EXPECT_EQ(records.size(), (4096u - 16) / 37);
  frames.Put(mm::AddressOf(0x201), mm::AddressOf(0x201));  // the page is its own next
  frames.Put(mm::AddressOf(0x201) + 8, 1);
  ReadDomainRecords(frames, uapi::Contract::Abi::kR7, mm::AddressOf(0x200), &records);
  EXPECT_EQ(records.size(), kMostRecords);
  frames.Put(mm::AddressOf(0x201) + 8, UINT64_MAX);  // and full
  ReadDomainRecords(frames, uapi::Contract::Abi::kR7, mm::AddressOf(0x200), &records);
  EXPECT_EQ(records.size(), kMostRecords);
}

TEST(RecordReader, LayoutsAreThoseOfTheRevisions) {
  const AbiLayout& r3 = LayoutOf(uapi::Contract::Abi::kR3);
  EXPECT_EQ(r3.header.size, 4u);
  EXPECT_EQ(r3.record.size, 13u);
  EXPECT_EQ(r3.domain.size, 33u);
  const AbiLayout& r7 = LayoutOf(uapi::Contract::Abi::kR7);
  EXPECT_EQ(r7.header.size, 8u);
  EXPECT_EQ(r7.record.size, 24u);
  EXPECT_EQ(r7.domain.size, 37u);
}

class MachineFrames : public Frames {
 public:
  explicit MachineFrames(const mm::PhysMemory& phys) : phys_(phys) {}
  FrameOwner Owner(mm::Pfn pfn) const override {
    return phys_.Exists(pfn) ? phys_.at(pfn).owner : FrameOwner::kFree;
  }
  uint64_t Word(mm::PhysAddr address) const override { return phys_.ReadWord(address); }
  void Words(mm::Pfn pfn, std::vector<std::pair<uint64_t, uint64_t>>* words) const override {
    words->clear();
    phys_.ForEachWord(pfn, [&](uint64_t i, uint64_t value) { words->emplace_back(i, value); });
  }

 private:
  const mm::PhysMemory& phys_;
};

// Deliberately wrong: the upper half of each table is missed.
class HalfBlind : public MachineFrames {
 public:
  using MachineFrames::MachineFrames;
  void Words(mm::Pfn pfn, std::vector<std::pair<uint64_t, uint64_t>>* words) const override {
    MachineFrames::Words(pfn, words);
    words->erase(std::remove_if(words->begin(), words->end(),
                                [](const auto& word) { return word.first >= 256; }),
                 words->end());
  }
};

// A machine with a preserved domain, stopped before the process exits.
class SameFramesTest : public testing::Test {
 protected:
  SameFramesTest() {
    const auto program = program::ParseProgram(
        "boot memfds=1 devices=1\nmain:\n"
        "  ioas = ioas_alloc()\n  dev = device_bind(index=0)\n  hwpt = hwpt_alloc(dev, ioas)\n"
        "  memfd_seal(0, seals=seal|grow|shrink)\n"
        "  map_file(ioas, memfd=0, iova=0x1000, length=0x2000)\n"
        "  map_file(ioas, memfd=0, start=0x2000, iova=0x7fff001ff000, length=0x2000)\n"
        "  map_file(ioas, memfd=0, start=0x2000, iova=0x401ff000, length=0x2000)\n"
        "  lu_mark(hwpt, token=7)\n  s = luo_create_session(name=\"vm\")\n"
        "  luo_preserve(s, memfd=0, token=1)\n",
        "test");
    EXPECT_TRUE(program.ok()) << program.status().message();
    executor_.Keep(*liveupdate::FindDesign("reference"), *program);
  }
  const liveupdate::World& world() const { return executor_.world(); }
  mm::Pfn top() const {
    mm::Pfn top = 0;
    world().iommu.domains.ForEach(
        [&](iommu::DomainHandle, const iommu::Domain& domain) { top = domain.top.Peek(); });
    return top;
  }

  program::Executor executor_;
};

TEST_F(SameFramesTest, TablesAndLeaves) {
  const MachineFrames frames(world().machine.phys);
  std::vector<mm::Pfn> ours;
  std::vector<LeafView> our_leaves;
  ReadTables(frames, top(), &ours, &our_leaves);
  std::vector<mm::Pfn> theirs;
  iommu::CollectTables(world().machine.phys, top(), &theirs);
  std::sort(theirs.begin(), theirs.end());
  EXPECT_EQ(ours, theirs);
  EXPECT_GE(ours.size(), 5u);

  std::vector<iommu::Leaf> their_leaves;
  iommu::CollectLeaves(world().machine.phys, top(), &their_leaves);
  ASSERT_EQ(our_leaves.size(), their_leaves.size());
  for (size_t i = 0; i < our_leaves.size(); ++i) {
    EXPECT_EQ(our_leaves[i],
              (LeafView{their_leaves[i].iova, their_leaves[i].pfn, their_leaves[i].permissions}));
  }

  const HalfBlind wrong(world().machine.phys);
  ReadTables(wrong, top(), &ours, &our_leaves);
  EXPECT_NE(our_leaves.size(), their_leaves.size()) << "the wrong reader is seen";
}

TEST_F(SameFramesTest, SerializedMemfd) {
  uint64_t data = 0;
  world().kernel.luo.sessions.ForEach(
      [&](liveupdate::SessionHandle, const liveupdate::Session& session) {
        for (const liveupdate::LuoFile& file : session.files.Peek()) data = file.data;
      });
  ASSERT_NE(data, 0u);
  FileView ours;
  ReadMemfdFile(MachineFrames(world().machine.phys), data, &ours);
  // The file is frozen, so it still is what was written down.
  const mm::MemfdState& file = world().machine.memfds.Find({0, 0})->state.Peek();
  ASSERT_TRUE(file.frozen);
  EXPECT_EQ(ours.serialized_size, file.size);
  EXPECT_EQ(ours.serialized_seals, file.seals);
  EXPECT_EQ(ours.serialized_pages, file.pages);
  EXPECT_EQ(ours.serialized_pages.size(), 4u);
}

}  // namespace
}  // namespace iommufd_check::spec
