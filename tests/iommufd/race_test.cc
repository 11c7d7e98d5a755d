// Pairs of calls under every schedule with one switch, in both orders, and under every schedule
// with two: no complaint, results that some order explains, and afterwards not a frame lost.

#include <set>

#include "tests/iommufd/iommufd_fixture.h"

namespace iommufd_check::iommufd::tests {
namespace {

using Results = std::set<std::pair<int, int>>;

class RaceTest : public testing::Test {
 protected:
  void SetUp() override {
    device_ = m.Bind();
    ioas_ = m.IoasAlloc();
    hwpt_ = m.HwptAlloc(device_, ioas_);
    ASSERT_NE(hwpt_, 0u);
    empty.TearDownProcess();
  }

  // Runs a and b together from the present World and checks what is left.
  std::pair<int, int> RunOnce(const SystemCall& a, const SystemCall& b,
                              const std::vector<sim::Switch>& switches) {
    KernelFixture run(m);
    const std::vector<int> results = run.Together({a, b}, switches);
    for (sim::Splat splat : run.splats()) ADD_FAILURE() << Name(splat);
    ExpectBalanced(run.world);
    for (int i = 0; i < 2; ++i) steps_[i] = run.steps_of(static_cast<sim::TaskId>(i + 1));
    run.TearDownProcess();
    EXPECT_TRUE(run.splats().empty());
    // The page cache may have been populated in another order, so only the amount is compared.
    EXPECT_EQ(run.world.machine.phys.live_frames(), empty.world.machine.phys.live_frames());
    EXPECT_TRUE(run.world.kernel == empty.world.kernel)
        << test_support::Difference(empty.world, run.world);
    EXPECT_TRUE(run.world.iommu == empty.world.iommu);
    return {results[0], results[1]};
  }

  // All schedules: a then b, b then a, each switched once at each step, and twice.
  Results Explore(const SystemCall& a, const SystemCall& b) {
    Results seen;
    const auto run = [&](const std::vector<sim::Switch>& switches) {
      seen.insert(RunOnce(a, b, switches));
      if (testing::Test::HasFailure()) {
        std::string text;
        for (const sim::Switch& s : switches) {
          text += std::to_string(s.from) + "@" + std::to_string(s.after) + " ";
        }
        ADD_FAILURE() << "with switches " << text;
      }
      return !testing::Test::HasFailure();
    };
    if (!run({})) return seen;
    const uint32_t steps_a = steps_[0], steps_b = steps_[1];
    EXPECT_GT(steps_a, 2u);
    EXPECT_GT(steps_b, 2u);
    for (uint32_t i = 0; i <= steps_a + 2; ++i) {
      for (uint32_t j = 0; j <= steps_b + 2; ++j) {
        // j beyond the end of b: one switch only.
        if (!run({{1, i, 2}, {2, j, 1}})) return seen;
      }
    }
    for (uint32_t j = 1; j <= steps_b; ++j) {
      for (uint32_t i = 0; i <= steps_a + 2; ++i) {
        if (!run({{1, 0, 2}, {2, j, 1}, {1, i, 2}})) return seen;
      }
    }
    return seen;
  }

  SystemCall MapCall(uint16_t file, mm::Iova iova) {
    return [this, file, iova](Kernel& k) {
      MapArguments a{ioas_, kFixed, 0, 0x2000, iova};
      return ioas_map_file(k, k.ctx, m.memfd(file), &a);
    };
  }
  // To 0x40000 of the same IOAS.
  SystemCall CopyCall(mm::Iova from, uint64_t length, uint32_t flags = kFixed) {
    return [this, from, length, flags](Kernel& k) {
      CopyArguments a{flags, ioas_, ioas_, length, 0x40000, from};
      return ioas_copy(k, k.ctx, &a);
    };
  }
  SystemCall UnmapCall(mm::Iova iova, uint64_t length) {
    return [this, iova, length](Kernel& k) {
      uint64_t bytes = length;
      return ioas_unmap(k, k.ctx, ioas_, iova, &bytes);
    };
  }
  SystemCall DestroyCall(uint32_t id) {
    return [id](Kernel& k) { return iommufd_destroy(k, k.ctx, id); };
  }
  SystemCall HwptAllocCall() {
    return [this](Kernel& k) {
      uint32_t id = 0;
      return hwpt_alloc(k, k.ctx, device_, ioas_, &id);
    };
  }
  SystemCall UnbindCall() {
    return [this](Kernel& k) { return device_unbind(k, k.ctx, device_); };
  }

  KernelFixture m, empty;
  uint32_t device_ = 0, ioas_ = 0, hwpt_ = 0;
  uint32_t steps_[2] = {};
};

TEST_F(RaceTest, MapAndMapElsewhere) {
  EXPECT_EQ(Explore(MapCall(0, 0x10000), MapCall(1, 0x20000)), (Results{{0, 0}}));
}

TEST_F(RaceTest, MapAndMapOverlapping) {
  EXPECT_EQ(Explore(MapCall(0, 0x10000), MapCall(1, 0x11000)),
            (Results{{0, -sim::kEEXIST}, {-sim::kEEXIST, 0}}));
}

TEST_F(RaceTest, MapAndUnmapOfIt) {
  EXPECT_EQ(Explore(MapCall(0, 0x10000), UnmapCall(0x10000, 0x2000)),
            (Results{{0, 0}, {0, -sim::kEBUSY}, {0, -sim::kENOENT}}));
}

TEST_F(RaceTest, MapWhereAnUnmapIsUnderWay) {
  ASSERT_EQ(m.MapFile(ioas_, 0x10000, 0x2000), 0);
  EXPECT_EQ(Explore(MapCall(1, 0x10000), UnmapCall(0x10000, 0x2000)),
            (Results{{0, 0}, {-sim::kEEXIST, 0}}));
}

TEST_F(RaceTest, UnmapAndUnmap) {
  ASSERT_EQ(m.MapFile(ioas_, 0x10000, 0x2000), 0);
  EXPECT_EQ(Explore(UnmapCall(0x10000, 0x2000), UnmapCall(0, mm::kMax)),
            (Results{{0, 0}, {0, -sim::kEBUSY}, {-sim::kEBUSY, 0}, {-sim::kENOENT, 0}}));
}

TEST_F(RaceTest, MapAndANewDomain) {
  EXPECT_EQ(Explore(MapCall(0, 0x10000), HwptAllocCall()), (Results{{0, 0}}));
}

TEST_F(RaceTest, MapAndTheDomainLeaves) {
  EXPECT_EQ(Explore(MapCall(0, 0x10000), DestroyCall(hwpt_)), (Results{{0, 0}}));
}

TEST_F(RaceTest, UnmapAndTheDomainLeaves) {
  ASSERT_EQ(m.MapFile(ioas_, 0x10000, 0x2000), 0);
  EXPECT_EQ(Explore(UnmapCall(0x10000, 0x2000), DestroyCall(hwpt_)), (Results{{0, 0}}));
}

TEST_F(RaceTest, CopyAndUnmapOfTheSource) {
  ASSERT_EQ(m.MapFile(ioas_, 0x10000, 0x2000), 0);
  EXPECT_EQ(Explore(CopyCall(0x10000, 0x2000), UnmapCall(0x10000, 0x2000)),
            (Results{{0, 0}, {-sim::kENOENT, 0}}));
}

TEST_F(RaceTest, CopyAndUnmapOfTheCopy) {
  ASSERT_EQ(m.MapFile(ioas_, 0x10000, 0x2000), 0);
  EXPECT_EQ(Explore(CopyCall(0x10000, 0x2000), UnmapCall(0x40000, 0x2000)),
            (Results{{0, 0}, {0, -sim::kEBUSY}, {0, -sim::kENOENT}}));
}

TEST_F(RaceTest, UnmapsOfWhatIsShared) {
  ASSERT_EQ(m.MapFile(ioas_, 0x10000, 0x2000), 0);
  ASSERT_EQ(m.Call(CopyCall(0x11000, 0x1000)), 0);
  EXPECT_EQ(Explore(UnmapCall(0x10000, 0x2000), UnmapCall(0x40000, 0x1000)), (Results{{0, 0}}));
}

TEST_F(RaceTest, CopyAndTheMapOfItsSource) {
  EXPECT_EQ(Explore(CopyCall(0x10000, 0x2000), MapCall(0, 0x10000)),
            (Results{{0, 0}, {-sim::kENOENT, 0}}));
}

TEST_F(RaceTest, CopyAndCopyToOnePlace) {
  ASSERT_EQ(m.MapFile(ioas_, 0x10000, 0x2000), 0);
  EXPECT_EQ(Explore(CopyCall(0x10000, 0x2000), CopyCall(0x11000, 0x1000)),
            (Results{{0, -sim::kEEXIST}, {-sim::kEEXIST, 0}}));
}

TEST_F(RaceTest, CopyAndTheDomainLeaves) {
  ASSERT_EQ(m.MapFile(ioas_, 0x10000, 0x2000), 0);
  EXPECT_EQ(Explore(CopyCall(0x10000, 0x1000), DestroyCall(hwpt_)), (Results{{0, 0}}));
}

TEST_F(RaceTest, CopyAndANewDomain) {
  ASSERT_EQ(m.Destroy(hwpt_), 0);
  ASSERT_EQ(m.MapFile(ioas_, 0x10000, 0x2000), 0);
  EXPECT_EQ(Explore(CopyCall(0x10000, 0x1000), HwptAllocCall()), (Results{{0, 0}}));
}

// The second slice may not be written to, which the copy sees when the first is in the tree. The
// destination, and the source, go as soon as nobody holds them.
TEST_F(RaceTest, CopyThatFailsLateAndDestroy) {
  ASSERT_EQ(m.Destroy(hwpt_), 0);
  const uint32_t source = m.IoasAlloc();
  ASSERT_EQ(m.MapFile(source, 0x10000, 0x1000), 0);
  ASSERT_EQ(m.Call([&](Kernel& k) {
    MapArguments a{source, kReadable | kFixedIova, 0, 0x1000, 0x11000};
    return ioas_map_file(k, k.ctx, m.memfd(1), &a);
  }),
            0);
  const SystemCall copy = [&](Kernel& k) {
    CopyArguments a{kFixed, ioas_, source, 0x2000, 0x40000, 0x10000};
    return ioas_copy(k, k.ctx, &a);
  };
  EXPECT_EQ(Explore(copy, DestroyCall(ioas_)),
            (Results{{-sim::kEPERM, 0}, {-sim::kEPERM, -sim::kEBUSY}, {-sim::kENOENT, 0}}));
  EXPECT_EQ(Explore(copy, DestroyCall(source)),
            (Results{{-sim::kEPERM, 0}, {-sim::kEPERM, -sim::kEBUSY}, {-sim::kENOENT, 0}}));
}

TEST_F(RaceTest, DestroyAgainstAShortReference) {
  const uint32_t other = m.IoasAlloc();
  const SystemCall use = [&](Kernel& k) {
    uint64_t length = mm::kMax;
    return ioas_unmap(k, k.ctx, other, 0, &length);
  };
  EXPECT_EQ(Explore(use, DestroyCall(other)),
            (Results{{0, 0}, {0, -sim::kEBUSY}, {-sim::kENOENT, 0}}));
}

TEST_F(RaceTest, DestroyAndDestroy) {
  EXPECT_EQ(Explore(DestroyCall(hwpt_), DestroyCall(hwpt_)),
            (Results{{0, -sim::kENOENT}, {-sim::kENOENT, 0}}));
  EXPECT_EQ(Explore(DestroyCall(ioas_), DestroyCall(hwpt_)), (Results{{0, 0}, {-sim::kEBUSY, 0}}));
}

TEST_F(RaceTest, IdsAreUniqueUnderRaces) {
  const SystemCall alloc = [](Kernel& k) {
    uint32_t id = 0;
    const int error = ioas_alloc(k, k.ctx, &id);
    return error != 0 ? error : static_cast<int>(id) + 1;
  };
  EXPECT_EQ(Explore(alloc, alloc), (Results{{5, 6}, {6, 5}}));
}

TEST_F(RaceTest, HwptAllocAndUnbind) {
  EXPECT_EQ(Explore(HwptAllocCall(), UnbindCall()), (Results{{0, 0}, {-sim::kENOENT, 0}}));
}

TEST_F(RaceTest, AttachAndUnbind) {
  const SystemCall attach = [&](Kernel& k) { return device_attach(k, k.ctx, device_, hwpt_); };
  EXPECT_EQ(Explore(attach, UnbindCall()), (Results{{0, 0}, {-sim::kENOENT, 0}}));
}

TEST_F(RaceTest, DetachAndUnbind) {
  ASSERT_EQ(m.Call([&](Kernel& k) { return device_attach(k, k.ctx, device_, hwpt_); }), 0);
  const SystemCall detach = [&](Kernel& k) { return device_detach(k, k.ctx, device_); };
  EXPECT_EQ(Explore(detach, UnbindCall()), (Results{{0, 0}, {-sim::kENOENT, 0}}));
}

TEST_F(RaceTest, UnbindAndUnbind) {
  EXPECT_EQ(Explore(UnbindCall(), UnbindCall()), (Results{{0, -sim::kENOENT}, {-sim::kENOENT, 0}}));
}

TEST_F(RaceTest, UnbindAndBindOfTheSameDevice) {
  const SystemCall bind = [](Kernel& k) {
    uint32_t id = 0;
    return device_bind(k, k.ctx, 0, &id);
  };
  EXPECT_EQ(Explore(UnbindCall(), bind), (Results{{0, 0}, {0, -sim::kEBUSY}}));
}

}  // namespace
}  // namespace iommufd_check::iommufd::tests
