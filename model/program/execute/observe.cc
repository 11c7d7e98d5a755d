#include "model/program/execute/observe.h"

#include <algorithm>

#include "model/sim/check.h"
#include "model/spec/record_reader.h"
#include "model/spec/table_reader.h"

namespace iommufd_check::program {
namespace {

using liveupdate::World;
using spec::Only;
using spec::Part;
using spec::PartSet;

class MachineFrames : public spec::Frames {
 public:
  explicit MachineFrames(const mm::PhysMemory& phys) : phys_(phys) {}

  mm::FrameOwner Owner(mm::Pfn pfn) const override {
    return phys_.Exists(pfn) ? phys_.at(pfn).owner : mm::FrameOwner::kFree;
  }
  uint64_t Word(mm::PhysAddr address) const override { return phys_.ReadWord(address); }
  void Words(mm::Pfn pfn, std::vector<std::pair<uint64_t, uint64_t>>* words) const override {
    words->clear();
    phys_.ForEachWord(pfn,
                      [&](uint64_t index, uint64_t value) { words->emplace_back(index, value); });
  }

 private:
  const mm::PhysMemory& phys_;
};

uint32_t IoasIdOf(const World& world, iommufd::IoasHandle h) {
  const iommufd::Ioas* ioas = world.kernel.iommufd.ioas.Find(h);
  return ioas == nullptr ? 0 : ioas->object.number();
}

// The id may be another object's while this one is on its way out.
template <class Handle>
bool Published(const World& world, const iommufd::Object& object, Handle h,
               iommufd::ObjectType type) {
  const iommufd::Context* ctx =
      world.kernel.iommufd.contexts.Find(iommufd::IommufdAt(object.iommufd));
  const uint32_t id = object.id;
  if (ctx == nullptr || id == 0 || id > ctx->objects.Peek().size()) return false;
  const iommufd::TableEntry& entry = ctx->objects.Peek()[id - 1];
  return entry.state == iommufd::TableEntry::State::kPublished && entry.type == type &&
         entry.slot == h.index && entry.generation == h.generation;
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
  const uint64_t base = view.is_file ? shape.first_page : shape.user_address >> mm::kPageShift;
  view.source_page = base + area.shape.Peek().first_index;
  view.page_offset = area.shape.Peek().page_offset;
  view.pages = area.shape.Peek().npages();
  view.backing = area.pages.Peek().index;
  view.writable = shape.writable;
  view.seals = pages->seals.Peek();
  return view;
}

// Overwrites a list from its beginning; the views that are there lend their buffers.
template <class View>
class Refill {
 public:
  explicit Refill(std::vector<View>* views) : views_(*views) {}
  ~Refill() { Done(); }
  Refill(const Refill&) = delete;
  Refill& operator=(const Refill&) = delete;

  // As it was left, for the caller to overwrite all of it.
  View& Next() {
    if (used_ == views_.size()) views_.emplace_back();
    return views_[used_++];
  }
  // The list is what was overwritten.
  void Done() { views_.resize(used_); }

 private:
  std::vector<View>& views_;
  size_t used_ = 0;
};

// The buffer of a list, empty.
template <class T>
std::vector<T> Emptied(std::vector<T>& list) {
  list.clear();
  return std::move(list);
}

template <class View>
void SortById(std::vector<View>& views) {
  const auto by_id = [](const View& a, const View& b) { return a.id < b.id; };
  if (!std::is_sorted(views.begin(), views.end(), by_id)) {
    std::sort(views.begin(), views.end(), by_id);
  }
}

void ObserveIoas(const World& world, std::vector<spec::IoasView>* out) {
  const iommufd::State& s = world.kernel.iommufd;
  Refill<spec::IoasView> views(out);
  s.ioas.ForEach([&](iommufd::IoasHandle h, const iommufd::Ioas& ioas) {
    if (!Published(world, ioas.object, h, iommufd::ObjectType::kIoas)) return;
    spec::IoasView& view = views.Next();
    view = {.id = ioas.object.number(),
            .users = ioas.object.users.value,
            .wait_cnt = ioas.object.wait_cnt.value,
            .immutable = ioas.iopt.immutable.Peek(),
            .alignment = ioas.iopt.iova_alignment.Peek(),
            .areas = Emptied(view.areas),
            .domains = Emptied(view.domains)};
    for (iommufd::AreaHandle area : ioas.iopt.areas.Peek()) {
      view.areas.push_back(ViewOf(world, *s.areas.Find(area)));
    }
    for (iommu::DomainHandle d : ioas.iopt.domains.Peek()) view.domains.push_back(d.index);
  });
  views.Done();
  SortById(*out);
}

void ObserveIommufds(const World& world, std::vector<spec::IommufdView>* out) {
  out->clear();
  world.kernel.iommufd.contexts.ForEach([&](iommufd::ContextHandle h, const iommufd::Context& ctx) {
    out->push_back({h.index, ctx.file.value, ctx.fd_open.Peek() ? 1u : 0u});
  });
}

void ObserveHwpts(const World& world, std::vector<spec::HwptView>* out) {
  const iommufd::State& s = world.kernel.iommufd;
  out->clear();
  s.hwpts.ForEach([&](iommufd::HwptHandle h, const iommufd::Hwpt& hwpt) {
    if (!Published(world, hwpt.object, h, iommufd::ObjectType::kHwptPaging)) return;
    out->push_back({hwpt.object.number(), IoasIdOf(world, hwpt.ioas.Peek()),
                    hwpt.domain.Peek().index, hwpt.object.users.value, hwpt.object.wait_cnt.value,
                    hwpt.IsMarked(), hwpt.preserved.Peek(), hwpt.token.Peek()});
  });
  SortById(*out);
}

void ObserveDevices(const World& world, std::vector<spec::DeviceView>* out) {
  const iommufd::State& s = world.kernel.iommufd;
  out->clear();
  s.devices.ForEach([&](iommufd::DeviceHandle h, const iommufd::Device& device) {
    if (!Published(world, device.object, h, iommufd::ObjectType::kDevice)) return;
    const iommufd::Hwpt* hwpt = s.hwpts.Find(device.attached.Peek());
    out->push_back({device.object.number(), device.endpoint.Peek(), device.object.users.value,
                    device.object.wait_cnt.value, hwpt == nullptr ? 0u : hwpt->object.number()});
  });
  SortById(*out);
}

uint32_t IoasOfDomain(const World& world, iommu::DomainHandle domain) {
  uint32_t ioas = 0;
  world.kernel.iommufd.hwpts.ForEach([&](iommufd::HwptHandle, const iommufd::Hwpt& hwpt) {
    if (hwpt.domain.Peek() == domain) ioas = IoasIdOf(world, hwpt.ioas.Peek());
  });
  return ioas;
}

// `same_memory`: what the views say of frames was read from these.
void ObserveDomains(const World& world, bool same_memory, std::vector<spec::DomainView>* out) {
  const MachineFrames frames(world.machine.phys);
  Refill<spec::DomainView> views(out);
  world.iommu.domains.ForEach([&](iommu::DomainHandle h, const iommu::Domain& domain) {
    spec::DomainView& view = views.Next();
    const bool walked = same_memory && view.top == domain.top.Peek() && view.top != 0;
    view.number = h.index;
    view.ioas = IoasOfDomain(world, h);
    view.top = domain.top.Peek();
    view.preserved_state = domain.preserved_state.Peek();
    if (!walked) spec::ReadTables(frames, view.top, &view.tables, &view.leaves);
  });
}

void ObserveMemfds(const World& world, std::vector<spec::MemfdView>* out) {
  Refill<spec::MemfdView> memfds(out);
  world.machine.memfds.ForEach([&](mm::MemfdHandle h, const mm::Memfd& memfd) {
    const mm::MemfdState& state = memfd.state.Peek();
    spec::MemfdView& view = memfds.Next();
    view = {.number = h.index,
            .size = state.size,
            .seals = state.seals,
            .frozen = state.frozen,
            .refs = memfd.file.value,
            .pages = Emptied(view.pages)};
    view.pages = state.pages;
  });
}

void ObserveRegistered(const World& world, std::vector<std::pair<mm::Pfn, mm::FrameOwner>>* out) {
  out->clear();
  for (mm::Pfn pfn : world.kernel.luo.kho.PreservedPages()) {
    const mm::FrameOwner owner =
        world.machine.phys.Exists(pfn) ? world.machine.phys.at(pfn).owner : mm::FrameOwner::kFree;
    out->emplace_back(pfn, owner);
  }
}

spec::FileView ViewOf(const spec::Frames& frames, const uapi::Contract& contract,
                      const liveupdate::LuoFile& file) {
  spec::FileView view;
  view.token = file.token;
  view.file = file.file;
  if (file.file.kind == mm::FileRef::Kind::kMemfd) {
    spec::ReadMemfdFile(frames, file.data, &view);
  } else {
    spec::ReadIommufdFile(frames, contract.abi, file.data, &view);
  }
  return view;
}

void ObserveFlb(const World& world, bool same_records, spec::Snapshot* out) {
  const liveupdate::FlbOutgoing& flb = world.kernel.luo.flb.Peek();
  out->flb_count = flb.count;
  out->flb_present = flb.data != 0;
  if (same_records) return;
  spec::ReadDomainRecords(MachineFrames(world.machine.phys), out->contract.abi, flb.data,
                          &out->domain_records);
}

void ObserveSessions(const World& world, spec::Snapshot* out) {
  const MachineFrames frames(world.machine.phys);
  out->sessions.clear();
  world.kernel.luo.sessions.ForEach(
      [&](liveupdate::SessionHandle h, const liveupdate::Session& session) {
        spec::SessionView& view = out->sessions.emplace_back();
        view.number = h.index;
        view.name = session.name.Peek();
        view.refs = session.file.value;
        view.fds = session.fd_open.Peek() ? 1 : 0;
        for (const liveupdate::LuoFile& file : session.files.Peek()) {
          view.files.push_back(ViewOf(frames, out->contract, file));
        }
      });
}

// Descriptors of memfds stay open to the end; each pages object and each session holds the file.
void CountMemfdHolders(const World& world, spec::Snapshot* out) {
  for (spec::MemfdView& view : out->memfds) {
    view.holders = 1;
    world.kernel.iommufd.pages.ForEach([&](iommufd::PagesHandle, const iommufd::Pages& pages) {
      const iommufd::PagesShape& shape = pages.shape.Peek();
      view.holders += shape.is_file() && shape.memfd.index == view.number ? 1 : 0;
    });
    for (const spec::SessionView& session : out->sessions) {
      for (const spec::FileView& file : session.files) {
        const bool memfd = file.file.kind == mm::FileRef::Kind::kMemfd;
        view.holders += memfd && file.file.index == view.number ? 1 : 0;
      }
    }
  }
}

// What is read out of memory.
constexpr PartSet kOfMemory =
    Only(Part::kDomains) | Only(Part::kSessions) | Only(Part::kRegistered) | Only(Part::kRecords);

}  // namespace

PartSet Observer::Observe(const World& world, const liveupdate::Design& design, spec::Snapshot* out,
                          PartSet written) {
  const uint64_t changes = world.machine.phys.changes();
  const bool known = out == last_;
  const bool same_memory = known && changes == changes_;
  const mm::PhysAddr flb = world.kernel.luo.flb.Peek().data;
  const bool same_records = same_memory && flb == flb_;
  last_ = out;
  changes_ = changes;
  flb_ = flb;
  const PartSet parts = !known ? spec::kAllParts : same_memory ? written : written | kOfMemory;
  const auto read = [&](Part part) { return spec::Contains(parts, part); };
  if (read(Part::kIommufds)) ObserveIommufds(world, &out->iommufds);
  if (read(Part::kIoas)) ObserveIoas(world, &out->ioas);
  if (read(Part::kHwpts)) ObserveHwpts(world, &out->hwpts);
  if (read(Part::kDevices)) ObserveDevices(world, &out->devices);
  if (read(Part::kDomains)) ObserveDomains(world, same_memory, &out->domains);
  if (read(Part::kMemfds)) ObserveMemfds(world, &out->memfds);
  if (read(Part::kRegistered)) ObserveRegistered(world, &out->registered);
  out->contract = design.contract();
  if (read(Part::kRecords)) ObserveFlb(world, same_records, out);
  if (read(Part::kSessions)) ObserveSessions(world, out);
  if (read(Part::kMemfds)) CountMemfdHolders(world, out);
  return parts;
}

}  // namespace iommufd_check::program
