// Switches are anchored, so taking an operation away moves none of them.
#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "model/liveupdate/designs/registry.h"
#include "model/program/execute/executor.h"
#include "model/program/identity.h"
#include "model/program/minimise.h"
#include "model/program/text/text_codec.h"
#include "tests/program/text_messages.h"

namespace iommufd_check::program {
namespace {

// A map that fails takes its area out again under the page check of v1: it needs the mark of a
// third task between them, so three switches, and seven of these operations.
constexpr std::string_view kThirty = R"(boot memfds=3 devices=2

main:
  x1 = ioas_alloc()
  ioas = ioas_alloc()
  memfd_truncate(1, size=0x8000)
  dev = device_bind(index=0)
  dev2 = device_bind(index=1)
  x2 = ioas_alloc()
  hwpt = hwpt_alloc(dev, ioas)
  x3 = hwpt_alloc(dev2, x2)
  map(x1, buffer=0, iova=0x4000, length=0x1000)
  s0 = luo_create_session(name="a")
  s = luo_create_session(name="vm")
  map_file(x2, memfd=1, iova=0x1000, length=0x2000)
  memfd_seal(2, seals=shrink)
A:
  x4 = ioas_alloc()
  unmap(x1)
  map_file(ioas, memfd=0, iova=0x1000, length=0x1000)
  unmap(x2)
  destroy(x4)
B:
  memfd_punch_hole(2, length=0x1000)
  device_attach(dev2, x3)
  luo_preserve(s, iommufd, token=2)
  device_detach(dev2)
  x5 = ioas_alloc()
C:
  map(x1, buffer=0, iova=0x9000, length=0x1000)
  lu_mark(hwpt, token=7)
  luo_close_session(s0)
finally:
  unmap(ioas)
  destroy(x3)
  memfd_truncate(2, size=0)
  luo_close_session(s)

fault A.3 memfd_pin_folios nth=1
switch A.3 before lock ioas.domains_rwsem#1 -> C
switch C.2 after end -> B
switch B.3 before access area.pages#1 -> A
)";

class AnchorsTest : public testing::Test {
 protected:
  // One run. True: it shows the finding, and each switch found its place.
  bool Fails(const Program& program) {
    ++runs_;
    const Execution& run = executor_.Run(*liveupdate::FindDesign("v1"), program);
    return FindIdentity(program, run, wanted_) != nullptr && run.unmet.empty();
  }

  Executor executor_;
  const Identity wanted_ =
      *IdentityFromText("I08@luo_preserve:area:check_iopt_pages_preserved:use-after-free");
  int runs_ = 0;
};

// No operation that no switch is anchored in takes a switch with it, so each removal takes one run.
TEST_F(AnchorsTest, EveryRemovalKeepsTheFindingInOneRun) {
  Program program = Parse(std::string(kThirty));
  ASSERT_EQ(program.operations.size(), 30u);
  ASSERT_TRUE(Fails(program));
  const std::set<std::string> needed = {"main.2", "main.4", "main.7", "main.11",
                                        "A.3",    "B.3",    "C.2"};
  std::vector<size_t> removable;
  for (size_t i = 0; i < program.operations.size(); ++i) {
    if (!needed.contains(OperationLabel(program, i))) removable.push_back(i);
  }
  ASSERT_EQ(removable.size(), 23u);
  runs_ = 0;
  for (const size_t i : removable) {
    EXPECT_TRUE(Fails(WithoutOperation(program, i))) << OperationLabel(program, i);
  }
  for (auto i = removable.rbegin(); i != removable.rend(); ++i) {
    program = WithoutOperation(program, *i);
    EXPECT_TRUE(Fails(program)) << PrintProgram(program);
  }
  EXPECT_EQ(runs_, 46) << "each of them alone, and one after the other";
  EXPECT_EQ(program.operations.size(), 7u);
  EXPECT_EQ(program.switches.size(), 3u);
}

TEST_F(AnchorsTest, MinimisingTakesOneRunForEachCandidate) {
  MinimiseStats stats;
  const Program least = Minimise(
      Parse(std::string(kThirty)), [this](const Program& program) { return Fails(program); },
      &stats);
  EXPECT_EQ(static_cast<uint64_t>(runs_), stats.attempts);
  EXPECT_EQ(least.operations.size(), 7u) << PrintProgram(least);
  EXPECT_EQ(least.switches.size(), 3u) << PrintProgram(least);
  EXPECT_EQ(stats.of(Attempt::kSwitch).kept, 0u);
  RecordProperty("candidates", static_cast<int>(stats.attempts));
}

}  // namespace
}  // namespace iommufd_check::program
