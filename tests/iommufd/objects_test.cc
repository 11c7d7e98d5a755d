// Ids, the two counters, and who keeps whom alive (objects.md sections 2 to 7).

#include "model/iommufd/object_table.h"
#include "tests/iommufd/iommufd_fixture.h"

namespace iommufd_check::iommufd::tests {
namespace {

class ObjectsTest : public IommufdTest {
 protected:
  const Object* Find(uint32_t id) const {
    const Object* found = nullptr;
    const State& s = m.world.kernel.iommufd;
    const auto look = [&](auto, const auto& o) {
      if (o.object.id == id) found = &o.object;
    };
    s.ioas.ForEach(look);
    s.hwpts.ForEach(look);
    s.devices.ForEach(look);
    return found;
  }
  uint32_t Users(uint32_t id) const { return Find(id)->users.value; }
  int Attach(uint32_t device, uint32_t hwpt) {
    return m.Call([&](Kernel& k) { return device_attach(k, k.ctx, device, hwpt); });
  }
  int Detach(uint32_t device) {
    return m.Call([&](Kernel& k) { return device_detach(k, k.ctx, device); });
  }
  int Unbind(uint32_t device) {
    return m.Call([&](Kernel& k) { return device_unbind(k, k.ctx, device); });
  }
};

TEST_F(ObjectsTest, IdsAreTheLowestFreeOnes) {
  EXPECT_EQ(m.IoasAlloc(), 1u);
  EXPECT_EQ(m.Bind(), 2u);
  EXPECT_EQ(m.IoasAlloc(), 3u);
  EXPECT_EQ(m.HwptAlloc(2, 1), 4u);
  EXPECT_EQ(m.Destroy(3), 0);
  EXPECT_EQ(m.HwptAlloc(2, 1), 3u) << "reused at once, whatever the type was";
  EXPECT_EQ(m.Destroy(4), 0);
  EXPECT_EQ(m.Destroy(3), 0);
  EXPECT_EQ(m.Destroy(1), 0);
  EXPECT_EQ(m.IoasAlloc(), 1u);
  EXPECT_EQ(m.IoasAlloc(), 3u);
}

TEST_F(ObjectsTest, AllocAndDestroyLeaveNothing) {
  const liveupdate::World before = m.world;
  const uint32_t device = m.Bind();
  const uint32_t ioas = m.IoasAlloc();
  const uint32_t hwpt = m.HwptAlloc(device, ioas);
  ASSERT_EQ(m.MapFile(ioas, 0x1000, 0x4000), 0);
  EXPECT_EQ(m.Unmap(ioas, 0x1000, 0x4000), 0);
  EXPECT_EQ(m.Destroy(hwpt), 0);
  EXPECT_EQ(m.Destroy(ioas), 0);
  EXPECT_EQ(Unbind(device), 0);
  EXPECT_TRUE(m.world == before) << test_support::Difference(before, m.world);
}

TEST_F(ObjectsTest, ReferencesFollowTheTable) {
  const uint32_t ioas = m.IoasAlloc();
  const uint32_t device = m.Bind();
  EXPECT_EQ(Users(ioas), 1u);
  EXPECT_EQ(Users(device), 2u) << "table and driver";
  const uint32_t hwpt = m.HwptAlloc(device, ioas);
  EXPECT_EQ(Users(ioas), 2u);
  EXPECT_EQ(Users(hwpt), 1u);
  EXPECT_EQ(Users(device), 2u) << "a HWPT does not hold the device it was made for";
  EXPECT_EQ(Attach(device, hwpt), 0);
  EXPECT_EQ(Users(hwpt), 2u);
  EXPECT_EQ(Users(device), 3u);
  ExpectBalanced(m.world);
  EXPECT_EQ(Detach(device), 0);
  EXPECT_EQ(Users(hwpt), 1u);
  EXPECT_EQ(Users(device), 2u);
}

TEST_F(ObjectsTest, Destroy) {
  EXPECT_EQ(m.Destroy(0), -sim::kENOENT);
  EXPECT_EQ(m.Destroy(1), -sim::kENOENT);
  EXPECT_EQ(m.Destroy(UINT32_MAX), -sim::kENOENT);
  const uint32_t ioas = m.IoasAlloc();
  const uint32_t device = m.Bind();
  const uint32_t hwpt = m.HwptAlloc(device, ioas);
  EXPECT_EQ(m.Destroy(device), -sim::kEBUSY) << "always: the driver's reference";
  EXPECT_EQ(m.Destroy(ioas), -sim::kEBUSY) << "its HWPT";
  EXPECT_EQ(Attach(device, hwpt), 0);
  EXPECT_EQ(m.Destroy(hwpt), -sim::kEBUSY) << "attached";
  EXPECT_EQ(Detach(device), 0);
  EXPECT_EQ(m.Destroy(hwpt), 0);
  EXPECT_EQ(m.Destroy(hwpt), -sim::kENOENT);
  ASSERT_EQ(m.MapFile(ioas, 0x1000, 0x1000), 0);
  EXPECT_EQ(m.Destroy(ioas), 0) << "areas do not keep it";
  EXPECT_TRUE(Areas().empty());
  EXPECT_EQ(m.world.kernel.iommufd.pages.live(), 0u);
}

TEST_F(ObjectsTest, AReservedIdIsAbsentAndTaken) {
  m.Call([&](Kernel& k) {
    const IoasHandle h = k.s.ioas.Create(Ioas{});
    ReserveId(k, k.ctx, KeyOf(h));
    EXPECT_EQ(Get(k, h).object.id, 1u);
    EXPECT_TRUE(GetObject(k, k.ctx, 1, ObjectType::kNone).null());
    ObjectKey removed;
    EXPECT_EQ(RemoveObject(k, k.ctx, 1, &removed), -sim::kENOENT);
    uint32_t next = 0;
    EXPECT_EQ(ioas_alloc(k, k.ctx, &next), 0);
    EXPECT_EQ(next, 2u);
    AbortId(k, k.ctx, KeyOf(h));
    k.s.ioas.Free(h);
    EXPECT_EQ(iommufd_destroy(k, k.ctx, next), 0);
    return 0;
  });
  EXPECT_EQ(m.IoasAlloc(), 1u);
}

TEST_F(ObjectsTest, AShortReferenceMakesDestroyBusy) {
  const uint32_t ioas = m.IoasAlloc();
  m.Call([&](Kernel& k) {
    EXPECT_TRUE(GetObject(k, k.ctx, ioas, ObjectType::kHwptPaging).null()) << "wrong type";
    const ObjectKey key = GetObject(k, k.ctx, ioas, ObjectType::kIoas);
    EXPECT_FALSE(key.null());
    EXPECT_EQ(Get(k, key).users.value, 2u);
    EXPECT_EQ(Get(k, key).wait_cnt.value, 2u);
    EXPECT_EQ(iommufd_destroy(k, k.ctx, ioas), -sim::kEBUSY);
    PutObject(k, k.ctx, key);
    EXPECT_EQ(Get(k, key).users.value, 1u);
    EXPECT_EQ(Get(k, key).wait_cnt.value, 1u);
    return 0;
  });
  EXPECT_EQ(m.Destroy(ioas), 0);
}

TEST_F(ObjectsTest, Bind) {
  uint32_t id = 0;
  const auto bind = [&](uint16_t endpoint) {
    return m.Call([&](Kernel& k) { return device_bind(k, k.ctx, endpoint, &id); });
  };
  EXPECT_EQ(bind(2), -sim::kENODEV);
  EXPECT_EQ(bind(0), 0);
  EXPECT_EQ(bind(0), -sim::kEBUSY);
  EXPECT_EQ(bind(1), 0);
  EXPECT_EQ(Unbind(1), 0);
  EXPECT_EQ(Unbind(1), -sim::kENOENT);
  EXPECT_EQ(bind(0), 0);
  EXPECT_EQ(id, 1u);
  EXPECT_EQ(m.Call([](Kernel& k) { return close_iommufd(k, k.ctx); }), 0);
  EXPECT_EQ(bind(1), -sim::kEBADF);
}

TEST_F(ObjectsTest, AttachAndDetach) {
  const uint32_t ioas = m.IoasAlloc();
  const uint32_t device = m.Bind(1);
  const uint32_t hwpt = m.HwptAlloc(device, ioas);
  const uint32_t other = m.HwptAlloc(device, ioas);
  EXPECT_EQ(Attach(99, hwpt), -sim::kENOENT);
  EXPECT_EQ(Attach(hwpt, hwpt), -sim::kENOENT) << "not a device";
  EXPECT_EQ(Attach(device, 99), -sim::kENOENT);
  EXPECT_EQ(Attach(device, ioas), -sim::kEINVAL) << "auto domains are not in the slice";
  EXPECT_EQ(Attach(device, device), -sim::kEINVAL);
  EXPECT_EQ(Detach(device), 0) << "not attached: nothing happens";
  EXPECT_EQ(Attach(device, hwpt), 0);
  EXPECT_EQ(Attach(device, hwpt), -sim::kEBUSY);
  EXPECT_EQ(Attach(device, other), -sim::kEBUSY);
  const iommu::Endpoint& endpoint = m.world.iommu.endpoints[1];
  EXPECT_EQ(endpoint.domain.Peek().index, 0) << "the hardware walks the table of the HWPT";
  EXPECT_EQ(Detach(device), 0);
  EXPECT_TRUE(endpoint.domain.Peek().null());
  EXPECT_TRUE(endpoint.dma_owner_claimed.Peek());
  EXPECT_EQ(Detach(99), -sim::kENOENT);
  EXPECT_EQ(Attach(device, other), 0);
  EXPECT_EQ(endpoint.domain.Peek().index, 1);
  EXPECT_EQ(Unbind(device), 0) << "detaches first";
  EXPECT_TRUE(endpoint.domain.Peek().null());
  EXPECT_FALSE(endpoint.dma_owner_claimed.Peek());
  EXPECT_EQ(m.Destroy(other), 0);
}

}  // namespace
}  // namespace iommufd_check::iommufd::tests
