// The models against the programs that they emit for other checkers: states, transitions and
// verdict to the digit.

#include "tests/explore/peers.h"

#include <gtest/gtest.h>

#include <string>

#include "model/explore/states/preserve_model.h"
#include "model/explore/work/model_catalog.h"
#include "model/explore/work/search_command.h"

namespace iommufd_check::explore {
namespace {

using support::HasPeer;
using support::PeerResult;
using support::ProgramSize;
using support::RunRumur;
using support::RunSpin;

SearchOutcome Searched(const Choice& choice, bool symmetry, bool keep_going) {
  SearchRequest request;
  request.choice = choice;
  request.symmetry = symmetry;
  request.keep_going = keep_going;
  absl::StatusOr<SearchReport> report = RunSearch(request, nullptr);
  EXPECT_TRUE(report.ok()) << report.status();
  return report.ok() ? report->outcome : SearchOutcome();
}

Choice Toy(int workers, int pages) {
  return {.model = "toy", .parameters = {{"workers", workers}, {"pages", pages}}};
}

void ExpectSameNumbers(const PeerResult& peer, const SearchOutcome& ours) {
  EXPECT_EQ(peer.states, ours.states) << peer.log;
  EXPECT_EQ(peer.transitions, ours.transitions) << peer.log;
}

TEST(Spin, CountsTheToy) {
  if (!HasPeer("spin")) GTEST_SKIP() << "spin or cc is not installed";
  const Choice choice = Toy(3, 2);
  const PeerResult peer = RunSpin(*EmitPromela(choice, true), ProgramSize::kSmall);
  ExpectSameNumbers(peer, Searched(choice, false, false));
  EXPECT_FALSE(peer.violated) << peer.log;
}

TEST(Spin, FindsPlantsInTheToy) {
  if (!HasPeer("spin")) GTEST_SKIP() << "spin or cc is not installed";
  for (const std::string& plant : KnownModels().front().plants) {
    Choice choice = Toy(2, 2);
    choice.plant = plant;
    EXPECT_TRUE(RunSpin(*EmitPromela(choice, true), ProgramSize::kSmall).violated) << plant;
    EXPECT_EQ(Searched(choice, false, false).ending, Ending::kViolation) << plant;
  }
}

TEST(Spin, AgreesOnEveryPreserveVariant) {
  if (!HasPeer("spin")) GTEST_SKIP() << "spin or cc is not installed";
  for (const std::string& variant : PreserveModel::VariantNames()) {
    const Choice choice = {.model = "preserve", .variant = variant};
    const SearchOutcome ours = Searched(choice, false, true);
    ExpectSameNumbers(RunSpin(*EmitPromela(choice, false), ProgramSize::kSmall), ours);
    const PeerResult verdict = RunSpin(*EmitPromela(choice, true), ProgramSize::kSmall);
    EXPECT_EQ(verdict.violated, ours.ending == Ending::kViolation) << variant << verdict.log;
  }
}

TEST(Rumur, CountsTheToy) {
  if (!HasPeer("rumur")) GTEST_SKIP() << "rumur or cc is not installed";
  const Choice choice = Toy(3, 2);
  const PeerResult peer = RunRumur(*EmitMurphi(choice, true, false), ProgramSize::kSmall);
  ExpectSameNumbers(peer, Searched(choice, false, false));
  EXPECT_FALSE(peer.violated) << peer.log;
}

TEST(Rumur, CountsTheOrbitsOfTheToy) {
  if (!HasPeer("rumur")) GTEST_SKIP() << "rumur or cc is not installed";
  const Choice choice = Toy(3, 2);
  ExpectSameNumbers(RunRumur(*EmitMurphi(choice, true, true), ProgramSize::kSmall),
                    Searched(choice, true, false));
}

TEST(Rumur, FindsPlantsInTheToy) {
  if (!HasPeer("rumur")) GTEST_SKIP() << "rumur or cc is not installed";
  for (const std::string& plant : KnownModels().front().plants) {
    Choice choice = Toy(2, 2);
    choice.plant = plant;
    EXPECT_TRUE(RunRumur(*EmitMurphi(choice, true, false), ProgramSize::kSmall).violated) << plant;
  }
}

TEST(Rumur, AgreesOnEveryPreserveVariant) {
  if (!HasPeer("rumur")) GTEST_SKIP() << "rumur or cc is not installed";
  for (const std::string& variant : PreserveModel::VariantNames()) {
    const Choice choice = {.model = "preserve", .variant = variant};
    const SearchOutcome ours = Searched(choice, false, true);
    ExpectSameNumbers(RunRumur(*EmitMurphi(choice, false, false), ProgramSize::kSmall), ours);
    const PeerResult verdict = RunRumur(*EmitMurphi(choice, true, false), ProgramSize::kSmall);
    EXPECT_EQ(verdict.violated, ours.ending == Ending::kViolation) << variant << verdict.log;
  }
}

}  // namespace
}  // namespace iommufd_check::explore
