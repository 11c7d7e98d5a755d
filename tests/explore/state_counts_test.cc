// One small program for each kind of shared state, with the number of its traces: an access that
// is forgotten in the dependency relation changes a number here.

#include <gtest/gtest.h>

#include <cstdint>
#include <string>

#include "model/explore/work/certificate_text.h"
#include "model/explore/work/explore_work.h"
#include "model/liveupdate/designs/registry.h"
#include "model/program/text/text_codec.h"

namespace iommufd_check::explore {
namespace {

struct Pair {
  const char* state;  // what the two calls meet at
  const char* a;
  const char* b;
  uint64_t traces;
};

constexpr Pair kPairs[] = {
    {"nothing", "memfd_seal(0, seals=grow)", "memfd_seal(1, seals=grow)", 3},
    {"object table", "ioas_alloc()", "ioas_alloc()", 8},
    {"hwpt list", "hwpt_alloc(dev, ioas)", "hwpt_alloc(dev, ioas)", 32},
    {"area tree", "map(ioas, buffer=0, iova=0x1000, length=0x1000)",
     "map(ioas, buffer=0, offset=0x1000, iova=0x2000, length=0x1000)", 262},
    {"one range", "map(ioas, buffer=0, iova=0x1000, length=0x1000)",
     "map(ioas, buffer=0, iova=0x1000, length=0x1000)", 10},
    {"areas and domains", "map(ioas, buffer=0, iova=0x1000, length=0x1000)",
     "hwpt_alloc(dev, ioas)", 15},
    {"users", "destroy(hwpt)", "lu_mark(hwpt, token=7)", 8},
    {"users of an IOAS", "destroy(hwpt)", "unmap(ioas, iova=0x1000, length=0x1000)", 6},
    {"group and its owner", "device_bind(index=1)", "device_bind(index=1)", 14},
    {"attachment", "device_attach(dev, hwpt)", "device_detach(dev)", 8},
    {"driver of a device", "device_unbind(dev)", "device_unbind(dev)", 24},
    {"descriptor of the iommufd", "close_iommufd()", "ioas_alloc()", 4},
    {"memfd", "memfd_seal(0, seals=grow)", "memfd_truncate(0, size=0x1000)", 4},
    {"sessions", "luo_create_session(name=\"a\")", "luo_create_session(name=\"a\")", 4},
    {"files of a session", "luo_preserve(s, memfd=0, token=1)", "luo_preserve(s, memfd=1, token=1)",
     4},
    {"ids of preserved files", "luo_preserve(s, memfd=0, token=1)",
     "luo_preserve(s, memfd=0, token=2)", 4},
    {"descriptor of a session", "luo_close_session(s)", "luo_preserve(s, memfd=0, token=1)", 5},
    {"marks", "lu_mark(hwpt, token=7)", "lu_mark(hwpt, token=8)", 8},
};

TEST(StateCounts, EachKindOfSharedStateHasItsTraces) {
  for (const Pair& pair : kPairs) {
    const std::string text =
        "boot memfds=2 devices=2\nmain:\n  ioas = ioas_alloc()\n  dev = device_bind(index=0)\n"
        "  hwpt = hwpt_alloc(dev, ioas)\n  s = luo_create_session(name=\"vm\")\nA:\n  " +
        std::string(pair.a) + "\nB:\n  " + pair.b + "\n";
    const auto program = program::ParseProgram(text, pair.state);
    ASSERT_TRUE(program.ok()) << program.status().message();
    program::Executor executor;
    const Certificate c =
        ExploreProgram(&executor, *liveupdate::FindDesign("reference"), pair.state, *program, {});
    EXPECT_TRUE(c.exhausted()) << RenderText(c);
    EXPECT_FALSE(c.violated()) << RenderText(c);
    EXPECT_EQ(c.traces, pair.traces) << pair.state;
  }
}

}  // namespace
}  // namespace iommufd_check::explore
