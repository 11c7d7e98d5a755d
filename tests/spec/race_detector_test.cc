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
  void Count(Primitive primitive, uint8_t task) {
    detector_.OnEvent({.task = task, .primitive = primitive, .object = kIoas1});
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

TEST_F(RaceDetectorTest, AtomicAccessesDoNotRace) {
  EXPECT_FALSE(Write(1));
  EXPECT_FALSE(Access(Primitive::kWrite, 2, kIoas1, Field::kIoptImmutable, 1).has_value());
  EXPECT_FALSE(Write(1)) << "the atomic one is not remembered either";
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

TEST_F(RaceDetectorTest, ReferenceCountsOrder) {
  EXPECT_FALSE(Write(1));
  Count(Primitive::kRefDec, 1);
  Count(Primitive::kRefDec, 2);
  EXPECT_FALSE(Write(2));
  EXPECT_TRUE(Write(1)) << "the first task has not looked at the count since";
}

TEST_F(RaceDetectorTest, AFreedObjectIsForgotten) {
  EXPECT_FALSE(Write(1));
  detector_.OnEvent({.task = 1,
                     .primitive = Primitive::kNote,
                     .object = kIoas1,
                     .detail = static_cast<uint8_t>(sim::Note::kObjectFreed)});
  EXPECT_FALSE(Write(2)) << "a new object of this number";
}

TEST_F(RaceDetectorTest, ClearForgetsEverything) {
  EXPECT_FALSE(Write(1));
  detector_.Clear();
  EXPECT_FALSE(Write(2));
  EXPECT_TRUE(Write(1));
}

}  // namespace
}  // namespace iommufd_check::spec
