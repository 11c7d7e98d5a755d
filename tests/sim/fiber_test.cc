#include "model/sim/fiber.h"

#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace iommufd_check::sim {
namespace {

struct Counting {
  Fiber* fiber = nullptr;
  int rounds = 0;
  int done = 0;
};

void Count(void* argument) {
  Counting& c = *static_cast<Counting*>(argument);
  for (int i = 0; i < c.rounds; ++i) {
    ++c.done;
    c.fiber->Suspend();
  }
}

TEST(Fiber, EachSuspendReturnsToTheCallerOfResume) {
  Fiber fiber;
  Counting c{&fiber, 3};
  EXPECT_FALSE(fiber.unfinished());
  fiber.Start(&Count, &c);
  EXPECT_TRUE(fiber.unfinished());
  for (int i = 1; i <= 3; ++i) {
    EXPECT_TRUE(fiber.Resume());
    EXPECT_EQ(c.done, i);
  }
  EXPECT_FALSE(fiber.Resume());
  EXPECT_FALSE(fiber.unfinished());
}

TEST(Fiber, ManySwitchesAmongManyFibers) {
  constexpr int kFibers = 7, kRounds = 20'000;
  std::vector<std::unique_ptr<Fiber>> fibers;
  std::vector<Counting> counts(kFibers);
  for (int i = 0; i < kFibers; ++i) {
    fibers.push_back(std::make_unique<Fiber>());
    counts[i] = {fibers[i].get(), kRounds};
    fibers[i]->Start(&Count, &counts[i]);
  }
  for (int round = 1; round <= kRounds; ++round) {
    for (auto& fiber : fibers) ASSERT_TRUE(fiber->Resume());
    for (const Counting& c : counts) ASSERT_EQ(c.done, round);
  }
  for (auto& fiber : fibers) EXPECT_FALSE(fiber->Resume());
}

struct Ring {
  Fiber* fiber = nullptr;
  Fiber* next = nullptr;
  char name = '?';
  int rounds = 0;
  std::string* trace = nullptr;
};

void PassOn(void* argument) {
  Ring& r = *static_cast<Ring*>(argument);
  for (int i = 0; i < r.rounds; ++i) {
    *r.trace += r.name;
    r.fiber->HandOver(r.next);
  }
  *r.trace += static_cast<char>(r.name - 'a' + 'A');
}

TEST(Fiber, JobsHandOverToEachOther) {
  Fiber a, b, c;
  std::string trace;
  std::vector<Ring> ring{
      {&a, &b, 'a', 2, &trace}, {&b, &c, 'b', 2, &trace}, {&c, &a, 'c', 2, &trace}};
  a.Start(&PassOn, &ring[0]);
  b.Start(&PassOn, &ring[1]);
  c.Start(&PassOn, &ring[2]);
  // Resume comes back with the end of whoever has the word then.
  EXPECT_FALSE(a.Resume());
  EXPECT_EQ(trace, "abcabcA");
  EXPECT_FALSE(a.unfinished());
  EXPECT_FALSE(b.Resume());
  EXPECT_FALSE(c.Resume());
  EXPECT_EQ(trace, "abcabcABC");
}

// A job that was handed over to suspends to the caller of Resume, who resumed another fiber.
TEST(Fiber, AJobThatWasHandedOverToSuspendsToTheCallerOfResume) {
  Fiber a, b;
  std::string trace;
  Ring from{&a, &b, 'a', 1, &trace};
  Counting to{&b, 1};
  a.Start(&PassOn, &from);
  b.Start(&Count, &to);
  EXPECT_TRUE(a.Resume());
  EXPECT_EQ(to.done, 1);
  EXPECT_TRUE(a.unfinished());
  EXPECT_FALSE(b.Resume());
  EXPECT_FALSE(a.Resume());
  EXPECT_EQ(trace, "aA");
}

TEST(Fiber, ServesManyJobsOneAfterTheOther) {
  Fiber fiber;
  for (int job = 0; job < 1000; ++job) {
    Counting c{&fiber, job % 3};
    fiber.Start(&Count, &c);
    while (fiber.Resume()) {
    }
    ASSERT_EQ(c.done, job % 3);
  }
}

struct Thrower {
  Fiber* fiber = nullptr;
  std::vector<std::string> caught;
};

void ThrowAndCatch(void* argument) {
  Thrower& self = *static_cast<Thrower*>(argument);
  for (int i = 0; i < 3; ++i) {
    try {
      self.fiber->Suspend();
      throw std::runtime_error("round " + std::to_string(i));
    } catch (const std::exception& e) {
      self.caught.push_back(e.what());
    }
  }
}

TEST(Fiber, ExceptionsStayInsideTheirFiber) {
  Fiber a;
  Fiber b;
  Thrower first{&a};
  Thrower second{&b};
  a.Start(&ThrowAndCatch, &first);
  b.Start(&ThrowAndCatch, &second);
  bool more = true;
  while (more) {
    more = a.Resume();
    EXPECT_EQ(b.Resume(), more);
    try {
      throw std::logic_error("outside");
    } catch (const std::logic_error& e) {
      EXPECT_STREQ(e.what(), "outside");
    }
  }
  const std::vector<std::string> expected{"round 0", "round 1", "round 2"};
  EXPECT_EQ(first.caught, expected);
  EXPECT_EQ(second.caught, expected);
}

void UseMuchStack(void* argument) {
  volatile char block[128 * 1024];
  for (size_t i = 0; i < sizeof(block); i += 512) block[i] = 1;
  *static_cast<bool*>(argument) = block[512] == 1;
}

TEST(Fiber, HasAStackOfItsOwn) {
  Fiber fiber;
  bool ran = false;
  fiber.Start(&UseMuchStack, &ran);
  EXPECT_FALSE(fiber.Resume());
  EXPECT_TRUE(ran);
}

TEST(FiberDeathTest, MisuseIsRefused) {
  Fiber fiber;
  EXPECT_DEATH(fiber.Resume(), "nothing to resume");
  Counting c{&fiber, 0};
  fiber.Start(&Count, &c);
  EXPECT_DEATH(fiber.Start(&Count, &c), "one job at a time");
  EXPECT_DEATH(
      {
        Fiber unfinished;
        unfinished.Start(&Count, &c);
      },
      "destroyed while its job is unfinished");
  EXPECT_FALSE(fiber.Resume());
}

}  // namespace
}  // namespace iommufd_check::sim
