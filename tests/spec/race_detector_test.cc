// Races between hand-made events: what orders two accesses, and what does not.
#include "model/spec/race_detector.h"

#include <gtest/gtest.h>

namespace iommufd_check::spec {
namespace {

using sim::Event;
using sim::Field;
using sim::Primitive;

constexpr sim::ObjectRef kIoas1{sim::ObjectKind::kIoas, 1};
constexpr sim::ObjectRef kIoas2{sim::ObjectKind::kIoas, 2};
constexpr uint8_t kShared = 1;

class RaceDetectorTest : public testing::Test {
 protected:
  std::optional<RaceDetector::Race> Access(Primitive primitive, uint8_t task,
                                           sim::ObjectRef object = kIoas1,
                                           Field field = Field::kIoptImmutable, uint8_t mode = 0) {
    return detector_.OnEvent({.task = task,
                              .primitive = primitive,
                              .object = object,
                              .detail = static_cast<uint8_t>(field),
                              .mode = mode});
  }
  bool Read(uint8_t task) { return Access(Primitive::kRead, task).has_value(); }
  bool Write(uint8_t task) { return Access(Primitive::kWrite, task).has_value(); }
  void Lock(uint8_t task, uint16_t lock, uint8_t mode = 0) {
    detector_.OnEvent({.task = task, .primitive = Primitive::kLock, .mode = mode, .spare = lock});
  }
  void Unlock(uint8_t task, uint16_t lock, uint8_t mode = 0) {
    detector_.OnEvent({.task = task, .primitive = Primitive::kUnlock, .mode = mode, .spare = lock});
  }
  void Count(Primitive primitive, uint8_t task, int64_t left) {
    detector_.OnEvent({.task = task,
                       .primitive = primitive,
                       .object = kIoas1,
                       .detail = static_cast<uint8_t>(Field::kRefcount),
                       .value = left});
  }

  RaceDetector detector_;
};

TEST_F(RaceDetectorTest, TwoWritesRace) {
  EXPECT_FALSE(Write(1));
  const auto race = Access(Primitive::kWrite, 2);
  ASSERT_TRUE(race.has_value());
  EXPECT_EQ(race->other_task, 1);
  EXPECT_TRUE(race->other_wrote);
}

TEST_F(RaceDetectorTest, AReadRacesWithAWriteBefore) {
  EXPECT_FALSE(Write(1));
  EXPECT_TRUE(Read(2));
}

TEST_F(RaceDetectorTest, AWriteRacesWithAReadBefore) {
  EXPECT_FALSE(Read(1));
  const auto race = Access(Primitive::kWrite, 2);
  ASSERT_TRUE(race.has_value());
  EXPECT_EQ(race->other_task, 1);
  EXPECT_FALSE(race->other_wrote);
}

TEST_F(RaceDetectorTest, ReadsDoNotRace) {
  EXPECT_FALSE(Read(1));
  EXPECT_FALSE(Read(2));
  EXPECT_FALSE(Read(3));
}

TEST_F(RaceDetectorTest, ATaskDoesNotRaceWithItself) {
  EXPECT_FALSE(Write(1));
  EXPECT_FALSE(Read(1));
  EXPECT_FALSE(Write(1));
}

TEST_F(RaceDetectorTest, MainIsOrderedBeforeAndAfterAllTasks) {
  EXPECT_FALSE(Write(0));
  EXPECT_FALSE(Write(1));
  EXPECT_FALSE(Write(0));
  EXPECT_FALSE(Read(0));
}

TEST_F(RaceDetectorTest, OtherFieldsAndObjectsDoNotRace) {
  EXPECT_FALSE(Write(1));
  EXPECT_FALSE(Access(Primitive::kWrite, 2, kIoas2).has_value());
  EXPECT_FALSE(Access(Primitive::kWrite, 2, kIoas1, Field::kAreaTree).has_value());
}

// KCSAN in the kernel's default configuration: which pairs it reports.
TEST_F(RaceDetectorTest, ReportsWhatKcsanReports) {
  using sim::kAccessMarked;
  using sim::kAccessSame;
  using sim::kAccessWord;
  struct Pair {
    const char* what;
    Primitive first;
    uint8_t first_mode;
    Primitive second;
    uint8_t second_mode;
    bool race;
    bool meets;
  };
  constexpr Primitive R = Primitive::kRead;
  constexpr Primitive W = Primitive::kWrite;
  const Pair pairs[] = {
      {"plain reads", R, 0, R, 0, false, false},
      {"READ_ONCE and WRITE_ONCE", R, kAccessMarked, W, kAccessMarked, false, true},
      {"WRITE_ONCE twice", W, kAccessMarked, W, kAccessMarked, false, true},
      {"a plain read and WRITE_ONCE", R, 0, W, kAccessMarked, true, true},
      {"WRITE_ONCE and a plain read", W, kAccessMarked, R, 0, true, true},
      {"READ_ONCE and a plain store of a word", R, kAccessMarked, W, kAccessWord, false, true},
      {"READ_ONCE and a plain store of more", R, kAccessMarked, W, 0, true, true},
      {"plain stores of a word", W, kAccessWord, W, kAccessWord, false, true},
      {"a plain read and a plain store of a word", R, 0, W, kAccessWord, true, true},
      {"plain stores of more", W, 0, W, 0, true, true},
      {"a plain read and a store of the same value", R, 0, W, kAccessWord | kAccessSame, false,
       true},
      {"a store of the same value and a plain read", W, kAccessWord | kAccessSame, R, 0, false,
       true},
  };
  for (const Pair& pair : pairs) {
    detector_.Clear();
    EXPECT_FALSE(Access(pair.first, 1, kIoas1, Field::kIoptImmutable, pair.first_mode).has_value());
    const auto race = Access(pair.second, 2, kIoas1, Field::kIoptImmutable, pair.second_mode);
    EXPECT_EQ(race.has_value(), pair.race) << pair.what;
    EXPECT_EQ(!detector_.meetings().empty(), pair.meets) << pair.what;
    if (race.has_value()) {
      EXPECT_EQ(race->other_marked, (pair.first_mode & kAccessMarked) != 0) << pair.what;
    }
  }
}

TEST_F(RaceDetectorTest, AWholeWalkMeetsEachWriteOfAnElement) {
  const sim::ObjectRef frame{sim::ObjectKind::kFrame, 3};
  const auto access = [&](Primitive primitive, uint8_t task, uint16_t element) {
    detector_.OnEvent({.task = task,
                       .primitive = primitive,
                       .object = frame,
                       .detail = static_cast<uint8_t>(Field::kPageTable),
                       .mode = sim::kAccessMarked,
                       .spare = element});
  };
  access(Primitive::kWrite, 1, 5);
  access(Primitive::kWrite, 2, 6);
  EXPECT_TRUE(detector_.meetings().empty()) << "two entries of one table";
  access(Primitive::kRead, 3, sim::kWholeField);
  EXPECT_TRUE(detector_.meetings().Contains(sim::ObjectKind::kFrame, Field::kPageTable));
  detector_.Clear();
  access(Primitive::kRead, 3, sim::kWholeField);
  access(Primitive::kWrite, 1, 5);
  EXPECT_TRUE(detector_.meetings().Contains(sim::ObjectKind::kFrame, Field::kPageTable));
  detector_.Clear();
  access(Primitive::kRead, 3, 5);
  access(Primitive::kWrite, 1, 6);
  EXPECT_TRUE(detector_.meetings().empty()) << "one entry is read, another one written";
}

TEST_F(RaceDetectorTest, OneLockOrders) {
  Lock(1, 5);
  EXPECT_FALSE(Write(1));
  Unlock(1, 5);
  Lock(2, 5);
  EXPECT_FALSE(Write(2));
  Unlock(2, 5);
}

TEST_F(RaceDetectorTest, TwoLocksDoNotOrder) {
  Lock(1, 5);
  EXPECT_FALSE(Write(1));
  Unlock(1, 5);
  Lock(2, 6);
  EXPECT_TRUE(Write(2));
}

// A slot of the lock table that is used again: the old lock's history is not the new one's.
TEST_F(RaceDetectorTest, ALockOfAnotherGenerationOrdersNothing) {
  for (const int64_t generation : {0, 1}) {
    detector_.Clear();
    Lock(1, 5);
    EXPECT_FALSE(Write(1));
    Unlock(1, 5);
    detector_.OnEvent({.task = 2, .primitive = Primitive::kLock, .spare = 5, .value = generation});
    EXPECT_EQ(Write(2), generation == 1);
  }
}

TEST_F(RaceDetectorTest, ALockTakenBeforeTheOtherReleasesItOrdersNothing) {
  Lock(2, 5);
  Unlock(2, 5);
  Lock(1, 5);
  EXPECT_FALSE(Write(1));
  EXPECT_TRUE(Write(2));
}

TEST_F(RaceDetectorTest, AnAccessAfterTheUnlockIsNotOrdered) {
  Lock(1, 5);
  Unlock(1, 5);
  EXPECT_FALSE(Write(1));
  Lock(2, 5);
  EXPECT_TRUE(Write(2));
}

TEST_F(RaceDetectorTest, ReadersOfASemaphoreAreNotOrdered) {
  Lock(1, 5, kShared);
  EXPECT_FALSE(Write(1));
  Unlock(1, 5, kShared);
  Lock(2, 5, kShared);
  EXPECT_TRUE(Write(2));
}

TEST_F(RaceDetectorTest, AWriterOfASemaphoreIsOrderedAfterItsReaders) {
  Lock(1, 5, kShared);
  EXPECT_FALSE(Read(1));
  Unlock(1, 5, kShared);
  Lock(2, 5);
  EXPECT_FALSE(Write(2));
  Unlock(2, 5);
  Lock(1, 5, kShared);
  EXPECT_FALSE(Read(1));
}

TEST_F(RaceDetectorTest, OrderPassesThroughAThirdTask) {
  EXPECT_FALSE(Write(1));
  Lock(1, 5);
  Unlock(1, 5);
  Lock(2, 5);
  Lock(2, 6);
  Unlock(2, 6);
  Unlock(2, 5);
  Lock(3, 6);
  EXPECT_FALSE(Write(3));
}

TEST_F(RaceDetectorTest, AnIncrementOrdersNothing) {
  EXPECT_FALSE(Write(1));
  Count(Primitive::kRefInc, 1, 2);
  Count(Primitive::kRefInc, 2, 3);
  EXPECT_TRUE(Write(2));
}

TEST_F(RaceDetectorTest, ADecrementReleasesAndTheLastOneAcquires) {
  EXPECT_FALSE(Write(1));
  Count(Primitive::kRefDec, 1, 1);
  Count(Primitive::kRefDec, 2, 0);
  EXPECT_FALSE(Write(2)) << "as before a free";
  EXPECT_TRUE(Write(1)) << "the first task has not looked at the count since";
}

TEST_F(RaceDetectorTest, ADecrementThatIsNotTheLastAcquiresNothing) {
  EXPECT_FALSE(Write(1));
  Count(Primitive::kRefDec, 1, 2);
  Count(Primitive::kRefDec, 2, 1);
  EXPECT_TRUE(Write(2));
}

TEST_F(RaceDetectorTest, AReadOfTheCountAcquiresWhereTheReaderActsOnIt) {
  for (const bool acts : {true, false}) {
    detector_.Clear();
    EXPECT_FALSE(Write(1));
    Count(Primitive::kRefDec, 1, 0);
    Access(Primitive::kRead, 2, kIoas1, Field::kRefcount,
           acts ? sim::kAccessMarked | sim::kAccessOrders : sim::kAccessMarked);
    EXPECT_EQ(Write(2), !acts);
  }
}

// Where counting shows: somebody gives back what it did not take, or looks.
TEST_F(RaceDetectorTest, CountsMeetWhereTheirOrderShows) {
  const auto meets = [&] { return detector_.meetings().Contains(kIoas1.kind, Field::kRefcount); };
  Count(Primitive::kRefInc, 1, 2);
  Count(Primitive::kRefInc, 2, 3);
  Count(Primitive::kRefDec, 1, 2);
  Count(Primitive::kRefDec, 2, 1);
  EXPECT_FALSE(meets()) << "each gives back what it took";
  Count(Primitive::kRefDec, 1, 0);
  EXPECT_TRUE(meets());
  detector_.Clear();
  Count(Primitive::kRefInc, 1, 2);
  Access(Primitive::kRead, 2, kIoas1, Field::kRefcount, sim::kAccessMarked);
  EXPECT_TRUE(meets());
}

TEST_F(RaceDetectorTest, FreeingMeetsEveryUnorderedAccess) {
  EXPECT_FALSE(Read(1));
  detector_.OnEvent({.task = 2,
                     .primitive = Primitive::kNote,
                     .object = kIoas1,
                     .detail = static_cast<uint8_t>(sim::Note::kObjectFreed)});
  EXPECT_TRUE(detector_.meetings().Contains(kIoas1.kind, Field::kIoptImmutable));
}

TEST_F(RaceDetectorTest, AFreedObjectIsForgotten) {
  EXPECT_FALSE(Write(1));
  detector_.OnEvent({.task = 1,
                     .primitive = Primitive::kNote,
                     .object = kIoas1,
                     .detail = static_cast<uint8_t>(sim::Note::kObjectFreed)});
  EXPECT_FALSE(Write(2)) << "a new object of this number";
}

// One that left its table and the next with its id: which of the two an event is about, none says.
TEST_F(RaceDetectorTest, ANumberOfTwoObjectsIsInNoRace) {
  EXPECT_FALSE(Write(1));
  detector_.OnEvent({.task = 2,
                     .primitive = Primitive::kNote,
                     .object = kIoas1,
                     .detail = static_cast<uint8_t>(sim::Note::kNumberShared)});
  EXPECT_FALSE(Write(2));
  EXPECT_TRUE(detector_.meetings().Contains(kIoas1.kind, Field::kIoptImmutable)) << "it may be one";
  EXPECT_FALSE(Access(Primitive::kWrite, 1, kIoas2).has_value());
  EXPECT_TRUE(Access(Primitive::kWrite, 2, kIoas2).has_value()) << "the others are told apart";
  detector_.Clear();
  EXPECT_FALSE(Write(1));
  EXPECT_TRUE(Write(2));
}

TEST_F(RaceDetectorTest, ClearForgetsEverything) {
  EXPECT_FALSE(Write(1));
  detector_.Clear();
  EXPECT_FALSE(Write(2));
  EXPECT_TRUE(Write(1));
}

}  // namespace
}  // namespace iommufd_check::spec
