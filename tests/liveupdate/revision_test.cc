// Revisions as tables: what a replaced step changes, what is shared, and what no table may lack.
#include "model/liveupdate/revision.h"

#include <concepts>
#include <set>
#include <string>

#include "model/liveupdate/designs/reference.h"
#include "model/liveupdate/designs/v1.h"
#include "tests/liveupdate/liveupdate_fixture.h"
#include "tests/support/steps.h"

namespace iommufd_check::liveupdate {
namespace {

using test_support::ChangedSteps;
using test_support::StepNames;
using testing::Contains;
using testing::ElementsAre;
using testing::Not;

void KeepRecords(StepKernel&, ContextHandle, PhysAddr) {}

// A step takes the place of one with its own signature; a name that is in no table is no member.
template <class Replacement>
concept FitsFreeRecords =
    requires(Replacement replacement) { Reference().With(&Steps::free_records, replacement); };
static_assert(FitsFreeRecords<decltype(&KeepRecords)>);
static_assert(FitsFreeRecords<std::nullptr_t>);
static_assert(!FitsFreeRecords<decltype(Steps::alloc_records)>, "two tables' rows exchanged");
static_assert(!FitsFreeRecords<void (*)(Kernel&, ContextHandle, PhysAddr)>, "no step");

TEST(Revision, WithChangesOneStepOfACopy) {
  for (const Revision* design : AllDesigns()) {
    const Revision mutant = design->Named("mutant").With(&Steps::free_records, KeepRecords);
    EXPECT_THAT(ChangedSteps(design->steps(), mutant.steps()), ElementsAre("free_records"));
    EXPECT_EQ(mutant.name(), "mutant");
    EXPECT_EQ(mutant.summary(), design->summary());
    EXPECT_EQ(mutant.contract().token_bits, design->contract().token_bits);
    EXPECT_NE(design->steps().free_records, &KeepRecords) << "the design itself stays";
  }
}

TEST(Revision, WithChangesOneFactOfACopy) {
  const Revision narrow = Reference().With(&Facts::contract, {.token_bits = 32});
  EXPECT_EQ(narrow.contract().token_bits, 32);
  EXPECT_EQ(Reference().contract().token_bits, 64);
  EXPECT_THAT(ChangedSteps(Reference().steps(), narrow.steps()), IsEmpty());
  EXPECT_EQ(narrow.name(), "reference");
}

TEST(Revision, RevisionsShareWhatTheySay) {
  EXPECT_THAT(ChangedSteps(V1().steps(), V1On72().steps()), IsEmpty());
  EXPECT_EQ(V1On72().facts().core.gets, FlbGets::kNeverPut);
  const auto differ = ChangedSteps(V1().steps(), Reference().steps());
  for (const char* shared : {"map_insert", "unmap", "free_records", "preserve_domain"}) {
    EXPECT_THAT(differ, Not(Contains(shared)));
  }
  EXPECT_THAT(differ, Contains("preserve_one"));
}

// The gates apart, a step that nobody has is a line too many in steps.def.
TEST(Revision, EachStepIsOfSomeDesign) {
  std::set<std::string_view> had{"map_fill"};
  for (const Revision* design : AllDesigns()) {
    for (const std::string_view name : StepNames(design->steps())) had.insert(name);
  }
  size_t all = 0;
  VisitSteps([&]<auto kStep>(std::string_view name) {
    ++all;
    EXPECT_TRUE(had.contains(name)) << name;
  });
  EXPECT_EQ(had.size(), all);
}

// A machine on which one marked HWPT is preserved and let go of again.
int CloseAfterPreserve(Revision design) {
  class Machine : public LiveUpdateTest {
   public:
    explicit Machine(Design* design) : LiveUpdateTest(design) {}
    int Run() {
      EXPECT_EQ(Mark(m.HwptAlloc(m.Bind(), m.IoasAlloc()), 7), 0);
      const SessionHandle session = NewSession("vm");
      EXPECT_EQ(PreserveIommufd(session, 2), 0);
      EXPECT_EQ(Close(session), 0);
      return static_cast<int>(FramesOf(mm::FrameOwner::kIommufdSer).size());
    }

   private:
    void TestBody() override {}
  };
  return Machine(&design).Run();
}

TEST(Revision, StepsCallThoseOfTheTableInWhichTheyRun) {
  for (const Revision* design : AllDesigns()) {
    EXPECT_EQ(CloseAfterPreserve(*design), 0) << design->name();
    EXPECT_EQ(CloseAfterPreserve(design->With(&Steps::free_records, KeepRecords)), 1)
        << design->name() << " keeps the memory of its records";
  }
}

TEST(Revision, AGateThatItLacksRefusesNothing) {
  for (const Revision* design : AllDesigns()) {
    for (const bool gated : {true, false}) {
      Revision variant = gated ? *design : design->With(&Steps::map_insert, nullptr);
      KernelFixture m(&variant);
      const uint32_t ioas = m.IoasAlloc();
      m.world.kernel.iommufd.ioas.Find({0, 0})->iopt.immutable.Raw() = 1;
      EXPECT_EQ(m.MapUser(ioas, 0x1000, 0x1000), gated ? -sim::kEBUSY : 0) << design->name();
    }
  }
}

TEST(RevisionDeathTest, NoDesignIsMadeWithoutWhatItsCallersCall) {
  const Steps steps = Reference().steps();
  const auto without = [&](auto step) { Reference().With(step, nullptr); };
  EXPECT_DEATH(without(&Steps::mark), "the ioctl calls `mark` of every design");
  EXPECT_DEATH(without(&Steps::preserve), "LUO calls `preserve` of every design");
  EXPECT_DEATH(without(&Steps::unpreserve), "LUO calls `unpreserve` of every design");
  EXPECT_DEATH(Revision(Facts{}, steps), "a design has a name");
}

TEST(RevisionDeathTest, AStepThatIsCalledAndMissingIsNamed) {
  EXPECT_DEATH(CloseAfterPreserve(Reference().With(&Steps::thaw, nullptr)),
               "a revision has the steps that its steps call: thaw");
  EXPECT_DEATH(CloseAfterPreserve(V1().With(&Steps::save, nullptr)),
               "a revision has the steps that its steps call: save");
}

}  // namespace
}  // namespace iommufd_check::liveupdate
