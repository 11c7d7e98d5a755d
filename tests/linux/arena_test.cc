// Objects of an image: what is given, freed twice, written beyond, written after; keeping.
#include "model/linux/host/arena.h"

#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <vector>

namespace iommufd_check::linux_host {
namespace {

constexpr int kSlot = Arena::kSlots - 1;  // machines begin at the other end

class ArenaTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(arena_.mapped()); }

  char* Allocate(size_t bytes, size_t alignment = 16) {
    return static_cast<char*>(arena_.Allocate(bytes, alignment, &site_));
  }

  const int site_ = 0;
  Arena arena_{kSlot};
};

TEST_F(ArenaTest, ObjectsAreZeroedAlignedAndApart) {
  char* small = Allocate(24);
  char* page = Allocate(4096, 4096);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(small) % 16, 0u);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(page) % 4096, 0u);
  EXPECT_GE(page - small, 24 + 32);
  EXPECT_EQ(std::vector<char>(small, small + 24), std::vector<char>(24, 0));
  EXPECT_EQ(arena_.SizeOf(small), 24u);
  EXPECT_EQ(arena_.SizeOf(small + 1), 0u);
  EXPECT_EQ(arena_.SizeOf(&site_), 0u);
}

TEST_F(ArenaTest, TheAddressIsAFunctionOfTheSlot) {
  EXPECT_EQ(reinterpret_cast<uintptr_t>(Allocate(16)), Arena::AddressOf(kSlot) + 32);
  EXPECT_FALSE(Arena(kSlot).mapped()) << "one arena has one place";
}

TEST_F(ArenaTest, WhatIsFreedIsAnObjectOnce) {
  char* object = Allocate(40);
  EXPECT_EQ(arena_.Free(object + 16, &site_), Arena::Freed::kNoObject);
  EXPECT_EQ(arena_.Free(&site_, &site_), Arena::Freed::kNoObject);
  EXPECT_EQ(arena_.Free(object, &site_), Arena::Freed::kOk);
  EXPECT_EQ(arena_.Free(object, &site_), Arena::Freed::kTwice);
  EXPECT_NE(Allocate(40), object) << "a freed place is not given out again";
}

TEST_F(ArenaTest, StoresBeyondAnObjectAreFound) {
  for (const ptrdiff_t at : {ptrdiff_t{40}, ptrdiff_t{40 + 31}, ptrdiff_t{-1}, ptrdiff_t{-20}}) {
    arena_.Clear();
    char* object = Allocate(40);
    EXPECT_EQ(arena_.Damage(), nullptr);
    object[at] = 1;
    ASSERT_NE(arena_.Damage(), nullptr) << at;
    EXPECT_EQ(arena_.Damage()->bytes, 40u);
    EXPECT_EQ(arena_.Free(object, &site_), Arena::Freed::kDamaged) << at;
  }
}

TEST_F(ArenaTest, StoresIntoAFreedObjectAreFound) {
  Allocate(8);
  char* object = Allocate(40);
  EXPECT_EQ(arena_.Free(object, &site_), Arena::Freed::kOk);
  EXPECT_EQ(arena_.Damage(), nullptr);
  EXPECT_EQ(object[0], 0x6b);
  object[39] = 0;
  ASSERT_NE(arena_.Damage(), nullptr);
  EXPECT_FALSE(arena_.Damage()->live);
  EXPECT_EQ(arena_.Damage()->allocated, &site_);
}

TEST_F(ArenaTest, AnArenaIsFullAtItsEnd) {
  EXPECT_EQ(Allocate(Arena::kBytes), nullptr);
  EXPECT_EQ(Allocate(SIZE_MAX), nullptr);
  EXPECT_NE(Allocate(Arena::kBytes / 2), nullptr);
  EXPECT_EQ(Allocate(Arena::kBytes / 2), nullptr);
  EXPECT_NE(Allocate(16), nullptr);
}

TEST_F(ArenaTest, ResetComesBackToWhatWasKept) {
  char* kept = Allocate(16);
  char* freed = Allocate(16);
  std::memcpy(kept, "before", 7);
  arena_.Keep();
  EXPECT_TRUE(arena_.NewObjects().empty());

  std::memcpy(kept, "after!", 7);
  EXPECT_EQ(arena_.Free(freed, &site_), Arena::Freed::kOk);
  char* made = Allocate(100);
  std::memset(made, 7, 100);
  ASSERT_EQ(arena_.NewObjects().size(), 1u);
  EXPECT_EQ(arena_.NewObjects()[0].bytes, 100u);
  ASSERT_EQ(arena_.MissingObjects().size(), 1u);

  arena_.Reset();
  EXPECT_STREQ(kept, "before");
  EXPECT_TRUE(arena_.NewObjects().empty());
  EXPECT_TRUE(arena_.MissingObjects().empty());
  EXPECT_EQ(arena_.Damage(), nullptr);
  EXPECT_EQ(Allocate(100), made);
  EXPECT_EQ(std::vector<char>(made, made + 100), std::vector<char>(100, 0));
}

}  // namespace
}  // namespace iommufd_check::linux_host
