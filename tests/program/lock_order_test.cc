// The order in which the model takes its locks is the documented one: what a run nests is nested in
// locking.md section 2 or in luo_kho.md section 2 (iommufd and LUO), in the headers of the IOMMU
// core's part, or in the head of the design, for a lock of its own.
//
// Runs of `reference`. v1 breaks the order, and is condemned for it elsewhere (B01, B02, B03).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "model/liveupdate/designs/registry.h"
#include "model/program/execute/executor.h"
#include "model/program/text/text_codec.h"
#include "model/sim/lockdep.h"
#include "tests/program/corpus.h"

namespace iommufd_check::program {
namespace {

using sim::LockClass;
using Edge = std::pair<LockClass, LockClass>;

constexpr Edge kDocumented[] = {
    // locking.md section 2.
    {LockClass::kIoasMutex, LockClass::kDomainsRwsem},          // IM > DR
    {LockClass::kDomainsRwsem, LockClass::kIovaRwsem},          // DR > IR
    {LockClass::kIovaRwsem, LockClass::kPagesMutex},            // IR > PM
    {LockClass::kPagesMutex, LockClass::kMmapLock},             // PM > MM
    {LockClass::kIoasMutex, LockClass::kIgroupLock},            // IM > IG
    {LockClass::kIgroupLock, LockClass::kGroupMutex},           // IG > GM
    {LockClass::kIgroupLock, LockClass::kIovaRwsem},            // IG > IR
    {LockClass::kIgroupLock, LockClass::kObjectsXaLock},        // IG > OX
    {LockClass::kIoasCreationLock, LockClass::kObjectsXaLock},  // IC(R) > OX
    {LockClass::kIoasMutex, LockClass::kObjectsXaLock},         // section 3, HWPT_ALLOC: IM{OX}
    // luo_kho.md section 2; 5 has no caller here.
    {LockClass::kLuoSerializeRwsem, LockClass::kLuoSessionsRwsem},  // 1 > 2
    {LockClass::kLuoSessionsRwsem, LockClass::kLuoSessionMutex},    // 2 > 3
    {LockClass::kLuoSessionMutex, LockClass::kLuoRegisterRwlock},   // 3 > 4
    {LockClass::kLuoRegisterRwlock, LockClass::kLuoFlbMutex},       // 4 > 6
    {LockClass::kLuoFlbMutex, LockClass::kKhoRadixMutex},           // 6 > 7
    // luo_kho.md section 3: ids are stored under session->mutex; section 7: preserve of a memfd.
    {LockClass::kLuoSessionMutex, LockClass::kLuoFilesXaLock},
    {LockClass::kLuoSessionMutex, LockClass::kInodeLock},
    {LockClass::kInodeLock, LockClass::kKhoRadixMutex},
    // reference.h: preserve runs under session->mutex and its own mutex.
    {LockClass::kLuoSessionMutex, LockClass::kLiveupdateMutex},
    {LockClass::kLiveupdateMutex, LockClass::kObjectsXaLock},
    {LockClass::kLiveupdateMutex, LockClass::kDomainsRwsem},
    {LockClass::kLiveupdateMutex, LockClass::kLuoFlbMutex},
    // iommu_core.h.
    {LockClass::kLiveupdateMutex, LockClass::kIommuFlbMutex},
    {LockClass::kIommuFlbMutex, LockClass::kKhoRadixMutex},
};

// Every operation, with memory that is there and memory that must be faulted in, and devices that
// go one before the other.
constexpr std::string_view kAllOperations =
    "boot memfds=2 buffers=1 devices=2\n"
    "main:\n"
    "  ioas = ioas_alloc()\n"
    "  map(ioas, buffer=0, iova=0x1000, length=0x1000)\n"
    "  dev = device_bind(index=0)\n"
    "  dev2 = device_bind(index=1)\n"
    "  hwpt = hwpt_alloc(dev, ioas)\n"
    "  device_attach(dev, hwpt)\n"
    "  device_attach(dev2, hwpt)\n"
    "  map(ioas, buffer=0, offset=0x1000, iova=0x2000, length=0x1000)\n"
    "  map(ioas, buffer=0, offset=0x1000, iova=0x3000, length=0x1000)\n"
    "  ioas_copy(ioas, ioas, iova=0x8000, length=0x3000, src_iova=0x1000)\n"
    "  unmap(ioas, iova=0x1000, length=0xa000)\n"
    "  memfd_seal(0, seals=seal|grow|shrink)\n"
    "  map_file(ioas, memfd=0, iova=0x1000, length=0x1000)\n"
    "  memfd_punch_hole(1, offset=0, length=0x1000)\n"
    "  memfd_truncate(1, size=0x1000)\n"
    "  lu_mark(hwpt, token=7)\n"
    "  s = luo_create_session(name=\"vm\")\n"
    "  luo_preserve(s, memfd=0, token=1)\n"
    "  luo_preserve(s, iommufd, token=2)\n"
    "  luo_close_session(s)\n"
    "  device_detach(dev)\n"
    "  device_unbind(dev)\n"
    "  device_unbind(dev2)\n"
    "  destroy(hwpt)\n"
    "  destroy(ioas)\n"
    "  close_iommufd()\n";

// What each event's task held when it took or awaited another lock.
std::set<Edge> NestingsOf(const std::vector<sim::Event>& events) {
  std::set<Edge> nestings;
  std::array<std::vector<sim::Event>, sim::kMaxTasks> held;
  for (const sim::Event& event : events) {
    std::vector<sim::Event>& mine = held[event.task];
    const bool wants =
        event.primitive == sim::Primitive::kLock ||
        (event.primitive == sim::Primitive::kWait && sim::LockClassOf(event) != LockClass::kCount);
    for (const sim::Event& outer : mine) {
      if (wants && outer.detail != event.detail) {
        nestings.emplace(static_cast<LockClass>(outer.detail),
                         static_cast<LockClass>(event.detail));
      }
    }
    if (event.primitive == sim::Primitive::kLock) mine.push_back(event);
    if (event.primitive == sim::Primitive::kUnlock) {
      std::erase_if(mine, [&](const sim::Event& lock) { return lock.spare == event.spare; });
    }
  }
  return nestings;
}

std::set<Edge> NestingsOf(const Program& program) {
  Executor executor;
  executor.Run(*liveupdate::FindDesign("reference"), program);
  return NestingsOf(executor.events());
}

std::string TextOf(const Edge& edge) {
  return std::string(sim::Name(edge.first)) + " > " + std::string(sim::Name(edge.second));
}

Program AllOperations() {
  const absl::StatusOr<Program> program = ParseProgram(kAllOperations, "all operations");
  EXPECT_TRUE(program.ok()) << program.status().message();
  return program.ok() ? *program : Program{};
}

sim::LockOrder Documented() {
  sim::LockOrder order;
  for (const auto& [outer, inner] : kDocumented) {
    EXPECT_FALSE(order.AddEdge(outer, inner)) << TextOf({outer, inner}) << " closes a cycle";
  }
  return order;
}

TEST(LockOrder, EachNestingIsDocumented) {
  const sim::LockOrder documented = Documented();
  std::vector<Program> programs{AllOperations()};
  for (const char* folder : {"bugs", "explore", "regressions", "seeds"}) {
    for (const std::string& file : CorpusFiles(folder)) {
      programs.push_back(CorpusProgram(file, folder));
    }
  }
  std::set<Edge> unknown;
  for (const Program& program : programs) {
    for (const Edge& edge : NestingsOf(program)) {
      if (!documented.Reaches(edge.first, edge.second)) unknown.insert(edge);
    }
  }
  for (const Edge& edge : unknown) ADD_FAILURE() << TextOf(edge) << " is documented nowhere";
}

TEST(LockOrder, EveryOperationIsAnswered) {
  const Program program = AllOperations();
  Executor executor;
  const Execution& run = executor.Run(*liveupdate::FindDesign("reference"), program);
  EXPECT_TRUE(run.violations.empty());
  std::set<OpCode> codes;
  for (size_t i = 0; i < program.operations.size(); ++i) {
    codes.insert(program.operations[i].code);
    EXPECT_EQ(run.results[i].result, 0) << OperationLabel(program, i);
  }
  EXPECT_EQ(codes.size(), static_cast<size_t>(OpCode::kCount));
}

// Each lock stands where its kernel function takes it: seen in the run, not only allowed.
TEST(LockOrder, LocksAreTakenWhereTheKernelTakesThem) {
  const std::set<Edge> seen = NestingsOf(AllOperations());
  for (const Edge& edge :
       std::vector<Edge>{{LockClass::kIoasCreationLock, LockClass::kObjectsXaLock},
                         {LockClass::kIgroupLock, LockClass::kGroupMutex},
                         {LockClass::kIgroupLock, LockClass::kIovaRwsem},
                         {LockClass::kPagesMutex, LockClass::kMmapLock},
                         {LockClass::kDomainsRwsem, LockClass::kMmapLock},
                         {LockClass::kIoasMutex, LockClass::kMmapLock},
                         {LockClass::kLuoSerializeRwsem, LockClass::kLuoSessionsRwsem},
                         {LockClass::kLuoSerializeRwsem, LockClass::kLiveupdateMutex},
                         {LockClass::kLuoSessionMutex, LockClass::kLuoRegisterRwlock},
                         {LockClass::kLuoRegisterRwlock, LockClass::kLuoFlbMutex},
                         {LockClass::kLuoRegisterRwlock, LockClass::kKhoRadixMutex}}) {
    EXPECT_TRUE(seen.contains(edge)) << TextOf(edge);
  }
  // Dropped before the handler runs; groups are looked up and stored under nothing else.
  EXPECT_FALSE(seen.contains({LockClass::kLuoRegisterRwlock, LockClass::kLiveupdateMutex}));
  EXPECT_FALSE(seen.contains({LockClass::kLuoRegisterRwlock, LockClass::kInodeLock}));
  for (const Edge& edge : seen) {
    EXPECT_NE(edge.first, LockClass::kGroupsXaLock) << TextOf(edge);
    EXPECT_NE(edge.second, LockClass::kGroupsXaLock) << TextOf(edge);
    EXPECT_NE(edge.second, LockClass::kLuoSerializeRwsem) << TextOf(edge);
  }
}

}  // namespace
}  // namespace iommufd_check::program
