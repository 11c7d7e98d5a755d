#include "model/program/observe.h"

#include <algorithm>

#include "model/iommu/walker.h"
#include "model/liveupdate/memfd_luo.h"
#include "model/sim/check.h"

namespace iommufd_check::program {
namespace {

using liveupdate::World;

// More records than this are not parsed: a count read from memory must not drive the run.
constexpr uint64_t kMaxRecords = 4096;

uint32_t IoasIdOf(const World& world, iommufd::IoasHandle h) {
  const iommufd::Ioas* ioas = world.kernel.iommufd.ioas.Find(h);
  return ioas == nullptr ? 0 : ioas->object.id;
}

bool Published(const World& world, uint32_t id, iommufd::ObjectType type) {
  const iommufd::Context* ctx = world.kernel.iommufd.contexts.Find(world.kernel.ctx);
  if (ctx == nullptr || id == 0 || id > ctx->objects.Peek().size()) return false;
  const iommufd::TableEntry& entry = ctx->objects.Peek()[id - 1];
  return entry.state == iommufd::TableEntry::State::kPublished && entry.type == type;
}

spec::AreaView ViewOf(const World& world, const iommufd::Area& area) {
  spec::AreaView view;
  view.first = area.shape.Peek().first;
  view.last = area.shape.Peek().last;
  view.permissions = area.shape.Peek().permissions;
  const iommufd::Pages* pages = world.kernel.iommufd.pages.Find(area.pages.Peek());
  view.finished = pages != nullptr;
  if (pages == nullptr) return view;
  const iommufd::PagesShape& shape = pages->shape.Peek();
  view.is_file = shape.is_file();
  view.memfd = view.is_file ? shape.memfd.index : 0;
  view.source_page = view.is_file ? shape.first_page : shape.user_address >> mm::kPageShift;
  view.pages = shape.npages;
  view.seals = pages->seals.Peek();
  return view;
}

template <class View>
void SortById(std::vector<View>& views) {
  std::sort(views.begin(), views.end(), [](const View& a, const View& b) { return a.id < b.id; });
}

void ObserveObjects(const World& world, spec::Snapshot* out) {
  const iommufd::State& s = world.kernel.iommufd;
  out->ioas.clear();
  s.ioas.ForEach([&](iommufd::IoasHandle, const iommufd::Ioas& ioas) {
    if (!Published(world, ioas.object.id, iommufd::ObjectType::kIoas)) return;
    spec::IoasView& view = out->ioas.emplace_back();
    view.id = ioas.object.id;
    view.users = ioas.object.users.value;
    view.immutable = ioas.iopt.immutable.Peek();
    view.alignment = ioas.iopt.iova_alignment.Peek();
    for (iommufd::AreaHandle h : ioas.iopt.areas.Peek()) {
      view.areas.push_back(ViewOf(world, *s.areas.Find(h)));
    }
    for (iommu::DomainHandle h : ioas.iopt.domains.Peek()) view.domains.push_back(h.index);
  });
  SortById(out->ioas);
  out->hwpts.clear();
  s.hwpts.ForEach([&](iommufd::HwptHandle, const iommufd::Hwpt& hwpt) {
    if (!Published(world, hwpt.object.id, iommufd::ObjectType::kHwptPaging)) return;
    out->hwpts.push_back({hwpt.object.id, IoasIdOf(world, hwpt.ioas.Peek()), hwpt.domain.Peek().index,
                          hwpt.object.users.value, hwpt.object.wait_cnt.value, hwpt.IsMarked(),
                          hwpt.preserved.Peek(), hwpt.token.Peek()});
  });
  SortById(out->hwpts);
  out->devices.clear();
  s.devices.ForEach([&](iommufd::DeviceHandle, const iommufd::Device& device) {
    if (!Published(world, device.object.id, iommufd::ObjectType::kDevice)) return;
    const iommufd::Hwpt* hwpt = s.hwpts.Find(device.attached.Peek());
    out->devices.push_back({device.object.id, device.endpoint.Peek(), device.object.users.value,
                            hwpt == nullptr ? 0 : hwpt->object.id});
  });
  SortById(out->devices);
}

void ObserveDomains(const World& world, spec::Snapshot* out) {
  out->domains.clear();
  std::vector<iommu::Leaf> leaves;
  world.iommu.domains.ForEach([&](iommu::DomainHandle h, const iommu::Domain& domain) {
    spec::DomainView& view = out->domains.emplace_back();
    view.number = h.index;
    world.kernel.iommufd.hwpts.ForEach([&](iommufd::HwptHandle, const iommufd::Hwpt& hwpt) {
      if (hwpt.domain.Peek() == h) view.ioas = IoasIdOf(world, hwpt.ioas.Peek());
    });
    view.top = domain.top.Peek();
    view.preserved_state = domain.preserved_state.Peek();
    iommu::CollectTables(world.machine.phys, domain.top.Peek(), &view.tables);
    std::sort(view.tables.begin(), view.tables.end());
    leaves.clear();
    iommu::CollectLeaves(world.machine.phys, domain.top.Peek(), &leaves);
    for (const iommu::Leaf& leaf : leaves) {
      view.leaves.push_back({leaf.iova, leaf.pfn, leaf.permissions});
    }
  });
}

void ObserveMemory(const World& world, spec::Snapshot* out) {
  out->memfds.clear();
  world.machine.memfds.ForEach([&](mm::MemfdHandle h, const mm::Memfd& memfd) {
    const mm::MemfdState& state = memfd.state.Peek();
    out->memfds.push_back({h.index, state.size, state.seals, state.frozen, state.pages});
  });
  out->registered.clear();
  for (mm::Pfn pfn : world.kernel.luo.kho.PreservedPages()) {
    const mm::FrameOwner owner = world.machine.phys.Exists(pfn) ? world.machine.phys.at(pfn).owner
                                                                : mm::FrameOwner::kFree;
    out->registered.emplace_back(pfn, owner);
  }
}

spec::FileView ViewOf(const World& world, const liveupdate::Design& design,
                      const liveupdate::LuoFile& file) {
  const mm::PhysMemory& phys = world.machine.phys;
  spec::FileView view;
  view.token = file.token;
  view.file = file.file;
  if (file.file.kind == mm::FileRef::Kind::kMemfd) {
    const auto serialized = liveupdate::ReadMemfdSerialized(phys, file.data);
    view.serialized_size = serialized.size;
    view.serialized_seals = serialized.seals;
    view.serialized_pages = serialized.pages;
    return view;
  }
  const liveupdate::IommufdLayout& layout = design.iommufd_layout();
  view.nr_hwpts = phys.ReadField(file.data + layout.nr_hwpts.offset, layout.nr_hwpts.bytes);
  for (uint64_t i = 0; i < std::min(view.nr_hwpts, kMaxRecords); ++i) {
    const mm::PhysAddr at = file.data + layout.array + i * layout.stride;
    view.records.push_back({phys.ReadField(at + layout.token.offset, layout.token.bytes),
                            phys.ReadField(at + layout.domain_data.offset,
                                           layout.domain_data.bytes)});
  }
  return view;
}

void ObserveRecords(const World& world, const liveupdate::DomainLayout& layout,
                    spec::Snapshot* out) {
  const mm::PhysMemory& phys = world.machine.phys;
  const liveupdate::FlbOutgoing& flb = world.kernel.luo.flb.Peek();
  out->flb_count = flb.count;
  out->flb_present = flb.data != 0;
  out->domain_records.clear();
  mm::PhysAddr page =
      flb.data == 0 ? 0 : phys.ReadField(flb.data + liveupdate::kFlbDomains.offset, 8);
  while (page != 0 && phys.Exists(mm::PfnOf(page)) && out->domain_records.size() < kMaxRecords) {
    const uint64_t used = phys.ReadField(page + liveupdate::kArrayUsed.offset, 8);
    for (uint64_t i = 0; i < std::min(used, kMaxRecords); ++i) {
      const mm::PhysAddr at = page + liveupdate::kArrayHeader + i * layout.size;
      const uint64_t flags = phys.ReadField(at + layout.flags.offset, layout.flags.bytes);
      out->domain_records.push_back(
          {at, (flags & liveupdate::kRecordDeleted) != 0,
           phys.ReadField(at + layout.top_table.offset, layout.top_table.bytes)});
    }
    page = phys.ReadField(page + liveupdate::kArrayNext.offset, 8);
  }
}

void ObserveSessions(const World& world, const liveupdate::Design& design, spec::Snapshot* out) {
  out->sessions.clear();
  world.kernel.luo.sessions.ForEach(
      [&](liveupdate::SessionHandle h, const liveupdate::Session& session) {
        spec::SessionView& view = out->sessions.emplace_back();
        view.number = h.index;
        view.name = session.name.Peek();
        for (const liveupdate::LuoFile& file : session.files.Peek()) {
          view.files.push_back(ViewOf(world, design, file));
        }
      });
}

}  // namespace

void Observe(const World& world, const liveupdate::Design& design, spec::Snapshot* out) {
  const iommufd::Context* ctx = world.kernel.iommufd.contexts.Find(world.kernel.ctx);
  out->iommufd_open = ctx != nullptr;
  out->iommufd_refs = ctx == nullptr ? 0 : ctx->file.value;
  out->iommufd_fds = ctx != nullptr && ctx->fd_open.Peek() ? 1 : 0;
  ObserveObjects(world, out);
  ObserveDomains(world, out);
  ObserveMemory(world, out);
  ObserveRecords(world, design.domain_layout(), out);
  ObserveSessions(world, design, out);
}

}  // namespace iommufd_check::program
