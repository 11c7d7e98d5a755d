#include "model/program/execute/boot.h"

#include "model/sim/check.h"

namespace iommufd_check::program {

using sim::LockClass;
using sim::ObjectKind;

liveupdate::World BootMachine(const Boot& boot) {
  liveupdate::World world;
  world.iommu.endpoints.resize(boot.devices);
  sim::LockTable& locks = world.kernel.locks;
  liveupdate::State& luo = world.kernel.luo;
  luo.sessions_rwsem = locks.Create(LockClass::kLuoSessionsRwsem, {ObjectKind::kLuo, 0});
  luo.register_rwlock = locks.Create(LockClass::kLuoRegisterRwlock, {ObjectKind::kLuo, 0});
  luo.files_xa_lock = locks.Create(LockClass::kLuoFilesXaLock, {ObjectKind::kLuo, 0});
  luo.flb_lock = locks.Create(LockClass::kLuoFlbMutex, {ObjectKind::kFlb, 0});
  luo.flb_object_mutex = locks.Create(LockClass::kIommuFlbMutex, {ObjectKind::kFlb, 0});
  luo.serialize_rwsem = locks.Create(LockClass::kLuoSerializeRwsem, {ObjectKind::kLuo, 0});
  luo.kho.radix_mutex = locks.Create(LockClass::kKhoRadixMutex, {ObjectKind::kKho, 0});
  for (uint16_t i = 0; i < world.iommu.endpoints.size(); ++i) {
    world.iommu.endpoints[i].group_mutex =
        locks.Create(LockClass::kGroupMutex, iommu::EndpointRef(i));
  }
  return world;
}

liveupdate::World BootWorld(const Boot& boot) {
  liveupdate::World world = BootMachine(boot);
  sim::LockTable& locks = world.kernel.locks;

  for (uint32_t i = 0; i < boot.iommufds; ++i) {
    const sim::ObjectRef ref{ObjectKind::kIommufd, static_cast<uint16_t>(i)};
    iommufd::Context context;
    context.xa_lock = locks.Create(LockClass::kObjectsXaLock, ref);
    context.groups_xa_lock = locks.Create(LockClass::kGroupsXaLock, ref);
    context.ioas_creation_lock = locks.Create(LockClass::kIoasCreationLock, ref);
    context.liveupdate_mutex = locks.Create(LockClass::kLiveupdateMutex, ref);
    const auto h = world.kernel.iommufd.contexts.Create(std::move(context));
    IOMMUFD_CHECK(h == iommufd::IommufdAt(ref.number), "iommufds are numbered from 0");
  }

  world.machine.mmap_lock = locks.Create(LockClass::kMmapLock, {ObjectKind::kMm, 0});
  for (uint32_t i = 0; i < boot.memfds; ++i) {
    mm::Memfd memfd;
    memfd.inode_lock =
        locks.Create(LockClass::kInodeLock, {ObjectKind::kMemfd, static_cast<uint16_t>(i)});
    memfd.state.Raw().size = uint64_t{boot.memfd_pages} * mm::kPageSize;
    const mm::MemfdHandle h = world.machine.memfds.Create(std::move(memfd));
    IOMMUFD_CHECK(h.index == i, "memfds are numbered from 0");
  }
  for (uint32_t i = 0; i < boot.buffers; ++i) {
    world.machine.buffers.push_back(
        mm::Buffer{.size = uint64_t{boot.buffer_pages} * mm::kPageSize});
  }
  return world;
}

}  // namespace iommufd_check::program
