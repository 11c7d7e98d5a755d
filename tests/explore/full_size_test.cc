// The models at the size for which exact numbers are published, and what a search of that size may
// cost. Slow.

#include <gtest/gtest.h>

#include <string>

#include "model/explore/work/search_command.h"
#include "tests/explore/peers.h"

namespace iommufd_check::explore {
namespace {

using support::HasPeer;
using support::OwnCpuSeconds;
using support::PeerResult;
using support::ProgramSize;
using support::RunRumur;
using support::RunSpin;

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define IOMMUFD_CHECK_INSTRUMENTED
#endif
#endif

SearchReport Searched(const SearchRequest& request) {
  absl::StatusOr<SearchReport> report = RunSearch(request, nullptr);
  EXPECT_TRUE(report.ok()) << report.status();
  return report.ok() ? *report : SearchReport();
}

SearchRequest FullToy() {
  SearchRequest request;
  request.choice = {.model = "toy", .parameters = {{"workers", 4}, {"pages", 3}}};
  return request;
}

TEST(FullSize, ToyToTheDigitForAllThreadsAndKeys) {
  SearchRequest request = FullToy();
  const SearchReport one = Searched(request);
  EXPECT_EQ(one.outcome.states, 8363979u);
  EXPECT_EQ(one.outcome.transitions, 35262864u);
  EXPECT_EQ(one.outcome.ending, Ending::kExhausted);
  EXPECT_LE(one.outcome.set_bytes + one.outcome.frontier_bytes, 20 * one.outcome.states);
  request.threads = 2;
  EXPECT_EQ(RenderText(Searched(request)), RenderText(one));
  request.fingerprint_bits = 64;
  const SearchOutcome hashed = Searched(request).outcome;
  EXPECT_EQ(hashed.digest, one.outcome.digest);
  EXPECT_LE(hashed.set_bytes + hashed.frontier_bytes, 20 * hashed.states);
}

TEST(FullSize, SpinAgreesOnTheToyAtAQuarterOfTheSpeedAtMost) {
  if (!HasPeer("spin")) GTEST_SKIP() << "spin or cc is not installed";
  const PeerResult peer = RunSpin(*EmitPromela(FullToy().choice, true), ProgramSize::kLarge);
  const double before = OwnCpuSeconds();
  const SearchOutcome ours = Searched(FullToy()).outcome;
  const double seconds = OwnCpuSeconds() - before;
  EXPECT_EQ(peer.states, ours.states);
  EXPECT_EQ(peer.transitions, ours.transitions);
  RecordProperty("spin_user_seconds", std::to_string(peer.cpu_seconds));
  RecordProperty("own_user_seconds", std::to_string(seconds));
#if defined(__OPTIMIZE__) && !defined(IOMMUFD_CHECK_INSTRUMENTED)
  EXPECT_LT(4 * seconds, peer.cpu_seconds);
#endif
}

TEST(FullSize, RumurAgreesOnTheOrbitsOfTheToy) {
  if (!HasPeer("rumur")) GTEST_SKIP() << "rumur or cc is not installed";
  SearchRequest request = FullToy();
  request.symmetry = true;
  const SearchOutcome ours = Searched(request).outcome;
  const PeerResult peer = RunRumur(*EmitMurphi(request.choice, true, true), ProgramSize::kLarge);
  EXPECT_EQ(peer.states, 76985u);
  EXPECT_EQ(peer.states, ours.states);
  EXPECT_EQ(peer.transitions, ours.transitions);
}

TEST(FullSize, SpinAndRumurAgreeOnPreserve) {
  if (!HasPeer("spin") || !HasPeer("rumur")) GTEST_SKIP() << "spin, rumur or cc is missing";
  SearchRequest request;
  request.choice = {.model = "preserve", .parameters = {{"mappers", 4}, {"hwpts", 3}}};
  const SearchOutcome ours = Searched(request).outcome;
  EXPECT_EQ(ours.states, 219767u);
  EXPECT_EQ(ours.transitions, 1126120u);
  EXPECT_EQ(ours.ending, Ending::kExhausted);
  for (const PeerResult& peer :
       {RunSpin(*EmitPromela(request.choice, true), ProgramSize::kLarge),
        RunRumur(*EmitMurphi(request.choice, true, false), ProgramSize::kLarge)}) {
    EXPECT_EQ(peer.states, ours.states) << peer.log;
    EXPECT_EQ(peer.transitions, ours.transitions) << peer.log;
    EXPECT_FALSE(peer.violated) << peer.log;
  }
}

}  // namespace
}  // namespace iommufd_check::explore
