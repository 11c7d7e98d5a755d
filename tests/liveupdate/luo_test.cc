// Sessions and preserved files: errno order of luo_kho.md section 3, life cycle, unwinding.

#include "model/liveupdate/luo.h"

#include <algorithm>
#include <map>

#include "tests/liveupdate/liveupdate_fixture.h"

namespace iommufd_check::liveupdate {
namespace {

using sim::FaultSite;

class LuoTest : public LiveUpdateTest {
 protected:
  LuoTest() : LiveUpdateTest(FindDesign("reference")) {}
  ~LuoTest() override { EXPECT_THAT(m.splats(), IsEmpty()); }

  // One marked HWPT over memfd 0, so that the iommufd can be preserved after memfd 0.
  void MakePreservable() {
    const uint32_t device = m.Bind();
    const uint32_t ioas = m.IoasAlloc();
    const uint32_t hwpt = m.HwptAlloc(device, ioas);
    ASSERT_EQ(Seal(0), 0);
    ASSERT_EQ(m.MapFile(ioas, 0x10000, 0x2000), 0);
    ASSERT_EQ(Mark(hwpt, 7), 0);
  }
  std::map<FaultSite, int> SweepUndone(const SystemCall& call) {
    const World before = m.world;
    std::map<FaultSite, int> reached;
    m.Sweep(call, [&](const FaultedRun& run) {
      ++reached[run.site];
      EXPECT_LT(run.result, 0) << run.Where();
      EXPECT_THAT(run.splats, IsEmpty()) << run.Where();
      if (run.site == FaultSite::kCopyToUser) {
        EXPECT_EQ(run.result, -sim::kEFAULT);
        if (keeps_state_) return;
      }
      EXPECT_TRUE(*run.world == before) << run.Where() << "\n" << Difference(before, *run.world);
    });
    return reached;
  }
  bool keeps_state_ = false;
};

TEST_F(LuoTest, CreateSession) {
  SessionHandle s;
  EXPECT_EQ(Create("", &s), -sim::kEINVAL);
  EXPECT_EQ(Create(std::string(64, 'n'), &s), -sim::kEINVAL);
  EXPECT_EQ(Create(std::string(63, 'n'), &s), 0);
  EXPECT_EQ(Create(std::string(63, 'n'), &s), -sim::kEEXIST);
  EXPECT_EQ(Create("vm", &s), 0);
  EXPECT_EQ(luo().session_list.Peek().size(), 2u);
  EXPECT_EQ(Close(s), 0);
  EXPECT_EQ(Close(s), -sim::kEBADF);
  EXPECT_EQ(Create("vm", &s), 0) << "the name is free again";
}

TEST_F(LuoTest, CreateAndCloseLeaveNothing) {
  const World before = m.world;
  EXPECT_EQ(Close(NewSession("vm")), 0);
  EXPECT_TRUE(m.world == before) << Difference(before, m.world);
}

TEST_F(LuoTest, CreateUnwinds) {
  SessionHandle s;
  EXPECT_EQ(SweepUndone([&](Kernel& k) { return luo_create_session(k, "vm", &s); }),
            (std::map<FaultSite, int>{{FaultSite::kCopyFromUser, 1},
                                      {FaultSite::kGetUnusedFd, 1},
                                      {FaultSite::kSessionAlloc, 1},
                                      {FaultSite::kBlockGrow, 1},
                                      {FaultSite::kSessionGetfile, 1},
                                      {FaultSite::kCopyToUser, 1}}));
}

TEST_F(LuoTest, PreserveChecksInOrder) {
  const SessionHandle s = NewSession("one");
  const SessionHandle other = NewSession("two");
  const auto preserve = [&](SessionHandle session, FileRef file, uint64_t token) {
    return m.Call([&](Kernel& k) { return luo_preserve_fd(k, session, file, token); });
  };
  EXPECT_EQ(preserve(s, {}, 1), -sim::kEBADF);
  EXPECT_EQ(preserve(s, MemfdRef(0), 1), 0);
  EXPECT_EQ(preserve(s, {}, 1), -sim::kEEXIST) << "the token comes before the descriptor";
  EXPECT_EQ(preserve(s, MemfdRef(1), 1), -sim::kEEXIST);
  EXPECT_EQ(preserve(s, MemfdRef(0), 2), -sim::kEBUSY) << "preserved already";
  EXPECT_EQ(preserve(other, MemfdRef(0), 1), -sim::kEBUSY) << "in any session";
  EXPECT_EQ(preserve(other, MemfdRef(1), 1), 0) << "a token is unique in its session only";
  EXPECT_EQ(preserve(s, kIommufd, UINT64_MAX), -sim::kEINVAL) << "nothing is marked";
  EXPECT_EQ(luo().preserved_ids.Peek().size(), 2u);
}

TEST_F(LuoTest, AFileIsHeldWhileItIsPreserved) {
  const SessionHandle s = NewSession("vm");
  const auto references = [&] { return m.world.machine.memfds.Find(m.memfd(0))->file.count.value; };
  ASSERT_EQ(PreserveMemfd(s, 0, 1), 0);
  EXPECT_EQ(references(), 2u);
  EXPECT_EQ(m.Call([&](Kernel& k) {
    fput(k, m.memfd(0));  // the process closes it
    return 0;
  }),
            0);
  EXPECT_EQ(references(), 1u);
  ASSERT_EQ(Close(s), 0);
  EXPECT_EQ(m.world.machine.memfds.Find(m.memfd(0)), nullptr);
  EXPECT_THAT(Registered(), IsEmpty());
}

TEST_F(LuoTest, CloseUnpreservesTheLastFirst) {
  MakePreservable();
  const World before = m.world;
  const SessionHandle s = NewSession("vm");
  ASSERT_EQ(PreserveMemfd(s, 0, 1), 0);
  ASSERT_EQ(PreserveMemfd(s, 1, 3), 0);
  ASSERT_EQ(PreserveIommufd(s, 2), 0);
  EXPECT_EQ(m.world.kernel.iommufd.contexts.Find(iommufd::IommufdAt(0))->file.count.value, 3u);
  ASSERT_EQ(Close(s), 0);
  std::vector<sim::ObjectRef> released;
  for (const sim::Event& e : m.events()) {
    const bool file_put =
        e.primitive == sim::Primitive::kRefDec &&
        (e.object.kind == sim::ObjectKind::kMemfd || e.object.kind == sim::ObjectKind::kIommufd);
    if (file_put) released.push_back(e.object);
  }
  EXPECT_EQ(released, (std::vector<sim::ObjectRef>{{sim::ObjectKind::kIommufd, 0},
                                                   {sim::ObjectKind::kMemfd, 1},
                                                   {sim::ObjectKind::kMemfd, 0}}));
  EXPECT_TRUE(m.world == before) << Difference(before, m.world);
}

// An IOAS under two preserved HWPTs becomes immutable once, and changes again once.
TEST_F(LuoTest, ImmutabilityIsNotedWhereItBeginsAndEnds) {
  MakePreservable();
  const uint32_t second = m.HwptAlloc(1, 2);
  ASSERT_NE(second, 0u);
  ASSERT_EQ(Mark(second, 8), 0);
  const auto noted = [&](sim::Note note) {
    return std::count_if(m.events().begin(), m.events().end(), [&](const sim::Event& event) {
      return event.primitive == sim::Primitive::kNote && event.detail == static_cast<int>(note);
    });
  };
  const SessionHandle s = NewSession("vm");
  ASSERT_EQ(PreserveMemfd(s, 0, 1), 0);
  ASSERT_EQ(PreserveIommufd(s, 2), 0);
  EXPECT_EQ(m.world.kernel.iommufd.ioas.Find({0, 0})->iopt.immutable.Peek(), 2u);
  EXPECT_EQ(noted(sim::Note::kImmutableSet), 1);
  ASSERT_EQ(Close(s), 0);
  EXPECT_EQ(noted(sim::Note::kImmutableClear), 1);
}

TEST_F(LuoTest, PreserveAgainInANewSessionOfTheSameName) {
  MakePreservable();
  for (int round = 0; round < 3; ++round) {
    const SessionHandle s = NewSession("vm");
    EXPECT_EQ(PreserveIommufd(s, 2), -sim::kENOENT) << "its memory comes first";
    EXPECT_EQ(PreserveMemfd(s, 0, 1), 0);
    EXPECT_EQ(PreserveIommufd(s, 2), 0);
    EXPECT_EQ(Close(s), 0);
  }
}

TEST_F(LuoTest, PreserveMemfdUnwinds) {
  keeps_state_ = true;
  const SessionHandle s = NewSession("vm");
  EXPECT_EQ(SweepUndone(PreserveMemfdCall(s, 0, 1)),
            (std::map<FaultSite, int>{{FaultSite::kCopyFromUser, 1},
                                      {FaultSite::kBlockGrow, 1},
                                      {FaultSite::kFdLookup, 1},
                                      {FaultSite::kFileInsert, 1},
                                      {FaultSite::kFileAlloc, 1},
                                      {FaultSite::kKhoAllocPreserve, 1},
                                      {FaultSite::kMemfdPinFolios, 1},
                                      {FaultSite::kKhoPreserveFolio, 4},
                                      {FaultSite::kKcalloc, 1},
                                      {FaultSite::kKhoPreserveVmalloc, 1},
                                      {FaultSite::kCopyToUser, 1}}));
}

TEST_F(LuoTest, EachFailureHasItsErrno) {
  SessionHandle s;
  const auto create = [&](FaultSite site) {
    const sim::PlannedFault fault{0, site, 1};
    return m.Call([&](Kernel& k) { return luo_create_session(k, "vm", &s); }, {&fault, 1});
  };
  EXPECT_EQ(create(FaultSite::kCopyFromUser), -sim::kEFAULT);
  EXPECT_EQ(create(FaultSite::kGetUnusedFd), -sim::kEMFILE);
  EXPECT_EQ(create(FaultSite::kSessionGetfile), -sim::kENOMEM);
  const sim::PlannedFault fault{0, FaultSite::kGetUnusedFd, 1};
  EXPECT_EQ(m.Call([&](Kernel& k) { return luo_create_session(k, "", &s); }, {&fault, 1}),
            -sim::kEMFILE)
      << "the descriptor comes before the name";
}

TEST_F(LuoTest, AReplyThatCannotBeWrittenLeavesTheFilePreserved) {
  const SessionHandle s = NewSession("vm");
  const sim::PlannedFault fault{0, FaultSite::kCopyToUser, 1};
  EXPECT_EQ(m.Call(PreserveMemfdCall(s, 0, 1), {&fault, 1}), -sim::kEFAULT);
  EXPECT_EQ(PreserveMemfd(s, 0, 2), -sim::kEBUSY);
  EXPECT_EQ(PreserveMemfd(s, 1, 1), -sim::kEEXIST);
}

TEST_F(LuoTest, TokensOfPreservedFilesAreFound) {
  const SessionHandle s = NewSession("vm");
  ASSERT_EQ(PreserveMemfd(s, 1, 42), 0);
  m.Call([&](Kernel& k) {
    uint64_t token = 0, data = 0;
    mutex_lock(k, s, &Session::mutex);
    EXPECT_EQ(luo_get_token_outgoing(k, s, m.memfd(0), &token, &data), -sim::kENOENT);
    EXPECT_EQ(luo_get_token_outgoing(k, s, m.memfd(1), &token, &data), 0);
    EXPECT_EQ(token, 42u);
    EXPECT_EQ(data, Get(k, s).files.Peek()[0].data);
    mutex_unlock(k, s, &Session::mutex);
    return 0;
  });
}

TEST_F(LuoTest, ASessionInUseOutlivesItsDescriptor) {
  const SessionHandle s = NewSession("vm");
  ASSERT_EQ(PreserveMemfd(s, 0, 1), 0);
  m.Call([&](Kernel& k) {
    get_file(k, s);  // a system call in flight
    return 0;
  });
  EXPECT_EQ(Close(s), 0);
  EXPECT_EQ(luo().sessions.live(), 1u);
  EXPECT_EQ(PreserveMemfd(s, 1, 2), 0);
  m.Call([&](Kernel& k) {
    fput(k, s);
    return 0;
  });
  EXPECT_EQ(luo().sessions.live(), 0u);
  EXPECT_THAT(luo().preserved_ids.Peek(), IsEmpty());
}

}  // namespace
}  // namespace iommufd_check::liveupdate
