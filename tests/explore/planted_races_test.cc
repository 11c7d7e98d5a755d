// Defects that only an access makes, between no two locks: a walk without its lock, a check without
// the lock of what it claims, a store of a whole word that takes another one back. Nobody wrote a
// step for them; the explorer finds the places by itself.

#include <gtest/gtest.h>

#include <string>

#include "model/explore/work/certificate_text.h"
#include "model/explore/work/explore_work.h"
#include "model/iommufd/object_table.h"
#include "model/liveupdate/designs/reference.h"
#include "model/liveupdate/designs/v1.h"
#include "model/program/text/text_codec.h"

namespace iommufd_check::explore {
namespace {

using iommufd::Hwpt;
using iommufd::HwptHandle;
using iommufd::IoasHandle;
using liveupdate::Gate;
using liveupdate::PreserveArguments;
using liveupdate::Reference;
using liveupdate::Revision;
using liveupdate::StepKernel;
using liveupdate::Steps;
using liveupdate::V1;

constexpr char kMain[] =
    "boot memfds=1 devices=1\nmain:\n  ioas = ioas_alloc()\n  dev = device_bind(index=0)\n"
    "  hwpt = hwpt_alloc(dev, ioas)\n";

Certificate Explore(Revision design, const std::string& text) {
  const auto program = program::ParseProgram(text, "planted");
  EXPECT_TRUE(program.ok()) << program.status().message();
  program::Executor executor;
  return ExploreProgram(&executor, design, "planted", *program, {});
}

// Found in the mutant, and nothing in the design that it was made of.
void ExpectFound(const Revision& mutant, const std::string& text, spec::Invariant invariant,
                 sim::ObjectKind kind, sim::Field field) {
  const Certificate c = Explore(mutant, text);
  EXPECT_TRUE(c.exhausted()) << RenderText(c);
  EXPECT_NE(c.Find(invariant), nullptr) << RenderText(c);
  EXPECT_TRUE(c.places.Contains(kind, field)) << RenderText(c);
}

// Whether the token is free, and the mark itself, under no lock at all.
int MarkWithoutLock(StepKernel& k, uint32_t hwpt_id, uint64_t token) {
  const iommufd::ObjectKey key = GetObject(k, k.ctx, hwpt_id, iommufd::ObjectType::kHwptPaging);
  if (key.null()) return -sim::kENOENT;
  const int error = k.check_mark(key.hwpt(), token);
  if (error == 0) {
    Write(k, key.hwpt(), &Hwpt::token, token);
    Write(k, key.hwpt(), &Hwpt::marked, true);
  }
  PutObject(k, k.ctx, key);
  return error;
}

TEST(PlantedRaces, AClaimWithoutALock) {
  const std::string text = std::string(kMain) +
                           "  hwpt2 = hwpt_alloc(dev, ioas)\n"
                           "A:\n  lu_mark(hwpt, token=7)\nB:\n  lu_mark(hwpt2, token=7)\n";
  ExpectFound(Reference().With(&Steps::mark, MarkWithoutLock), text, spec::Invariant::kI11,
              sim::ObjectKind::kHwpt, sim::Field::kHwptToken);
  EXPECT_FALSE(Explore(Reference(), text).violated());
}

// The pages are looked at before the gate is closed, and without the lock.
int WalkWithoutLock(StepKernel& k, const PreserveArguments& arguments, const Gate& gate) {
  const int error = k.check_pages(arguments, gate.ioas);
  return error != 0 ? error : k.close_gate(gate);
}

TEST(PlantedRaces, AWalkWithoutItsLock) {
  const std::string text = std::string(kMain) +
                           "  memfd_seal(0, seals=seal|shrink|grow)\n"
                           "  map_file(ioas, memfd=0, iova=0x1000, length=0x1000)\n"
                           "  lu_mark(hwpt, token=7)\n  s = luo_create_session(name=\"vm\")\n"
                           "  luo_preserve(s, memfd=0, token=1)\n"
                           "A:\n  unmap(ioas, iova=0x1000, length=0x1000)\n"
                           "B:\n  luo_preserve(s, iommufd, token=2)\n";
  ExpectFound(Reference().With(&Steps::freeze, WalkWithoutLock), text, spec::Invariant::kI08,
              sim::ObjectKind::kIoas, sim::Field::kAreaTree);
  EXPECT_FALSE(Explore(Reference(), text).violated());
}

// Unmap notes something in the word that holds the mark, which is under another lock.
int NoteInTheSameWord(StepKernel& k, IoasHandle ioas) {
  for (const HwptHandle hwpt : Read(k, ioas, &iommufd::Ioas::hwpt_list)) {
    iommufd::HwptBits bits = Read(k, hwpt, &Hwpt::bits);
    bits.enforce_cache_coherency = false;
    Write(k, hwpt, &Hwpt::bits, bits);
  }
  return V1().steps().unmap(k, ioas);
}

TEST(PlantedRaces, AStoreOfAWordThatTakesAMarkBack) {
  const Revision mutant = V1().With(&Steps::unmap, NoteInTheSameWord);
  const std::string text = std::string(kMain) +
                           "A:\n  lu_mark(hwpt, token=7)\n"
                           "B:\n  unmap(ioas, iova=0x1000, length=0x1000)\n";
  ExpectFound(mutant, text, spec::Invariant::kI20, sim::ObjectKind::kHwpt, sim::Field::kHwptBits);
  // Not only the race: what it does.
  const Certificate c = Explore(mutant, text);
  bool lost = false;
  for (const Finding& finding : c.findings) {
    lost |= finding.identity.invariant != spec::Invariant::kI20 &&
            finding.detail.find("marked") != std::string::npos;
  }
  EXPECT_TRUE(lost) << RenderText(c);
  EXPECT_FALSE(Explore(V1(), text).violated());
}

}  // namespace
}  // namespace iommufd_check::explore
