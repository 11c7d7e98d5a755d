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
using liveupdate::Kernel;
using liveupdate::PreserveArguments;

constexpr char kMain[] =
    "boot memfds=1 devices=1\nmain:\n  ioas = ioas_alloc()\n  dev = device_bind(index=0)\n"
    "  hwpt = hwpt_alloc(dev, ioas)\n";

Certificate Explore(liveupdate::Design* design, const std::string& text) {
  const auto program = program::ParseProgram(text, "planted");
  EXPECT_TRUE(program.ok()) << program.status().message();
  program::Executor executor;
  return ExploreProgram(&executor, *design, "planted", *program, {});
}

// Found in the mutant, and nothing in the design that it was made of.
void ExpectFound(liveupdate::Design* mutant, const std::string& text, spec::Invariant invariant,
                 sim::ObjectKind kind, sim::Field field) {
  const Certificate c = Explore(mutant, text);
  EXPECT_TRUE(c.exhausted()) << RenderText(c);
  EXPECT_NE(c.Find(invariant), nullptr) << RenderText(c);
  EXPECT_TRUE(c.places.Contains(kind, field)) << RenderText(c);
}

// Whether the token is free, and the mark itself, under no lock at all.
class MarksWithoutLock : public liveupdate::Reference {
 public:
  int Mark(Kernel& k, uint32_t hwpt_id, uint64_t token) override {
    const iommufd::ObjectKey key = GetObject(k, k.ctx, hwpt_id, iommufd::ObjectType::kHwptPaging);
    if (key.null()) return -sim::kENOENT;
    const int error = CheckMark(k, key.hwpt(), token);
    if (error == 0) {
      Write(k, key.hwpt(), &Hwpt::token, token);
      Write(k, key.hwpt(), &Hwpt::marked, true);
    }
    PutObject(k, k.ctx, key);
    return error;
  }
};

TEST(PlantedRaces, AClaimWithoutALock) {
  MarksWithoutLock mutant;
  const std::string text = std::string(kMain) +
                           "  hwpt2 = hwpt_alloc(dev, ioas)\n"
                           "A:\n  lu_mark(hwpt, token=7)\nB:\n  lu_mark(hwpt2, token=7)\n";
  ExpectFound(&mutant, text, spec::Invariant::kI11, sim::ObjectKind::kHwpt, sim::Field::kHwptToken);
  liveupdate::Reference reference;
  EXPECT_FALSE(Explore(&reference, text).violated());
}

// The pages are looked at before the gate is closed, and without the lock.
class WalksWithoutLock : public liveupdate::Reference {
 protected:
  int Freeze(Kernel& k, const PreserveArguments& arguments, const Gate& gate) override {
    const int error = CheckPages(k, arguments, gate.ioas);
    return error != 0 ? error : CloseGate(k, gate);
  }
};

TEST(PlantedRaces, AWalkWithoutItsLock) {
  WalksWithoutLock mutant;
  const std::string text = std::string(kMain) +
                           "  memfd_seal(0, seals=seal|shrink|grow)\n"
                           "  map_file(ioas, memfd=0, iova=0x1000, length=0x1000)\n"
                           "  lu_mark(hwpt, token=7)\n  s = luo_create_session(name=\"vm\")\n"
                           "  luo_preserve(s, memfd=0, token=1)\n"
                           "A:\n  unmap(ioas, iova=0x1000, length=0x1000)\n"
                           "B:\n  luo_preserve(s, iommufd, token=2)\n";
  ExpectFound(&mutant, text, spec::Invariant::kI08, sim::ObjectKind::kIoas, sim::Field::kAreaTree);
  liveupdate::Reference reference;
  EXPECT_FALSE(Explore(&reference, text).violated());
}

// Unmap notes something in the word that holds the mark, which is under another lock.
class SharesItsWord : public liveupdate::V1 {
 public:
  int Unmap(iommufd::Kernel& k, IoasHandle ioas) override {
    for (const HwptHandle hwpt : Read(k, ioas, &iommufd::Ioas::hwpt_list)) {
      iommufd::HwptBits bits = Read(k, hwpt, &Hwpt::bits);
      bits.enforce_cache_coherency = false;
      Write(k, hwpt, &Hwpt::bits, bits);
    }
    return V1::Unmap(k, ioas);
  }
};

TEST(PlantedRaces, AStoreOfAWordThatTakesAMarkBack) {
  SharesItsWord mutant;
  const std::string text = std::string(kMain) +
                           "A:\n  lu_mark(hwpt, token=7)\n"
                           "B:\n  unmap(ioas, iova=0x1000, length=0x1000)\n";
  ExpectFound(&mutant, text, spec::Invariant::kI20, sim::ObjectKind::kHwpt, sim::Field::kHwptBits);
  // Not only the race: what it does.
  const Certificate c = Explore(&mutant, text);
  bool lost = false;
  for (const Finding& finding : c.findings) {
    lost |= finding.identity.invariant != spec::Invariant::kI20 &&
            finding.detail.find("marked") != std::string::npos;
  }
  EXPECT_TRUE(lost) << RenderText(c);
  liveupdate::V1 v1;
  EXPECT_FALSE(Explore(&v1, text).violated());
}

}  // namespace
}  // namespace iommufd_check::explore
