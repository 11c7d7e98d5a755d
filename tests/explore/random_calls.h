// Random small programs of system calls, from the whole alphabet: a machine that is set up in one
// of several ways, and two tasks with one or two calls each.
//
//   const program::Program program = RandomCalls(seed);
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <random>
#include <string>

#include "model/program/text/text_codec.h"

namespace iommufd_check::explore {

// Every operation stands here at least once (RandomCallsTest.CoverTheAlphabet).
inline constexpr std::array<const char*, 32> kRandomCalls{
    "ioas_alloc()",
    "device_bind(index=1)",
    "device_unbind(dev)",
    "device_attach(dev, hwpt)",
    "device_detach(dev)",
    "hwpt_alloc(dev, ioas)",
    "hwpt_alloc(dev2, ioas)",
    "map(ioas, buffer=0, offset=0x0, iova=0x9000, length=0x1000)",
    "map_file(ioas, memfd=0, iova=0x5000, length=0x1000)",
    "map_file(ioas, memfd=0, iova=auto, length=0x2000)",
    "ioas_copy(ioas, ioas, src_iova=0x1000, iova=0x9000, length=0x1000)",
    "ioas_copy(ioas2, ioas, src_iova=0x1000, iova=auto, length=0x1000)",
    "unmap(ioas, iova=0x1000, length=0x1000)",
    "unmap(ioas)",
    "destroy(hwpt)",
    "destroy(ioas2)",
    "destroy(hwpt2)",
    "close_iommufd()",
    "memfd_seal(1, seals=write)",
    "memfd_punch_hole(0, offset=0x0, length=0x1000)",
    "memfd_truncate(1, size=0x1000)",
    "luo_create_session(name=\"vm\")",
    "luo_create_session(name=\"vm2\")",
    "luo_preserve(s, iommufd, token=2)",
    "luo_preserve(s, memfd=1, token=3)",
    "luo_close_session(s)",
    "lu_mark(hwpt, token=8)",
    "lu_mark(hwpt2, token=7)",
    "luo_preserve(s, iommufd=1, token=4)",
    "lu_mark(hwpt3, token=7)",
    "unmap(ioas3)",
    "device_bind(index=1, iommufd=1)",
};

inline std::string RandomCallsText(uint32_t seed) {
  std::mt19937 random(seed);
  const auto below = [&](size_t n) { return static_cast<size_t>(random()) % n; };
  std::string text =
      "boot memfds=2 devices=4 iommufds=2\nmain:\n  ioas = ioas_alloc()\n  ioas2 = ioas_alloc()\n"
      "  dev = device_bind(index=0)\n  dev2 = device_bind(index=2)\n"
      "  hwpt = hwpt_alloc(dev, ioas)\n  hwpt2 = hwpt_alloc(dev, ioas)\n"
      "  dev3 = device_bind(index=3, iommufd=1)\n  ioas3 = ioas_alloc(iommufd=1)\n"
      "  hwpt3 = hwpt_alloc(dev3, ioas3)\n"
      "  memfd_seal(0, seals=seal|shrink|grow)\n  s = luo_create_session(name=\"vm1\")\n"
      "  luo_preserve(s, memfd=0, token=1)\n";
  if (below(2) == 0) text += "  map_file(ioas, memfd=0, iova=0x1000, length=0x1000)\n";
  if (below(4) != 0) text += "  lu_mark(hwpt, token=7)\n";
  if (below(3) == 0) text += "  luo_preserve(s, iommufd, token=9)\n";
  for (const char* task : {"A:\n", "B:\n"}) {
    text += task;
    const size_t calls = 1 + below(5) / 4;
    for (size_t i = 0; i < calls; ++i) {
      text += "  " + std::string(kRandomCalls[below(kRandomCalls.size())]) + "\n";
    }
  }
  return text;
}

inline program::Program RandomCalls(uint32_t seed) {
  const auto program = program::ParseProgram(RandomCallsText(seed), "random");
  EXPECT_TRUE(program.ok()) << program.status().message();
  return program.ok() ? *program : program::Program{};
}

}  // namespace iommufd_check::explore
