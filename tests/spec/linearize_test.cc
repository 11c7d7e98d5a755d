// Linearizability on hand-written histories, and the answers that only a race can give.
#include "model/spec/oracle/linearize.h"

#include <gtest/gtest.h>

#include "tests/spec/oracle_fixture.h"

namespace iommufd_check::spec {
namespace {

using Verdict = Linearization::Verdict;

// Ids 1: IOAS, 2: device 0, 3: HWPT; histories begin there.
class LinearizeTest : public OracleWithHwptTest {
 protected:
  LinearizeTest() : before_(oracle.state()) {}

  static PastCall Past(const Call& call, const Reply& reply, uint64_t begin, uint64_t end) {
    return {.call = call, .reply = reply, .begin = begin, .end = end};
  }
  static Call MapAt(uint64_t iova) {
    return {.kind = Kind::kMap, .id = kIoas, .iova = iova, .length = 0x1000, .permissions = 3};
  }
  // `after`: what the machine shows, as an oracle's state that was played forward.
  Linearization Judge(const std::vector<PastCall>& calls, const std::vector<Call>& effects) {
    oracle::State state = before_;
    for (const Call& effect : effects) oracle.Apply(effect);
    return Linearize(oracle.limits(), state, calls, SnapshotOf(oracle.state()));
  }

  // Enough of a snapshot for states whose IOASes have no areas but those of buffers.
  static Snapshot SnapshotOf(const oracle::State& state) {
    Snapshot s = BootSnapshot();
    s.iommufds[0].fds = state.iommufds[0].fd_open ? 1 : 0;
    for (const auto& [id, ioas] : state.ioas) {
      IoasView view{.id = id, .alignment = state.AlignmentOf(id)};
      for (const auto& [first, area] : ioas.areas) {
        view.areas.push_back({.first = first,
                              .last = area.last,
                              .permissions = area.permissions,
                              .finished = true,
                              .source_page = area.first_page(),
                              .pages = area.pages});
      }
      for (uint16_t i = 0; i < state.HwptsOn(id); ++i) view.domains.push_back(i);
      s.ioas.push_back(view);
    }
    uint16_t number = 0;
    for (const auto& [id, hwpt] : state.hwpts) {
      s.hwpts.push_back({.id = id,
                         .ioas = hwpt.ioas,
                         .domain = number,
                         .users = 1,
                         .wait_cnt = 1,
                         .marked = hwpt.mark.has_value(),
                         .token = hwpt.mark.value_or(0)});
      DomainView domain{.number = number, .ioas = hwpt.ioas};
      for (const auto& [first, area] : state.ioas.at(hwpt.ioas).areas) {
        for (uint64_t i = 0; i < area.pages; ++i) {
          domain.leaves.push_back({first + i * mm::kPageSize, 0x100 + area.first_page() + i, 3});
        }
      }
      s.domains.push_back(domain);
      ++number;
    }
    for (const auto& [id, device] : state.devices) {
      s.devices.push_back({.id = id, .endpoint = device.endpoint, .attached = device.attached});
    }
    for (const auto& [index, session] : state.sessions) {
      s.sessions.push_back({.number = index, .name = session.name});
    }
    return s;
  }

  oracle::State before_;
};

TEST_F(LinearizeTest, NothingHappened) { EXPECT_EQ(Judge({}, {}).verdict, Verdict::kExplained); }

TEST_F(LinearizeTest, TwoMapsOfOneRange) {
  const Prediction ok{.iova = 0x1000};
  const Prediction exists{.result = -sim::kEEXIST};
  // Beside each other either may win; one after the other only the first may.
  EXPECT_EQ(
      Judge({Past(MapAt(0x1000), ok, 1, 3), Past(MapAt(0x1000), exists, 2, 4)}, {MapAt(0x1000)})
          .verdict,
      Verdict::kExplained);
  EXPECT_EQ(Judge({Past(MapAt(0x1000), exists, 1, 3), Past(MapAt(0x1000), ok, 2, 4)}, {}).verdict,
            Verdict::kExplained);
  const Linearization late =
      Judge({Past(MapAt(0x1000), exists, 1, 2), Past(MapAt(0x1000), ok, 3, 4)}, {});
  EXPECT_EQ(late.verdict, Verdict::kUnexplained);
  EXPECT_EQ(late.call, 0u);
  EXPECT_EQ(late.detail,
            "the call answers EEXIST that no order of the overlapping calls documents, they "
            "document 0");
  EXPECT_EQ(Judge({Past(MapAt(0x1000), ok, 1, 3), Past(MapAt(0x1000), ok, 2, 4)}, {}).verdict,
            Verdict::kUnexplained);
}

// The id goes first: whoever finds none may still meet the domain in the IOAS.
TEST_F(LinearizeTest, ADomainOutlivesItsId) {
  const Call destroy{.kind = Kind::kDestroy, .id = kHwpt};
  const Call beyond_the_aperture = MapAt(uint64_t{1} << 39);
  const Reply absent{.result = -sim::kENOENT};
  const Reply reserved{.result = -sim::kEINVAL};
  EXPECT_EQ(Judge({Past(destroy, {}, 1, 6), Past(destroy, absent, 2, 3),
                   Past(beyond_the_aperture, reserved, 4, 5)},
                  {destroy})
                .verdict,
            Verdict::kExplained);
  EXPECT_EQ(Judge({Past(destroy, {}, 1, 2), Past(beyond_the_aperture, reserved, 3, 4)}, {destroy})
                .verdict,
            Verdict::kUnexplained);
}

TEST_F(LinearizeTest, ASessionThatIsNotOpenIsNotClosed) {
  const Call close{.kind = Kind::kLuoCloseSession, .session = 7};
  EXPECT_EQ(Judge({Past(close, {.result = -sim::kEBADF}, 1, 2)}, {}).verdict, Verdict::kExplained);
  EXPECT_EQ(Judge({Past(close, {}, 1, 2)}, {}).verdict, Verdict::kUnexplained);
}

TEST_F(LinearizeTest, AMapThatFailsHeldItsRange) {
  Call bad = MapAt(0x1000);
  bad.index = 7;  // no such buffer
  const Prediction fault{.result = -sim::kEFAULT};
  const Prediction exists{.result = -sim::kEEXIST};
  EXPECT_EQ(Judge({Past(bad, fault, 1, 4), Past(MapAt(0x1000), exists, 2, 3)}, {}).verdict,
            Verdict::kExplained);
  EXPECT_EQ(Judge({Past(bad, fault, 1, 2), Past(MapAt(0x1000), exists, 3, 4)}, {}).verdict,
            Verdict::kUnexplained);
}

TEST_F(LinearizeTest, TheStateThatTheyLeave) {
  const Prediction ok{.iova = 0x1000};
  const Linearization found = Judge({Past(MapAt(0x1000), ok, 1, 2)}, {});
  EXPECT_EQ(found.verdict, Verdict::kUnexplained);
  EXPECT_EQ(found.detail,
            "in no order do the concurrent calls leave this: ioas 1: area [0x1000,0x1fff] missing");
}

TEST_F(LinearizeTest, UnmapGoesAreaByArea) {
  oracle.Apply(MapAt(0x1000));
  oracle.Apply(MapAt(0x3000));
  before_ = oracle.state();
  const Call all = UnmapCall(kIoas, 0, kMax);
  // Each takes one of the two areas, which no order of two whole calls gives.
  EXPECT_EQ(
      Judge({Past(all, {.unmapped = 0x1000}, 1, 3), Past(all, {.unmapped = 0x1000}, 2, 4)}, {all})
          .verdict,
      Verdict::kExplained);
  EXPECT_EQ(
      Judge({Past(all, {.unmapped = 0x1000}, 1, 2), Past(all, {.unmapped = 0x1000}, 3, 4)}, {})
          .verdict,
      Verdict::kUnexplained);
}

TEST_F(LinearizeTest, TransientAnswersNeedTheCallThatGivesThem) {
  const Call destroy{.kind = Kind::kDestroy, .id = kHwpt};
  const Call detach{.kind = Kind::kDeviceDetach, .id = kDevice};
  const Prediction busy{.result = -sim::kEBUSY};
  EXPECT_EQ(Judge({Past(destroy, busy, 1, 3), Past(detach, {}, 2, 4)}, {}).verdict,
            Verdict::kExplained);
  EXPECT_EQ(Judge({Past(destroy, busy, 1, 2), Past(detach, {}, 3, 4)}, {}).verdict,
            Verdict::kUnexplained);
  const Call seal{.kind = Kind::kMemfdSeal, .index = 0, .seals = 2};
  EXPECT_EQ(Judge({Past(destroy, busy, 1, 3), Past(seal, {}, 2, 4)}, {}).verdict,
            Verdict::kUnexplained)
      << "nobody holds the HWPT";
}

// Nobody closes it meanwhile: it was closed before.
TEST_F(LinearizeTest, CallsOnAClosedIommufdAnswerBadDescriptor) {
  ASSERT_EQ(oracle.Apply(Call{.kind = Kind::kCloseIommufd}).result, 0);
  before_ = oracle.state();
  const auto judge = [&](const Call& call, int answer) {
    oracle.Restart(oracle.limits(), SnapshotOf(before_));
    return Judge({Past(call, {.result = answer}, 1, 3)}, {}).verdict;
  };
  const Call alloc{.kind = Kind::kIoasAlloc};
  for (const Call& call : {MapAt(0x1000), UnmapCall(kIoas, 0, 0), UnmapCall(99, 0, 0), alloc}) {
    EXPECT_EQ(judge(call, -sim::kEBADF), Verdict::kExplained);
    EXPECT_EQ(judge(call, -sim::kENOENT), Verdict::kUnexplained);
  }
}

// The map has its range since before the preserve begins, so the preserve comes behind its end.
TEST_F(LinearizeTest, APreserveComesBehindTheMapThatItWaitsFor) {
  EXPECT_EQ(oracle.Apply(Call{.kind = Kind::kLuMark, .id = kHwpt, .token = 7}).result, 0);
  EXPECT_EQ(oracle.Apply(Call{.kind = Kind::kLuoCreateSession, .name = "vm"}).session, 0);
  before_ = oracle.state();
  const Call preserve{.kind = Kind::kLuoPreserve,
                      .token = 2,
                      .session = 0,
                      .file = {mm::FileRef::Kind::kIommufd, 0}};
  const auto judge = [&](int answer, uint64_t map_begins) {
    oracle.Restart(oracle.limits(), SnapshotOf(before_));
    return Judge({Past(MapAt(0x1000), {.iova = 0x1000}, map_begins, 9),
                  Past(MapAt(0x1000), {.result = -sim::kEEXIST}, map_begins + 1, map_begins + 2),
                  Past(preserve, {.result = answer}, 5, 7)},
                 {MapAt(0x1000)});
  };
  EXPECT_EQ(judge(-sim::kEINVAL, 1).verdict, Verdict::kExplained) << "anonymous memory";
  const Linearization early = judge(0, 1);
  EXPECT_EQ(early.verdict, Verdict::kUnexplained);
  EXPECT_EQ(early.call, 2u);
  EXPECT_EQ(early.detail,
            "the call answers 0 that no order of the overlapping calls documents, they document "
            "EINVAL");
  EXPECT_EQ(judge(-sim::kEBUSY, 1).verdict, Verdict::kUnexplained) << "it waits";
}

// Each rule of transient.cc, and the nearest pair that it does not admit: one that is wider than
// its source hides what it should condemn.
TEST_F(LinearizeTest, TransientAnswersAreNoWiderThanTheirSources) {
  const auto transient = [](const Call& one, int result, const Call& other, int other_result = 0) {
    return oracle::Transient(
        {Past(one, {.result = result}, 1, 3), Past(other, {.result = other_result}, 2, 4)}, 0);
  };
  const Call map = MapAt(0x1000);
  const Call unmap = UnmapCall(kIoas, 0x1000, 0x1000);
  Call elsewhere = map;
  elsewhere.id = 9;
  Call foreign = map;
  foreign.iommufd = 1;
  EXPECT_TRUE(transient(unmap, -sim::kEBUSY, map));
  EXPECT_FALSE(transient(unmap, -sim::kEBUSY, elsewhere));
  EXPECT_FALSE(transient(unmap, -sim::kEBUSY, foreign));
  EXPECT_FALSE(transient(map, -sim::kEBUSY, unmap)) << "a map meets areas with EEXIST";
  EXPECT_TRUE(transient(map, -sim::kEBUSY, PreserveCall(0, kIommufdFile, 1)));
  EXPECT_FALSE(transient(unmap, 0, map)) << "not a negative answer";

  const Call bind{.kind = Kind::kDeviceBind, .index = 0};
  const Call bind_elsewhere{.kind = Kind::kDeviceBind, .iommufd = 1, .index = 0};
  const Call bind_other{.kind = Kind::kDeviceBind, .index = 1};
  EXPECT_TRUE(transient(bind, -sim::kEBUSY, bind));
  EXPECT_TRUE(transient(bind, -sim::kEBUSY, bind_elsewhere)) << "iommufds share devices";
  EXPECT_FALSE(transient(bind, -sim::kEBUSY, bind_other));

  const Call attach{.kind = Kind::kDeviceAttach, .id = kDevice, .id2 = kHwpt};
  EXPECT_TRUE(transient(attach, -sim::kENOENT, {.kind = Kind::kDeviceUnbind, .id = kDevice}));
  EXPECT_FALSE(transient(attach, -sim::kENOENT, {.kind = Kind::kDeviceUnbind, .id = 9}));

  const Call alloc{.kind = Kind::kHwptAlloc, .id = kDevice, .id2 = kIoas};
  const Call alloc_elsewhere{.kind = Kind::kHwptAlloc, .id = kDevice, .id2 = 9};
  EXPECT_TRUE(transient(map, -sim::kEINVAL, alloc, -sim::kEFAULT));
  EXPECT_FALSE(transient(map, -sim::kEINVAL, alloc)) << "its domain stays";
  EXPECT_FALSE(transient(map, -sim::kEINVAL, alloc_elsewhere, -sim::kEFAULT));

  const auto unpublished = [&](const Call& one, int result, uint32_t made) {
    const PastCall other = Past(alloc, {.created_id = made}, 2, 4);
    return oracle::Transient({Past(one, {.result = result}, 1, 3), other}, 0);
  };
  const Call nested{.kind = Kind::kHwptAlloc, .id = kDevice, .id2 = 7};
  EXPECT_TRUE(unpublished(nested, -sim::kEINVAL, 7)) << "its domain is seen before its id";
  EXPECT_TRUE(unpublished({.kind = Kind::kDestroy, .id = 7}, -sim::kENOENT, 7));
  EXPECT_FALSE(unpublished(nested, -sim::kEINVAL, 8));
  EXPECT_FALSE(unpublished(nested, -sim::kENOENT, 8));
  EXPECT_FALSE(unpublished(map, -sim::kEINVAL, kIoas)) << "not the answer to an id that is absent";

  const Call create{.kind = Kind::kLuoCreateSession, .name = "a"};
  EXPECT_TRUE(transient(create, -sim::kEEXIST, create));
  EXPECT_FALSE(transient(create, -sim::kEEXIST, {.kind = Kind::kLuoCreateSession, .name = "b"}));
}

TEST_F(LinearizeTest, ATransientAnswerIsThatOfACallWithoutAFailureBesideAnother) {
  std::vector<PastCall> calls{
      Past(UnmapCall(kIoas, 0x1000, 0x1000), {.result = -sim::kEBUSY}, 1, 3),
      Past(MapAt(0x1000), {.iova = 0x1000}, 2, 4)};
  EXPECT_TRUE(oracle::Transient(calls, 0));
  calls[0].failed = true;
  EXPECT_FALSE(oracle::Transient(calls, 0));
  calls[0].failed = false;
  calls[0].end = 1;
  EXPECT_FALSE(oracle::Transient(calls, 0)) << "it ended before";
}

TEST_F(LinearizeTest, AnOutputThatTheCallDoesNotHaveIsSaid) {
  const Call detach{.kind = Kind::kDeviceDetach, .id = kDevice};
  for (const Reply& reply : {Reply{.created_id = 4}, Reply{.iova = 0x1000},
                             Reply{.unmapped = 0x1000}, Reply{.session = 0}}) {
    const Linearization found = Judge({Past(detach, reply, 1, 2)}, {});
    EXPECT_EQ(found.verdict, Verdict::kUnexplained);
    EXPECT_EQ(found.detail, "the call writes an output that it does not have");
  }
}

TEST_F(LinearizeTest, AnInjectedFailureHasNoEffect) {
  PastCall failed = Past(MapAt(0x1000), {.result = -sim::kENOMEM}, 1, 4);
  failed.failed = true;
  EXPECT_EQ(Judge({failed, Past(MapAt(0x1000), {.iova = 0x1000}, 2, 3)}, {MapAt(0x1000)}).verdict,
            Verdict::kExplained);
  PastCall lost = Past(MapAt(0x3000), {.result = -sim::kEFAULT}, 5, 6);
  lost.failed = true;
  lost.reply_lost = true;
  before_ = oracle.state();
  EXPECT_EQ(Judge({lost}, {MapAt(0x3000)}).verdict, Verdict::kExplained) << "the mapping stays";
}

TEST_F(LinearizeTest, GivesUpAndAccusesNobody) {
  std::vector<PastCall> calls;
  for (uint64_t i = 0; i < 6; ++i) {
    calls.push_back(Past(MapAt(0x1000 * (i + 1)), {.iova = 0x1000 * (i + 1)}, 1 + i, 100 + i));
  }
  const Snapshot nothing = SnapshotOf(before_);
  const Linearization found = Linearize(oracle.limits(), before_, calls, nothing, 50);
  EXPECT_EQ(found.verdict, Verdict::kNotJudged);
  EXPECT_EQ(Linearize(oracle.limits(), before_, calls, nothing).verdict, Verdict::kUnexplained);
}

}  // namespace
}  // namespace iommufd_check::spec
