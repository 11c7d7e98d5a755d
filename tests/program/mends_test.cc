// Revisions with one step mended: what was reported about that step is no longer found on the
// program that shows it, and nothing else comes or goes.
#include <gtest/gtest.h>

#include <ostream>
#include <set>
#include <string>
#include <vector>

#include "model/explore/work/certificate_text.h"
#include "model/explore/work/explore_work.h"
#include "model/iommufd/object_table.h"
#include "model/liveupdate/designs/v1.h"
#include "model/liveupdate/designs/walk.h"
#include "model/liveupdate/kho.h"
#include "tests/program/corpus.h"

namespace iommufd_check::program {
namespace {

using iommufd::HwptHandle;
using iommufd::IoasHandle;
using liveupdate::ContextHandle;
using liveupdate::Facts;
using liveupdate::Hwpts;
using liveupdate::kIommufdR3;
using liveupdate::PhysAddr;
using liveupdate::Revision;
using liveupdate::StepKernel;
using liveupdate::Steps;
using liveupdate::V1;
using liveupdate::V1On72;
using Ids = std::set<std::string>;

// The domains before the failing one do not stay preserved.
void UndoPreserved(StepKernel& k, const Hwpts& hwpts, size_t preserved) {
  while (preserved > 0) k.unpreserve_one(hwpts[--preserved]);
}

PhysAddr TestForErrorPointer(StepKernel& k, ContextHandle ctx, size_t records) {
  const PhysAddr memory =
      kho_alloc_preserve(k, kIommufdR3.SizeFor(records), mm::FrameOwner::kIommufdSer, Ref(ctx));
  if (liveupdate::IsErr(memory)) return memory;
  store(k, memory, kIommufdR3.nr_hwpts.offset, kIommufdR3.nr_hwpts.bytes, records, Ref(ctx));
  return memory;
}

// Under the lock under which maps read the flag.
void ClearWithTheLock(StepKernel& k, ContextHandle ctx) {
  std::vector<IoasHandle> all;
  spin_lock(k, ctx, &iommufd::Context::xa_lock);
  ForEachIoas(k, ctx, [&](IoasHandle ioas) {
    all.push_back(ioas);
    return true;
  });
  spin_unlock(k, ctx, &iommufd::Context::xa_lock);
  for (const IoasHandle ioas : all) {
    down_write(k, ioas, iommufd::iopt::iova_rwsem);
    SetImmutable(k, ioas, 0);
    up_write(k, ioas, iommufd::iopt::iova_rwsem);
  }
}

// One that was marked after the preserve is none of ours.
void UnpreserveIfPreserved(StepKernel& k, HwptHandle hwpt) {
  const iommu::DomainHandle domain = Read(k, hwpt, &iommufd::Hwpt::domain);
  if (Read(k, domain, &iommu::Domain::preserved_state) == 0) return;
  V1().steps().unpreserve_one(k, hwpt);
}

struct Mend {
  std::string file;
  Revision design;
  Revision mended;
  Ids gone;
};

void PrintTo(const Mend& mend, std::ostream* os) { *os << mend.file; }

std::vector<Mend> AllMends() {
  const liveupdate::CoreRules paired = {.record = liveupdate::kDomainR3,
                                        .gets = liveupdate::FlbGets::kPaired};
  return {
      {"B08-domains-stay-preserved-after-failure.prog",
       V1(),
       V1().With(&Steps::rollback, UndoPreserved),
       {"I01", "I02", "I03", "I05", "I07", "I08", "I36"}},
      {"B12-flag-cleared-without-the-lock.prog",
       V1(),
       V1().With(&Steps::set_ioas_mutable, ClearWithTheLock),
       {"I20"}},
      {"B17-error-pointer-tested-for-null.prog",
       V1(),
       V1().With(&Steps::alloc_records, TestForErrorPointer),
       {"I21", "I37"}},
      {"B18-unpreserve-of-a-later-mark.prog",
       V1(),
       V1().With(&Steps::unpreserve_one, UnpreserveIfPreserved),
       {"I06", "I37"}},
      {"B69-gets-of-the-flb-are-never-put.prog",
       V1On72(),
       V1On72().With(&Facts::core, paired),
       {"I24", "I36"}},
  };
}

// What breaks in any schedule of the program's calls.
Ids Broken(Revision design, Program program) {
  program.switches.clear();
  Executor executor;
  const explore::Certificate all = explore::ExploreProgram(&executor, design, "mend", program, {});
  EXPECT_TRUE(all.exhausted()) << explore::RenderText(all);
  Ids ids;
  for (const explore::Finding& finding : all.findings) {
    ids.emplace(spec::IdOf(finding.identity.invariant));
  }
  return ids;
}

class MendTest : public testing::TestWithParam<Mend> {};

TEST_P(MendTest, TakesAwayWhatItMends) {
  const Mend& mend = GetParam();
  const Program program = CorpusProgram(mend.file);
  Ids expected = Broken(mend.design, program);
  for (const std::string& id : mend.gone) {
    EXPECT_EQ(expected.erase(id), 1u) << id << " is not there without the mend";
  }
  EXPECT_FALSE(expected.empty()) << "one step does not mend the revision";
  EXPECT_EQ(Broken(mend.mended, program), expected);
}

INSTANTIATE_TEST_SUITE_P(All, MendTest, testing::ValuesIn(AllMends()),
                         [](const testing::TestParamInfo<Mend>& row) {
                           return row.param.file.substr(0, 3);
                         });

}  // namespace
}  // namespace iommufd_check::program
