// The kernel and the oracle over the same calls on areas: one after the other, where each answer
// and each state must be the predicted one, and two or three together, where some order of them
// must explain both.

#include <random>

#include "model/iommufd/ioctl.h"
#include "model/program/execute/observe.h"
#include "model/spec/oracle/linearize.h"
#include "tests/spec/oracle_fixture.h"
#include "tests/support/kernel_fixture.h"

namespace iommufd_check::spec {
namespace {

using test_support::Kernel;
using test_support::KernelFixture;
using test_support::kPage;
using Kind = Call::Kind;

// The answer that the kernel gives to the call.
Reply Do(Kernel& k, const Call& c) {
  Reply reply;
  const auto flags = static_cast<uint32_t>((c.fixed ? iommufd::kFixedIova : 0) |
                                           ((c.permissions & 1) != 0 ? iommufd::kReadable : 0) |
                                           ((c.permissions & 2) != 0 ? iommufd::kWriteable : 0));
  uint64_t length = c.length;
  switch (c.kind) {
    case Kind::kIoasAlloc:
      reply.result = iommufd::ioas_alloc(k, k.ctx, &reply.created_id);
      break;
    case Kind::kHwptAlloc:
      reply.result = iommufd::hwpt_alloc(k, k.ctx, c.id, c.id2, &reply.created_id);
      break;
    case Kind::kDestroy:
      reply.result = iommufd::iommufd_destroy(k, k.ctx, c.id);
      break;
    case Kind::kMap:
    case Kind::kMapFile: {
      const bool file = c.kind == Kind::kMapFile;
      const uint64_t source = file ? c.offset : mm::UserAddressOf(c.index) + c.offset;
      iommufd::MapArguments a{c.id, flags, source, c.length, c.iova};
      reply.result = file ? iommufd::ioas_map_file(k, k.ctx, {c.index, 0}, &a)
                          : iommufd::ioas_map(k, k.ctx, &a);
      if (reply.result == 0) reply.iova = a.iova;
      break;
    }
    case Kind::kIoasCopy: {
      iommufd::CopyArguments a{flags, c.id, c.id2, c.length, c.iova, c.source_iova};
      reply.result = iommufd::ioas_copy(k, k.ctx, &a);
      if (reply.result == 0) reply.iova = a.dst_iova;
      break;
    }
    case Kind::kUnmap:
      reply.result = iommufd::ioas_unmap(k, k.ctx, c.id, c.iova, &length);
      if (reply.result == 0) reply.unmapped = length;
      break;
    case Kind::kMemfdPunchHole:
      reply.result = memfd_punch_hole(k.t, k.mm, {c.index, 0}, c.offset, c.length);
      break;
    case Kind::kMemfdTruncate:
      reply.result = memfd_truncate(k.t, k.mm, {c.index, 0}, c.length);
      break;
    default:
      ADD_FAILURE() << "not one of this test's calls";
  }
  return reply;
}

// A machine with one device and up to three IOASes, and calls on it that are worth a try.
class OracleKernelTest : public ::testing::TestWithParam<uint64_t> {
 protected:
  OracleKernelTest() : random_(GetParam()) {
    device_ = m.Bind();
    limits_ = {{4 * kPage, 4 * kPage}, 2, 0x100000, test_support::NoLiveUpdate().contract()};
    oracle_.Restart(limits_, Observed());
  }

  Snapshot Observed() const {
    Snapshot now;
    program::Observer().Observe(m.world, test_support::NoLiveUpdate(), &now);
    return now;
  }
  uint64_t Below(uint64_t limit) { return random_() % limit; }
  bool Seldom() { return Below(8) == 0; }

  uint32_t AnIoas(const Snapshot& now) {
    if (now.ioas.empty() || Below(30) == 0) return device_;
    return now.ioas[Below(now.ioas.size())].id;
  }
  uint64_t ALength() {
    constexpr uint64_t kOdd[] = {0, 1, 0x800, 0x1801, 0x2800};
    return Seldom() ? kOdd[Below(std::size(kOdd))] : (1 + Below(4)) * kPage;
  }
  uint64_t AnIova() { return (8 + Below(16)) * kPage + (Seldom() ? Below(4) * 0x400 : 0); }

  Call NextMap(const Snapshot& now) {
    return {.kind = Below(3) == 0 ? Kind::kMap : Kind::kMapFile,
            .id = AnIoas(now),
            .index = static_cast<uint16_t>(Below(2)),
            .offset = Below(4) * kPage + (Seldom() ? 0x400 : 0),
            .iova = AnIova(),
            .fixed = Below(3) != 0,
            .length = ALength(),
            .permissions = 1 + Below(3)};
  }
  // Mostly of something that is there.
  Call NextCopy(const Snapshot& now) {
    Call call = NextMap(now);
    call.kind = Kind::kIoasCopy;
    call.id2 = AnIoas(now);
    call.source_iova = AnIova();
    const IoasView* source = now.FindIoas(call.id2);
    if (source == nullptr || source->areas.empty() || Seldom()) return call;
    const AreaView& area = source->areas[Below(source->areas.size())];
    call.source_iova = area.first + Below((area.last - area.first) / kPage + 1) * kPage;
    if (Below(3) != 0) call.length = std::min(call.length, area.last - call.source_iova + 1);
    return call;
  }
  Call NextUnmap(const Snapshot& now) {
    Call call{.kind = Kind::kUnmap, .id = AnIoas(now), .iova = AnIova(), .length = 6 * kPage};
    const IoasView* ioas = now.FindIoas(call.id);
    if (ioas == nullptr || ioas->areas.empty() || Seldom()) return call;
    const AreaView& area = ioas->areas[Below(ioas->areas.size())];
    call.iova = area.first;
    call.length = area.last - area.first + 1;
    return call;
  }
  Call Next(const Snapshot& now) {
    const uint64_t choice = Below(32);
    if (now.ioas.size() < 2 || (choice == 0 && now.ioas.size() < 3)) {
      return {.kind = Kind::kIoasAlloc};
    }
    if (choice < 8) return NextMap(now);
    if (choice < 17) return NextCopy(now);
    if (choice < 24) return NextUnmap(now);
    if (choice < 27) return {.kind = Kind::kHwptAlloc, .id = device_, .id2 = AnIoas(now)};
    if (choice < 29 && !now.hwpts.empty()) {
      return {.kind = Kind::kDestroy, .id = now.hwpts[Below(now.hwpts.size())].id};
    }
    if (choice == 29) return {.kind = Kind::kDestroy, .id = AnIoas(now)};
    const auto memfd = static_cast<uint16_t>(Below(2));
    if (choice == 30) {
      return {.kind = Kind::kMemfdTruncate, .index = memfd, .length = Below(5) * kPage};
    }
    return {.kind = Kind::kMemfdPunchHole,
            .index = memfd,
            .offset = Below(4) * kPage,
            .length = (1 + Below(2)) * kPage};
  }

  // True when the machine did what both oracles predicted.
  bool Step() {
    const Snapshot before = Observed();
    const Call call = Next(before);
    Oracle restarted;
    restarted.Restart(limits_, before);
    Reply reply;
    m.Call([&](Kernel& k) {
      reply = Do(k, call);
      return 0;
    });
    const Snapshot after = Observed();
    const auto check = [&](const char* which, Oracle& oracle) {
      const std::string answer = ReplyDifference(oracle.Apply(call), reply);
      EXPECT_EQ(answer, "") << which << ", call " << static_cast<int>(call.kind);
      EXPECT_EQ(oracle.Compare(after), "") << which << ", call " << static_cast<int>(call.kind);
    };
    check("oracle", oracle_);
    check("restarted", restarted);
    answers_[{call.kind, reply.result}] += 1;
    shared_ += reply.result == 0 && call.kind == Kind::kIoasCopy ? 1 : 0;
    EXPECT_TRUE(m.splats().empty());
    return !HasFailure();
  }

  // Two or three calls at once, under a schedule of up to three switches.
  bool StepTogether() {
    const Snapshot before = Observed();
    std::vector<PastCall> calls(2 + Below(2));
    std::vector<test_support::SystemCall> tasks;
    for (size_t i = 0; i < calls.size(); ++i) {
      calls[i].call = Below(2) == 0 ? NextCopy(before) : Next(before);
      calls[i].begin = i;
      calls[i].end = 10 + i;
      tasks.push_back([&, i](Kernel& k) {
        calls[i].reply = Do(k, calls[i].call);
        return 0;
      });
    }
    std::vector<sim::StepSwitch> switches;
    for (uint64_t i = Below(4); i > 0; --i) {
      const auto from = static_cast<sim::TaskId>(1 + Below(calls.size()));
      const auto to = static_cast<sim::TaskId>(1 + Below(calls.size()));
      switches.push_back({from, static_cast<uint32_t>(Below(90)), to});
    }
    m.Together(tasks, switches);
    EXPECT_TRUE(m.splats().empty());
    const Snapshot after = Observed();
    const Linearization found = Linearize(limits_, oracle_.state(), calls, after);
    std::string text = found.detail;
    for (const PastCall& past : calls) {
      text += "\n  call " + std::to_string(static_cast<int>(past.call.kind)) + " answers " +
              std::to_string(past.reply.result);
    }
    EXPECT_EQ(found.verdict, Linearization::Verdict::kExplained) << text;
    oracle_.Restart(limits_, after);
    return !HasFailure();
  }

  KernelFixture m;
  Oracle oracle_;
  Limits limits_;
  uint32_t device_ = 0;
  std::mt19937_64 random_;
  std::map<std::pair<Kind, int>, int> answers_;
  int shared_ = 0;
};

INSTANTIATE_TEST_SUITE_P(Seeds, OracleKernelTest, ::testing::Values(1, 2, 3, 4));

TEST_P(OracleKernelTest, OneAfterTheOther) {
  for (int i = 0; i < 4000; ++i) {
    ASSERT_TRUE(Step()) << "step " << i;
  }
  EXPECT_GT(shared_, 100);
  for (const int error : {sim::kENOENT, sim::kEPERM, sim::kEEXIST, sim::kEINVAL}) {
    EXPECT_GT((answers_[{Kind::kIoasCopy, -error}]), 5) << sim::ErrnoName(-error);
  }
}

TEST_P(OracleKernelTest, Together) {
  for (int i = 0; i < 1500; ++i) {
    ASSERT_TRUE(i % 4 == 0 ? StepTogether() : Step()) << "step " << i;
  }
}

}  // namespace
}  // namespace iommufd_check::spec
