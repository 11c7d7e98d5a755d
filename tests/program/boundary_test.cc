// What a boundary tells apart and what it does not, and Keep with Extend against Run.
#include "model/program/execute/boundary.h"

#include <gtest/gtest.h>

#include <string>

#include "model/liveupdate/designs/registry.h"
#include "model/program/execute/executor.h"
#include "model/program/text/text_codec.h"

namespace iommufd_check::program {
namespace {

liveupdate::Design& Reference() { return *liveupdate::FindDesign("reference"); }

Program Parsed(const std::string& operations) {
  const auto program = ParseProgram("boot memfds=2 devices=1\nmain:\n" + operations, "test");
  EXPECT_TRUE(program.ok()) << program.status();
  return program.ok() ? *program : Program();
}

const std::string kStart =
    "ioas = ioas_alloc()\ndev = device_bind()\nhwpt = hwpt_alloc(dev, ioas)\n";

struct Ended {
  sim::Fingerprint boundary;
  sim::Fingerprint world;
};

Ended AfterKeep(const std::string& operations) {
  Executor executor;
  const Execution& kept = executor.Keep(Reference(), Parsed(kStart + operations));
  EXPECT_EQ(kept.end, sim::RunEnd::kCompleted);
  for (const OperationResult& result : kept.results) {
    EXPECT_TRUE(!result.ran || result.result == 0);
  }
  return {kept.boundary, sim::FingerprintOf(executor.world())};
}

// The session's mutex and the IOAS's locks change slots.
TEST(Boundary, TheOrderInWhichLocksWereCreatedIsForgotten) {
  const std::string session = "s = luo_create_session(\"vm\")\n";
  const std::string map = "map_file(ioas, 0, 0, 0x1000, 0x1000)\n";
  const Ended one = AfterKeep(session + map);
  const Ended two = AfterKeep(map + session);
  EXPECT_EQ(one.boundary, two.boundary);
  EXPECT_NE(one.world, two.world);
}

TEST(Boundary, WhatWasUndoneIsForgotten) {
  const std::string session = "s = luo_create_session(\"vm\")\n";
  const Ended once = AfterKeep(session);
  EXPECT_EQ(AfterKeep(session + "luo_preserve(s, memfd=0, token=1)\nluo_close_session(s)\n" +
                      "s2 = luo_create_session(\"vm\")\n")
                .boundary,
            AfterKeep(session + "luo_preserve(s, memfd=0, token=2)\nluo_close_session(s)\n" +
                      "s2 = luo_create_session(\"vm\")\n")
                .boundary);
  EXPECT_EQ(AfterKeep(session + "luo_close_session(s)\ns2 = luo_create_session(\"vm\")\n").boundary,
            once.boundary);
}

TEST(Boundary, EveryDifferenceOfTheMachineShows) {
  const sim::Fingerprint none = AfterKeep("").boundary;
  for (const char* operation : {"lu_mark(hwpt, 7)\n", "lu_mark(hwpt, 8)\n", "memfd_seal(0, seal)\n",
                                "memfd_seal(1, seal)\n", "device_attach(dev, hwpt)\n",
                                "s = luo_create_session(\"vm\")\n", "destroy(hwpt)\n"}) {
    EXPECT_NE(AfterKeep(operation).boundary, none) << operation;
  }
  EXPECT_NE(AfterKeep("lu_mark(hwpt, 7)\n").boundary, AfterKeep("lu_mark(hwpt, 8)\n").boundary);
}

// Frees the one HWPT and puts an equal one into its slot.
iommufd::HwptHandle ReplaceHwpt(liveupdate::World* world) {
  auto& hwpts = world->kernel.iommufd.hwpts;
  iommufd::HwptHandle old;
  iommufd::Hwpt hwpt;
  hwpts.ForEach([&](iommufd::HwptHandle h, const iommufd::Hwpt& value) {
    old = h;
    hwpt = value;
  });
  hwpts.Free(old);
  return hwpts.Create(hwpt);
}

// A handle kept past the free of its object equals, as a value, the one of its successor.
TEST(Boundary, AStaleHandleIsNoFreshOne) {
  Executor executor;
  executor.Keep(Reference(), Parsed(kStart + "device_attach(dev, hwpt)\n"));
  liveupdate::World fresh = executor.world();
  liveupdate::World stale = fresh;
  ReplaceHwpt(&stale);
  EXPECT_EQ(fresh, stale) << "generations are ghosts";
  EXPECT_NE(BoundaryOf(fresh, {}), BoundaryOf(stale, {}));
}

// Each of the places that remember a HWPT, with the others up to date.
TEST(Boundary, AStaleHandleShowsInEachPlaceAlone) {
  Executor executor;
  executor.Keep(Reference(), Parsed(kStart));
  const liveupdate::World fresh = executor.world();
  liveupdate::World stale = fresh;
  const iommufd::HwptHandle now = ReplaceHwpt(&stale);
  const auto renew = [&](liveupdate::World* world, bool entry, bool list) {
    auto& table = world->kernel.iommufd.contexts.Find(iommufd::IommufdAt(0))->objects.Raw();
    for (iommufd::TableEntry& each : table) {
      const bool is_hwpt = each.type == iommufd::ObjectType::kHwptPaging;
      if (entry && is_hwpt) each.generation = now.generation;
    }
    if (list) world->kernel.iommufd.ioas.Find({0, 0})->hwpt_list.Raw() = {now};
  };
  liveupdate::World stale_entry = stale;
  renew(&stale_entry, false, true);
  liveupdate::World stale_list = stale;
  renew(&stale_list, true, false);
  liveupdate::World none = stale;
  renew(&none, true, true);
  EXPECT_EQ(BoundaryOf(none, {}), BoundaryOf(fresh, {}));
  EXPECT_NE(BoundaryOf(stale_entry, {}), BoundaryOf(fresh, {}));
  EXPECT_NE(BoundaryOf(stale_list, {}), BoundaryOf(fresh, {}));
  EXPECT_NE(BoundaryOf(stale_list, {}), BoundaryOf(stale_entry, {}));
}

TEST(Boundary, WhatTheAccountSaysShows) {
  const liveupdate::World world;
  const sim::Fingerprint none = BoundaryOf(world, {});
  EXPECT_NE(BoundaryOf(world, {.registered = {{7, {}}}}), none);
  EXPECT_NE(BoundaryOf(world, {.immutable = {1}}), none);
  EXPECT_NE(BoundaryOf(world, {.domain_ioas = {{1, 1}}}), none);
  EXPECT_NE(BoundaryOf(world, {.preserved_domains = {1}}), none);
  EXPECT_NE(BoundaryOf(world, {.marks = {{1, 7}}}), none);
  EXPECT_NE(BoundaryOf(world, {.marks_frozen = {0}}), none);
}

// The lock order of an extension begins with it.
std::vector<spec::Violation> WithoutCycles(std::vector<spec::Violation> violations) {
  std::erase_if(violations, [](const spec::Violation& violation) {
    return violation.splat == sim::Splat::kLockCycle;
  });
  return violations;
}

TEST(Extend, EndsAndAnswersAsTheWholeRunDoes) {
  const std::string prefix = kStart +
                             "memfd_seal(0, seal|shrink|grow)\ns = luo_create_session(\"vm\")\n"
                             "lu_mark(hwpt, 7)\nluo_preserve(s, memfd=0, token=1)\n";
  Program whole = Parsed(prefix +
                         "map_file(ioas, 0, 0, 0x1000, 0x1000)\n"
                         "luo_preserve(s, iommufd, token=2)\n");
  for (const char* name : {"reference", "v1"}) {
    liveupdate::Design& design = *liveupdate::FindDesign(name);
    Executor straight;
    const Execution run = straight.Run(design, whole);
    Program kept = whole;
    kept.operations.pop_back();
    Executor stepped;
    stepped.Keep(design, kept);
    for (int again = 0; again < 2; ++again) {
      const Execution& step = stepped.Extend(whole.operations.back());
      EXPECT_EQ(step.results, run.results);
      EXPECT_EQ(step.end, run.end);
      EXPECT_EQ(stepped.world(), straight.world()) << "after the exit";
      const std::vector<spec::Violation> stepped_broke = WithoutCycles(step.violations);
      const std::vector<spec::Violation> run_broke = WithoutCycles(run.violations);
      ASSERT_EQ(stepped_broke.size(), run_broke.size());
      for (std::size_t i = 0; i < run_broke.size(); ++i) {
        EXPECT_EQ(stepped_broke[i].invariant, run_broke[i].invariant);
        EXPECT_EQ(stepped_broke[i].operation, run_broke[i].operation);
        EXPECT_EQ(stepped_broke[i].detail, run_broke[i].detail);
      }
      EXPECT_EQ(step.violations.empty(), std::string(name) == "reference");
    }
    const sim::Fingerprint before_exit = stepped.last().boundary;
    EXPECT_EQ(Executor().Keep(design, whole).boundary, before_exit);
  }
}

TEST(Extend, ArmsByItsOwnOperationOnly) {
  Executor executor;
  const auto armed = [&](spec::Invariant invariant, const Execution& run) {
    return run.armed[static_cast<std::size_t>(invariant)];
  };
  executor.Keep(Reference(), Parsed(kStart + "lu_mark(hwpt, 7)\n"));
  const Program last = Parsed(kStart + "lu_mark(hwpt, 7)\nlu_mark(hwpt, 8)\nmemfd_seal(0, seal)\n");
  EXPECT_EQ(armed(spec::Invariant::kI13, executor.Extend(last.operations[4])), 1u);
  EXPECT_EQ(armed(spec::Invariant::kI13, executor.Extend(last.operations[5])), 0u);
}

}  // namespace
}  // namespace iommufd_check::program
