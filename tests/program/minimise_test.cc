// The minimiser against planted predicates whose smallest program is known.

#include "model/program/minimise.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <string_view>

#include "model/liveupdate/designs/registry.h"
#include "model/program/bytes/byte_codec.h"
#include "model/program/execute/executor.h"
#include "model/program/identity.h"
#include "model/program/text/text_codec.h"
#include "tests/program/random_programs.h"
#include "tests/program/text_messages.h"

namespace iommufd_check::program {
namespace {

using Predicate = std::function<bool(const Program&)>;

size_t CountOf(const Program& program, OpCode code) {
  return static_cast<size_t>(
      std::count_if(program.operations.begin(), program.operations.end(),
                    [&](const Operation& operation) { return operation.code == code; }));
}

const Operation* Find(const Program& program, OpCode code) {
  const auto found =
      std::find_if(program.operations.begin(), program.operations.end(),
                   [&](const Operation& operation) { return operation.code == code; });
  return found == program.operations.end() ? nullptr : &*found;
}

bool Preserves(const Program& program, uint64_t file) {
  return std::any_of(program.operations.begin(), program.operations.end(), [&](const Operation& o) {
    return o.code == OpCode::kLuoPreserve && o.arguments[1].value == file;
  });
}

std::string MinimisedText(const std::string& text, const Predicate& fails, MinimiseStats* stats) {
  return PrintProgram(Minimise(Parse(text), fails, stats));
}

TEST(Minimise, KeepsWhatThePredicateNeedsAndNothingElse) {
  const Predicate fails = [](const Program& program) {
    const Operation* map = Find(program, OpCode::kMapFile);
    return map != nullptr && map->task == 1 && map->arguments[4].value >= 0x1000 &&
           Preserves(program, kFileIommufd);
  };
  MinimiseStats stats;
  EXPECT_EQ(MinimisedText(RichText(), fails, &stats),
            "# Map races the flag: the area is inserted before it is filled.\n#\n"
            "#  and a second paragraph\nformat 2\ndesign v1\n"
            "boot memfds=1 memfd_pages=1 buffer_pages=1 devices=1\n\n"
            "main:\n  luo_preserve(0, iommufd, token=0)  -> EBUSY\n"
            "A:\n  map_file(0, memfd=0, iova=0, length=0x1000)  -> 0\n\n"
            "expect violation I04 luo_preserve\nexpect violation immutable-domain\nalso I19 I20\n");
  EXPECT_TRUE(stats.reproduced);
  EXPECT_FALSE(stats.budget_ended);
  EXPECT_GT(stats.of(Attempt::kToMain).kept, 0u);
}

TEST(Minimise, ChainOfVariablesStays) {
  const Predicate fails = [](const Program& program) {
    const Operation* attach = Find(program, OpCode::kDeviceAttach);
    if (attach == nullptr || !attach->arguments[1].variable) return false;
    const Operation& hwpt = program.operations[*attach->arguments[1].variable];
    return hwpt.arguments[0].variable.has_value() && hwpt.arguments[1].variable.has_value();
  };
  const std::string text = MinimisedText(RichText(), fails, nullptr);
  EXPECT_EQ(text.substr(text.find("boot")),
            "boot memfds=1 memfd_pages=1 buffer_pages=1 devices=1\n\nmain:\n  ioas = ioas_alloc()\n"
            "  dev = device_bind()\n  hwpt = hwpt_alloc(dev, ioas)\n  device_attach(dev, hwpt)\n\n"
            "expect violation I04 luo_preserve\nexpect violation immutable-domain\nalso I19 I20\n");
}

TEST(Minimise, FindsThresholds) {
  const Predicate fails = [](const Program& program) {
    const Operation* map = Find(program, OpCode::kMap);
    const Operation* mark = Find(program, OpCode::kLuMark);
    if (map == nullptr || mark == nullptr) return false;
    return map->arguments[3].value >= 0x123'4567 && map->arguments[4].value > 0x5001 &&
           map->arguments[2].value % 0x1000 >= 0x10 && mark->arguments[1].value >= 77;
  };
  const std::string text =
      "boot memfds=8 memfd_pages=4096 buffers=8 buffer_pages=4096 devices=8\nmain:\n"
      "map(5, buffer=7, offset=0x5555, iova=0xfffffffffffff000, length=MAX)\n"
      "lu_mark(9, token=18446744073709551615)\n";
  std::string with_max = text;
  with_max.replace(with_max.find("MAX"), 3, "0xffffffffffffffff");
  // An unaligned value stays so only where alignment alone does not fail.
  EXPECT_EQ(MinimisedText(with_max, fails, nullptr),
            "format 2\nboot memfds=1 memfd_pages=1 buffer_pages=1 devices=1\n\nmain:\n"
            "  map(0, offset=0x10, iova=0x1235000, length=0x6000)\n  lu_mark(0, token=77)\n");
}

TEST(Minimise, SchedulesAndFaults) {
  const Predicate fails = [](const Program& program) {
    bool fault = false, change = false;
    for (const sim::PlannedFault& f : program.faults) {
      fault = fault || (f.site == sim::FaultSite::kKhoAllocPreserve && f.nth >= 3 &&
                        program.operations[f.operation].code == OpCode::kLuoPreserve);
    }
    for (const sim::Switch& s : program.switches) change = change || s.nth >= 11;
    return fault && change;
  };
  MinimiseStats stats;
  EXPECT_EQ(
      MinimisedText("A:\nluo_preserve(3, iommufd, token=4)\nC:\nioas_alloc()\nmap(0, 0, 0, 0,"
                    " 0)\nF:\nclose_iommufd()\nfault A.1 kho_alloc_preserve nth=900\n"
                    "fault A.1 kcalloc\nfault C.1 kho_alloc_preserve nth=5\n"
                    "switch A.1 before lock#4 -> C\nswitch C.1 before access hwpt.users#3456 -> F\n"
                    "switch F.1 after unlock#9 -> A\n",
                    fails, &stats),
      "format 2\nboot memfds=1 memfd_pages=1 buffer_pages=1 devices=1\n\nmain:\n"
      "  luo_preserve(0, iommufd, token=0)\nA:\n  ioas = ioas_alloc()\nB:\n  close_iommufd()\n"
      "\nfault main.1 kho_alloc_preserve nth=3\nswitch A.1 before access hwpt.users#11 -> B\n");
  EXPECT_GT(stats.of(Attempt::kRename).kept, 0u);
  EXPECT_GT(stats.of(Attempt::kNth).kept, 0u);
}

TEST(Minimise, SmallThings) {
  const Predicate fails = [](const Program& program) {
    const Operation* seal = Find(program, OpCode::kMemfdSeal);
    const Operation* session = Find(program, OpCode::kLuoCreateSession);
    const Operation* unmap = Find(program, OpCode::kUnmap);
    return seal != nullptr && (seal->arguments[1].value & 6) == 6 && session != nullptr &&
           session->name.size() >= 3 && unmap != nullptr && unmap->arguments[0].variable;
  };
  EXPECT_EQ(MinimisedText("main:\nmemfd_seal(0, seals=seal|grow|shrink|exec)\nioas_alloc()\n"
                          "x = ioas_alloc()\nunmap(x)\nluo_create_session(\"abcdefghij\")\n",
                          fails, nullptr),
            "format 2\nboot memfds=1 memfd_pages=1 buffer_pages=1 devices=1\n\nmain:\n"
            "  memfd_seal(0, seals=shrink|grow)\n  ioas = ioas_alloc()\n  unmap(ioas, length=0)\n"
            "  s = luo_create_session(name=\"abc\")\n");
}

TEST(Minimise, TheLeastOfEachKindIsReached) {
  const Predicate fails = [](const Program& program) {
    const Operation* map = Find(program, OpCode::kMap);
    const Operation* session = Find(program, OpCode::kLuoCreateSession);
    return map != nullptr && map->arguments[2].value % 0x1000 != 0 && session != nullptr &&
           !session->name.empty() && !program.faults.empty();
  };
  const Program least = Minimise(Parse("main:\nmap(0, offset=0x5003, iova=0, length=0)\n"
                                       "luo_create_session(\"abc\")\nfault main.1 kcalloc nth=5\n"),
                                 fails, nullptr);
  ASSERT_EQ(least.operations.size(), 2u) << PrintProgram(least);
  EXPECT_EQ(least.operations[0].arguments[2].value, 1u);
  EXPECT_EQ(least.operations[1].name.size(), 1u);
  EXPECT_EQ(least.faults[0].nth, 1u);
}

TEST(Minimise, AutoStaysUnlessAFixedAddressDoes) {
  const auto with_iova = [](const std::function<bool(const Argument&)>& fails) {
    return MinimisedText(
        "main:\nmap(0, iova=auto, length=0)\n",
        [&](const Program& program) {
          const Operation* map = Find(program, OpCode::kMap);
          return map != nullptr && fails(map->arguments[3]);
        },
        nullptr);
  };
  EXPECT_NE(with_iova([](const Argument& a) { return a.automatic; }).find("auto"),
            std::string::npos);
  EXPECT_NE(with_iova([](const Argument& a) {
              return a.automatic || a.value >= 0x1000;
            }).find("iova=0x1000,"),
            std::string::npos);
  // No attempt may turn an address into `auto`.
  MinimisedText(
      "main:\nmap(0, iova=0xffffffffffffffff, length=0)\n",
      [](const Program& program) {
        const Operation* map = Find(program, OpCode::kMap);
        EXPECT_TRUE(map == nullptr || !map->arguments[3].automatic);
        return map != nullptr && map->arguments[3].value >= UINT64_MAX - 3;
      },
      nullptr);
}

TEST(Minimise, ProgramThatDoesNotFailIsReturnedAsItIs) {
  const Program program = Parse(RichText());
  MinimiseStats stats;
  EXPECT_EQ(Minimise(program, [](const Program&) { return false; }, &stats), program);
  EXPECT_FALSE(stats.reproduced);
  EXPECT_EQ(stats.attempts, 1u);
}

TEST(Minimise, AlwaysFailingBecomesEmpty) {
  Random random(31);
  for (int i = 0; i < 200; ++i) {
    Program program = RandomProgram(random);
    program.boot.memfds = std::max(program.boot.memfds, 1u);
    program.boot.memfd_pages = std::max(program.boot.memfd_pages, 1u);
    program.boot.buffers = std::max(program.boot.buffers, 1u);
    program.boot.buffer_pages = std::max(program.boot.buffer_pages, 1u);
    program.boot.devices = std::max(program.boot.devices, 1u);
    program.boot.iommufds = std::max(program.boot.iommufds, 1u);
    MinimiseStats stats;
    const Program least = Minimise(program, [](const Program&) { return true; }, &stats);
    EXPECT_TRUE(least.operations.empty());
    EXPECT_EQ(least.boot, (Boot{1, 1, 1, 1, 1}));
    EXPECT_EQ(least.title, program.title);
    EXPECT_EQ(least.expected, program.expected);
  }
}

// A predicate without structure: which small sets of operations fail depends on a seed.
Predicate Planted(uint64_t seed, const Program& program) {
  Random random(seed);
  std::vector<Operation> needed;
  for (const Operation& operation : program.operations) {
    if (Below(random, 4) == 0) needed.push_back(operation);
  }
  return [needed](const Program& candidate) {
    size_t next = 0;
    for (const Operation& operation : candidate.operations) {
      if (next < needed.size() && needed[next].code == operation.code) ++next;
    }
    return next == needed.size();
  };
}

// Operations are tried from the last to the first: the unmap can go only once the map is gone,
// which the first round tries after it.
TEST(Minimise, GoesRoundUntilNothingChanges) {
  const Predicate fails = [](const Program& program) {
    return CountOf(program, OpCode::kMemfdTruncate) == 1 &&
           (CountOf(program, OpCode::kMap) == 0 || CountOf(program, OpCode::kUnmap) == 1);
  };
  MinimiseStats stats;
  const Program least = Minimise(Parse("main:\n  map(0, iova=auto, length=0x1000)\n"
                                       "  memfd_truncate(0, size=0)\n  unmap(0)\n"),
                                 fails, &stats);
  ASSERT_EQ(least.operations.size(), 1u) << PrintProgram(least);
  EXPECT_EQ(least.operations[0].code, OpCode::kMemfdTruncate);
  EXPECT_EQ(stats.rounds, 3u) << "the last one changes nothing";
}

TEST(Minimise, ResultIsOneMinimal) {
  Random random(41);
  for (uint64_t i = 0; i < 200; ++i) {
    const Program program = RandomProgram(random);
    const Predicate fails = Planted(i, program);
    MinimiseStats stats;
    const Program least = Minimise(program, fails, &stats);
    ASSERT_TRUE(stats.reproduced);
    ASSERT_FALSE(stats.budget_ended);
    ASSERT_TRUE(fails(least));
    for (size_t k = 0; k < least.operations.size(); ++k) {
      ASSERT_FALSE(fails(WithoutOperation(least, k))) << PrintProgram(least);
    }
    EXPECT_TRUE(least.faults.empty());
    EXPECT_TRUE(least.switches.empty());
    // A task stays one of two only where it names what the other one creates.
    bool crossing = false;
    for (size_t k = 0; k < least.operations.size(); ++k) {
      for (const Argument& argument : least.operations[k].arguments) {
        crossing = crossing || (argument.variable && *argument.variable > k);
      }
    }
    EXPECT_TRUE(TaskCount(least) == 0 || crossing) << PrintProgram(least);
    // Minimising again finds nothing, and all of it is deterministic.
    MinimiseStats again;
    ASSERT_EQ(Minimise(least, fails, &again), least);
    EXPECT_EQ(again.rounds, 1u);
    ASSERT_EQ(Minimise(program, fails, nullptr), least);
  }
}

TEST(Minimise, PredicateSeesOnlyValidProgramsAndIsCounted) {
  Random random(51);
  for (uint64_t i = 0; i < 50; ++i) {
    const Program program = RandomProgram(random);
    const Predicate fails = Planted(i, program);
    uint64_t calls = 0;
    MinimiseStats stats;
    Minimise(
        program,
        [&](const Program& candidate) {
          ++calls;
          EXPECT_EQ(FirstProblem(candidate), "");
          return fails(candidate);
        },
        &stats);
    uint64_t sum = 0;
    for (const MinimiseStats::Counter& counter : stats.by_kind) {
      EXPECT_LE(counter.kept, counter.tried);
      sum += counter.tried;
    }
    EXPECT_EQ(stats.attempts, calls);
    EXPECT_EQ(sum, calls);
  }
}

TEST(Minimise, BudgetIsABound) {
  const Program program = Parse(RichText());
  const Predicate fails = [](const Program& p) { return CountOf(p, OpCode::kLuoPreserve) >= 2; };
  for (const uint64_t budget : {0, 1, 2, 10, 25}) {
    uint64_t calls = 0;
    MinimiseStats stats;
    const Program smaller = Minimise(
        program,
        [&](const Program& candidate) {
          ++calls;
          return fails(candidate);
        },
        &stats, budget);
    EXPECT_EQ(calls, budget);
    EXPECT_TRUE(stats.budget_ended);
    EXPECT_EQ(stats.attempts, budget);
    EXPECT_TRUE(fails(smaller));
    EXPECT_EQ(FirstProblem(smaller), "");
  }
}

TEST(Minimise, KindsHaveDistinctNames) {
  std::set<std::string_view> names;
  for (int i = 0; i < static_cast<int>(Attempt::kCount); ++i) {
    names.insert(Name(static_cast<Attempt>(i)));
  }
  EXPECT_EQ(names.size(), static_cast<size_t>(Attempt::kCount));
}

}  // namespace
}  // namespace iommufd_check::program
