#include "fuzz/report/swim_lanes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_split.h"
#include "fuzz/report/event_text.h"
#include "fuzz/targets/row_choice.h"
#include "tests/fuzz/event_builder.h"

namespace iommufd_check::cli {
namespace {

using program::OpCode;
using sim::Field;
using sim::LockClass;
using sim::LockMode;
using ::testing::HasSubstr;
using ::testing::Not;

struct Bounds {
  size_t max_rows = 24;
  size_t width = 120;
};

std::string Draw(const program::Program& program, const std::vector<sim::Event>& events,
                 const spec::Violation& subject, const Bounds& bounds = {}) {
  return DrawLanes(LanesOf(program, events, subject, bounds.max_rows), bounds.width);
}

std::vector<std::string> LinesOf(const std::string& text) {
  std::vector<std::string> lines = absl::StrSplit(text, '\n');
  lines.pop_back();
  return lines;
}

TEST(EventText, ObjectsOfOtherIommufdsSaySo) {
  EXPECT_EQ(ObjectText({sim::ObjectKind::kIommufd, 0}), "iommufd");
  EXPECT_EQ(ObjectText({sim::ObjectKind::kIommufd, 1}), "iommufd1");
  EXPECT_EQ(ObjectText(Ioas(3)), "ioas3");
  EXPECT_EQ(ObjectText(Ioas(static_cast<uint16_t>(uapi::NumberOf(1, 3)))), "iommufd1.ioas3");
}

TEST(SwimLanes, NoEventsNoTable) {
  EXPECT_EQ(Draw({}, {}, {}), "");
  EXPECT_TRUE(ChooseRows({}, {}, 24).empty());
}

TEST(SwimLanes, TwoTasksOverOneField) {
  const auto program = ProgramOf({{1, OpCode::kMap}, {2, OpCode::kLuoPreserve}});
  EventBuilder log;
  log.On(1).Op(0).Begin().Lock(LockClass::kIovaRwsem, Ioas(1));
  log.Write(Ioas(1), Field::kAreaTree);
  log.On(2).Op(1).Begin().Lock(LockClass::kObjectsXaLock, {}).Skip(3);
  log.Read(Ioas(1), Field::kIoptImmutable).Read(Ioas(1), Field::kAreaTree);
  const spec::Violation subject = log.Violated(spec::Invariant::kI20, Ioas(1));
  log.On(2).End(-sim::kEBUSY);
  EXPECT_EQ(
      Draw(program, log.events(), subject),
      "    step A                                             | step B\n"
      "       1 begin A.1 map(0, iova=0, length=0, prot=none) |\n"
      "       2 lock ioas1.iova:w  [ioas1.iova:w]             |\n"
      "       2 write ioas1: area_itree  [ioas1.iova:w]       |\n"
      "                                                       |"
      "    1 begin B.1 luo_preserve(0, memfd=0, token=0)\n"
      "                                                       |    2 lock xa_lock  [xa_lock]\n"
      "    ... 2 steps\n"
      ">>>                                                    |"
      "    5 read ioas1: area_itree  [xa_lock]\n"
      "                                                       |"
      "    5 B.1 luo_preserve -> EBUSY  [xa_lock]\n");
}

TEST(SwimLanes, SequentialOperationsThatEndedAreOneRow) {
  const auto program =
      ProgramOf({{0, OpCode::kIoasAlloc}, {0, OpCode::kMap}, {0, OpCode::kLuoPreserve}});
  EventBuilder log;
  log.Op(0)
      .Begin()
      .Lock(LockClass::kObjectsXaLock, {})
      .Unlock(LockClass::kObjectsXaLock, {})
      .End(0);
  log.Op(1).Begin().Call(sim::FaultSite::kAreaAlloc, 1).End(-sim::kENOMEM);
  log.Op(2).Begin().Fault(sim::FaultSite::kKcalloc, 1).End(-sim::kENOMEM);
  const spec::Violation subject = log.Violated(spec::Invariant::kI05);
  EXPECT_EQ(Draw(program, log.events(), subject),
            "    step main\n"
            "       3 main.1 ioas = ioas_alloc() -> 0\n"
            "       5 main.2 map(0, iova=0, length=0, prot=none) -> ENOMEM\n"
            "       6 begin main.3 luo_preserve(0, memfd=0, token=0)\n"
            "       7 FAULT kcalloc #1: ENOMEM\n"
            ">>>    7 main.3 luo_preserve -> ENOMEM\n");
}

TEST(SwimLanes, MainHasALaneOnlyWhenItMatters) {
  const auto program = ProgramOf({{0, OpCode::kIoasAlloc}, {1, OpCode::kMap}, {2, OpCode::kUnmap}});
  const auto draw = [&](int result_of_main) {
    EventBuilder log;
    log.On(0).Op(0).Begin().End(result_of_main);
    log.On(1).Op(1).Begin().Write(Ioas(1), Field::kAreaTree);
    return Draw(program, log.events(), log.Violated(spec::Invariant::kI20, Ioas(1)));
  };
  EXPECT_THAT(draw(0), HasSubstr("step A"));
  EXPECT_THAT(draw(0), HasSubstr("| step B"));  // a concurrent task always has one
  EXPECT_THAT(draw(0), Not(HasSubstr("main")));
  EXPECT_THAT(draw(-sim::kENOMEM), HasSubstr("step main"));
}

TEST(SwimLanes, TheExitIsShownInMain) {
  const auto program = ProgramOf({{0, OpCode::kIoasAlloc}});
  EventBuilder log;
  log.Op(0).Begin().End(0);
  log.Op(spec::kExitOperation).Begin().End(0);
  EXPECT_EQ(Draw(program, log.events(), log.Violated(spec::Invariant::kI36)),
            "    step main\n"
            "       1 main.1 ioas = ioas_alloc() -> 0\n"
            "       2 begin process exit\n"
            ">>>    2 process exit -> 0\n");
}

// A long run of one task: `count` times the same lock, then the violation.
struct LongRun {
  explicit LongRun(int count) {
    log.On(1).Op(0).Begin().Note(sim::Note::kGatePassed, Area(3));
    for (int i = 0; i < count; ++i) {
      log.Lock(LockClass::kIoasMutex, Ioas(1)).Unlock(LockClass::kIoasMutex, Ioas(1));
    }
    log.Fault(sim::FaultSite::kKcalloc, 1);
    for (int i = 0; i < count; ++i) {
      log.Lock(LockClass::kIoasMutex, Ioas(1)).Unlock(LockClass::kIoasMutex, Ioas(1));
    }
    log.Read(Area(3), Field::kAreaPages);
    subject = log.Violated(spec::Invariant::kI08, Area(3));
  }
  EventBuilder log;
  spec::Violation subject;
  program::Program program = ProgramOf({{1, OpCode::kMap}});
};

TEST(SwimLanes, LongRunsAreElided) {
  const LongRun run(500);
  const std::string table = Draw(run.program, run.log.events(), run.subject, {.max_rows = 12});
  const std::vector<std::string> lines = LinesOf(table);
  EXPECT_LE(lines.size(), 13u);  // the header is no row
  EXPECT_EQ(lines[1], "       1 begin A.1 map(0, iova=0, length=0, prot=none)");
  EXPECT_EQ(lines[2], "       1 gate passed area3");
  EXPECT_EQ(lines[3], "    ... 1000 steps");
  EXPECT_EQ(lines[4], "    1002 FAULT kcalloc #1: ENOMEM");
  EXPECT_EQ(lines.back(), ">>> 2002 read area3: area->pages");
}

TEST(SwimLanes, RowsNeverExceedTheLimit) {
  for (int count : {0, 1, 5, 40, 300}) {
    const LongRun run(count);
    for (size_t max_rows : {1, 2, 3, 7, 24, 100}) {
      const std::string table =
          Draw(run.program, run.log.events(), run.subject, {.max_rows = max_rows});
      const std::vector<std::string> lines = LinesOf(table);
      // The violation is shown even where nothing else fits, after what it hides.
      EXPECT_LE(lines.size(), std::max<size_t>(max_rows, 2) + 2) << table;
      EXPECT_EQ(std::count_if(lines.begin(), lines.end(),
                              [](const std::string& line) { return line.starts_with(">>>"); }),
                1)
          << table;
    }
  }
}

TEST(SwimLanes, ManyTasksStayWithinTheWidth) {
  program::Program program;
  EventBuilder log;
  for (uint8_t task = 1; task <= program::kMaxTask; ++task) {
    program.operations.push_back({.code = OpCode::kMapFile, .task = task});
    log.On(task).Op(static_cast<uint16_t>(task - 1)).Begin();
    log.Lock(LockClass::kLuoSessionMutex, {sim::ObjectKind::kSession, task});
    log.Lock(LockClass::kDomainsRwsem, Ioas(1), LockMode::kShared);
    log.Lock(LockClass::kIovaRwsem, Ioas(1), LockMode::kShared);
  }
  log.Splat(sim::Splat::kSleepInAtomic, Ioas(1));
  const std::string table =
      Draw(program, log.events(), log.Violated(spec::Invariant::kI19, Ioas(1)));
  const std::vector<std::string> lines = LinesOf(table);
  for (const std::string& line : lines) {
    EXPECT_LE(line.size(), 120u) << line;
    EXPECT_NE(line.back(), ' ') << line;
    for (const char c : line) EXPECT_TRUE(c >= ' ' && c <= '~') << line;
  }
  for (const char* name : {"step A", "step D", "step G"}) EXPECT_THAT(lines[0], HasSubstr(name));
}

// Whatever the width, no line is wider, and one that is cut says so in its last column.
TEST(SwimLanes, LinesAreCutAtTheWidth) {
  const LongRun run(3);
  int cut = 0;
  for (size_t width = 30; width < 60; ++width) {
    const std::string table =
        Draw(run.program, run.log.events(), run.subject, {.max_rows = 12, .width = width});
    for (const std::string& line : LinesOf(table)) {
      EXPECT_LE(line.size(), width) << line;
      if (line.back() != '~') continue;
      EXPECT_EQ(line.size(), width) << line;
      ++cut;
    }
  }
  EXPECT_GT(cut, 10);
}

TEST(SwimLanes, LocksInTheOrderTaken) {
  EventBuilder log;
  log.On(1).Op(0).Begin().Lock(LockClass::kIoasMutex, Ioas(1)).Lock(LockClass::kIovaRwsem, Ioas(1));
  log.Unlock(LockClass::kIoasMutex, Ioas(1));
  log.Lock(LockClass::kPagesMutex, {sim::ObjectKind::kPages, 2});
  EXPECT_THAT(
      Draw(ProgramOf({{1, OpCode::kMap}}), log.events(), log.Violated(spec::Invariant::kI19)),
      HasSubstr(">>>    5 lock pages2.mutex  [ioas1.iova:w pages2.mutex]\n"));
}

}  // namespace
}  // namespace iommufd_check::cli
