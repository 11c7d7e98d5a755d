// What every row of objects.def gives its type: a handle, a table, a name, a key and a type.
#include <gtest/gtest.h>

#include <set>
#include <string>

#include "model/iommufd/object_table.h"
#include "tests/iommufd/iommufd_fixture.h"

namespace iommufd_check::iommufd::tests {
namespace {

// The splat of a call that names an object which is not there, and the object as it says it.
struct Missing {
  sim::Splat splat = sim::Splat::kWarn;
  sim::ObjectRef object;
};

template <class T>
Missing Miss(KernelFixture& m, sim::Handle<T> h) {
  m.ForgetSplats();
  const int result = m.Call([&](Kernel& k) {
    Get(k, h);
    return 0;
  });
  EXPECT_EQ(result, KernelFixture::kRunEnded);
  EXPECT_EQ(m.splats().size(), 1u);
  const sim::Event& last = m.events().back();
  EXPECT_EQ(last.primitive, sim::Primitive::kSplat);
  return {static_cast<sim::Splat>(last.detail), last.object};
}

template <class T>
void ExpectMissing(const std::string& name, sim::ObjectKind kind) {
  SCOPED_TRACE(name);
  EXPECT_EQ(sim::Name(kind), name);
  KernelFixture m;
  const Missing null = Miss(m, sim::Handle<T>{});
  EXPECT_EQ(null.splat, sim::Splat::kNullDereference);
  EXPECT_EQ(null.object, (sim::ObjectRef{kind, 0}));
  const Missing stale = Miss(m, sim::Handle<T>{7, 3});
  EXPECT_EQ(stale.splat, sim::Splat::kUseAfterFree);
  EXPECT_EQ(stale.object, (sim::ObjectRef{kind, 7}));
}

TEST(ObjectRowsTest, AHandleOfEachTypeIsResolvedOrNamedInTheOops) {
  using liveupdate::Session;
#define TABLE(kind, name, life, Type, table) ExpectMissing<Type>(#name, sim::ObjectKind::kind);
#include "model/sim/objects.def"
}

TEST(ObjectRowsTest, EachTableIsTheOneOfItsType) {
  const liveupdate::World world;
  std::set<const void*> tables;
#define TABLE(kind, name, life, Type, table)                           \
  EXPECT_EQ(&liveupdate::TableOf<Type>(world), &world.table) << #name; \
  EXPECT_TRUE(tables.insert(&world.table).second) << #name;
#include "model/sim/objects.def"
  EXPECT_GE(tables.size(), 10u);
}

TEST(ObjectRowsTest, AKeyIsOfTheTypeOfItsHandleAndLeadsBack) {
  std::set<ObjectType> types{ObjectType::kNone};
#define OBJECT(kind, name_of, Type, slots, type_id, value, stem)              \
  {                                                                           \
    const ObjectKey key = KeyOf(Type##Handle{3, 2});                          \
    EXPECT_EQ(key.type, ObjectType::type_id);                                 \
    EXPECT_EQ(static_cast<int>(key.type), value);                             \
    EXPECT_TRUE(types.insert(key.type).second) << "a number of the kernel's"; \
    EXPECT_FALSE(key.null());                                                 \
    EXPECT_EQ(key.name_of(), (Type##Handle{3, 2}));                           \
    EXPECT_EQ(key.name_of().generation, 2);                                   \
    EXPECT_EQ(KindOf(key), sim::ObjectKind::kind);                            \
  }
#include "model/sim/objects.def"
  EXPECT_TRUE(ObjectKey{}.null());
  EXPECT_EQ(KindOf(ObjectKey{}), sim::ObjectKind::kNone);
}

TEST(ObjectRowsDeathTest, AKeyOfAnotherTypeGivesNoHandle) {
  EXPECT_DEATH(KeyOf(IoasHandle{0, 0}).hwpt(), "the key names an object of that type");
  EXPECT_DEATH(ObjectKey{}.ioas(), "the key names an object of that type");
}

// The kernel's numbers (enum iommufd_object_type of Linux 6.12).
TEST(ObjectRowsTest, TypesHaveTheKernelsNumbers) {
  EXPECT_EQ(static_cast<int>(ObjectType::kDevice), 1);
  EXPECT_EQ(static_cast<int>(ObjectType::kHwptPaging), 2);
  EXPECT_EQ(static_cast<int>(ObjectType::kIoas), 4);
}

TEST(ObjectRowsTest, ObjectsWithAnIdAreNamedByItAndOthersByTheirSlot) {
  KernelFixture m;
  const uint32_t ioas = m.IoasAlloc();
  const uint32_t device = m.Bind();
  const uint32_t hwpt = m.HwptAlloc(device, ioas);
  m.Call([&](Kernel& k) {
    EXPECT_EQ(Ref(k, IoasHandle{0, 0}), (sim::ObjectRef{sim::ObjectKind::kIoas, 1}));
    EXPECT_EQ(Ref(k, DeviceHandle{0, 0}), (sim::ObjectRef{sim::ObjectKind::kDevice, 2}));
    EXPECT_EQ(Ref(k, KeyOf(HwptHandle{0, 0})), (sim::ObjectRef{sim::ObjectKind::kHwpt, 3}));
    EXPECT_EQ(Ref(k, iommu::DomainHandle{0, 0}), (sim::ObjectRef{sim::ObjectKind::kDomain, 0}));
    EXPECT_EQ(Ref(k, IgroupHandle{0, 0}), (sim::ObjectRef{sim::ObjectKind::kIgroup, 0}));
    return 0;
  });
  EXPECT_EQ(hwpt, 3u);
  EXPECT_TRUE(m.splats().empty());
}

// A type whose row is there and whose Destroy is not does not link; this is what a key of no type
// does in the kernel: a call through a null pointer.
TEST(ObjectRowsTest, DestroyOfNoTypeIsANullPointer) {
  KernelFixture m;
  EXPECT_EQ(m.Call([](Kernel& k) {
    Destroy(k, k.ctx, ObjectKey{});
    return 0;
  }),
            KernelFixture::kRunEnded);
  EXPECT_TRUE(m.Saw(sim::Splat::kNullDereference));
}

TEST(ObjectRowsTest, WhatAProcessHasToItsEndStaysAndTheRestMayDie) {
  for (const auto kind : {sim::ObjectKind::kIoas, sim::ObjectKind::kHwpt, sim::ObjectKind::kDevice,
                          sim::ObjectKind::kSession, sim::ObjectKind::kFrame}) {
    EXPECT_TRUE(sim::CanDie(kind)) << sim::Name(kind);
  }
  for (const auto kind : {sim::ObjectKind::kNone, sim::ObjectKind::kIommufd,
                          sim::ObjectKind::kMemfd, sim::ObjectKind::kDescriptor}) {
    EXPECT_FALSE(sim::CanDie(kind)) << sim::Name(kind);
  }
}

}  // namespace
}  // namespace iommufd_check::iommufd::tests
