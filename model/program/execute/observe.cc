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
template <class T>
bool Published(const World& world, const iommufd::Object& object, sim::Handle<T> h) {
  const iommufd::Context* ctx =
      world.kernel.iommufd.contexts.Find(iommufd::IommufdAt(object.iommufd));
  const uint32_t id = object.id;
  if (ctx == nullptr || id == 0 || id > ctx->objects.Peek().size()) return false;
  const iommufd::TableEntry& entry = ctx->objects.Peek()[id - 1];
  return entry.state == iommufd::TableEntry::State::kPublished &&
         entry.type == iommufd::kTypeOf<T> && entry.slot == h.index &&
         entry.generation == h.generation;
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

// True: it was another value.
template <class T>
bool Assign(T* to, const T& value) {
  if (*to == value) return false;
  *to = value;
  return true;
}

// Overwrites a list from its beginning, and knows whether that changes it.
template <class View>
class Refill {
 public:
  explicit Refill(std::vector<View>* views) : views_(*views) {}

  void Put(const View& view) { changed_ |= Assign(&Next(), view); }
  // As it was left, for the caller to overwrite all of it, keeping its buffers, and to say whether
  // that has changed it.
  View& Next() {
    if (used_ == views_.size()) {
      views_.emplace_back();
      changed_ = true;
    }
    return views_[used_++];
  }
  void Said(bool changed) { changed_ |= changed; }
  // The list is what was overwritten. True: it was another list.
  bool Done() {
    changed_ |= used_ != views_.size();
    views_.resize(used_);
    return changed_;
  }

 private:
  std::vector<View>& views_;
  size_t used_ = 0;
  bool changed_ = false;
};

template <class View>
void SortById(std::vector<View>& views) {
  const auto by_id = [](const View& a, const View& b) { return a.id < b.id; };
  if (!std::is_sorted(views.begin(), views.end(), by_id)) {
    std::sort(views.begin(), views.end(), by_id);
  }
}

bool ObserveOne(const World& world, const iommufd::Ioas& ioas, spec::IoasView* view) {
  Refill<spec::AreaView> areas(&view->areas);
  for (iommufd::AreaHandle area : ioas.iopt.areas.Peek()) {
    areas.Put(ViewOf(world, *world.kernel.iommufd.areas.Find(area)));
  }
  Refill<uint16_t> domains(&view->domains);
  for (iommu::DomainHandle d : ioas.iopt.domains.Peek()) domains.Put(d.index);
  bool changed = areas.Done();
  changed |= domains.Done();
  changed |= Assign(&view->id, uint32_t{ioas.object.number()});
  changed |= Assign(&view->users, ioas.object.users.value);
  changed |= Assign(&view->wait_cnt, ioas.object.wait_cnt.value);
  changed |= Assign(&view->immutable, ioas.iopt.immutable.Peek());
  changed |= Assign(&view->alignment, ioas.iopt.iova_alignment.Peek());
  return changed;
}

// Each of these returns whether it found another list than that of last time.
bool ObserveIoas(const World& world, std::vector<spec::IoasView>* out) {
  Refill<spec::IoasView> views(out);
  world.kernel.iommufd.ioas.ForEach([&](iommufd::IoasHandle h, const iommufd::Ioas& ioas) {
    if (!Published(world, ioas.object, h)) return;
    views.Said(ObserveOne(world, ioas, &views.Next()));
  });
  const bool changed = views.Done();
  SortById(*out);
  return changed;
}

bool ObserveIommufds(const World& world, std::vector<spec::IommufdView>* out) {
  Refill<spec::IommufdView> views(out);
  world.kernel.iommufd.contexts.ForEach([&](iommufd::ContextHandle h, const iommufd::Context& ctx) {
    views.Put({h.index, ctx.file.count.value, ctx.file.fd_open.Peek() ? 1u : 0u});
  });
  return views.Done();
}

bool ObserveHwpts(const World& world, std::vector<spec::HwptView>* out) {
  Refill<spec::HwptView> views(out);
  world.kernel.iommufd.hwpts.ForEach([&](iommufd::HwptHandle h, const iommufd::Hwpt& hwpt) {
    if (!Published(world, hwpt.object, h)) return;
    views.Put({hwpt.object.number(), IoasIdOf(world, hwpt.ioas.Peek()), hwpt.domain.Peek().index,
               hwpt.object.users.value, hwpt.object.wait_cnt.value, hwpt.IsMarked(),
               hwpt.preserved.Peek(), hwpt.token.Peek()});
  });
  const bool changed = views.Done();
  SortById(*out);
  return changed;
}

bool ObserveDevices(const World& world, std::vector<spec::DeviceView>* out) {
  const iommufd::State& s = world.kernel.iommufd;
  Refill<spec::DeviceView> views(out);
  s.devices.ForEach([&](iommufd::DeviceHandle h, const iommufd::Device& device) {
    if (!Published(world, device.object, h)) return;
    const iommufd::Hwpt* hwpt = s.hwpts.Find(device.attached.Peek());
    views.Put({device.object.number(), device.endpoint.Peek(), device.object.users.value,
               device.object.wait_cnt.value, hwpt == nullptr ? 0u : hwpt->object.number()});
  });
  const bool changed = views.Done();
  SortById(*out);
  return changed;
}

uint32_t IoasOfDomain(const World& world, iommu::DomainHandle domain) {
  uint32_t ioas = 0;
  world.kernel.iommufd.hwpts.ForEach([&](iommufd::HwptHandle, const iommufd::Hwpt& hwpt) {
    if (hwpt.domain.Peek() == domain) ioas = IoasIdOf(world, hwpt.ioas.Peek());
  });
  return ioas;
}

// `same_memory`: what the views say of frames was read from these.
bool ObserveDomains(const World& world, bool same_memory, std::vector<spec::DomainView>* out) {
  const MachineFrames frames(world.machine.phys);
  Refill<spec::DomainView> views(out);
  world.iommu.domains.ForEach([&](iommu::DomainHandle h, const iommu::Domain& domain) {
    spec::DomainView& view = views.Next();
    const bool walked = same_memory && view.top == domain.top.Peek() && view.top != 0;
    bool changed = Assign(&view.number, h.index);
    changed |= Assign(&view.ioas, IoasOfDomain(world, h));
    changed |= Assign(&view.top, domain.top.Peek());
    changed |= Assign(&view.preserved_state, domain.preserved_state.Peek());
    if (!walked) spec::ReadTables(frames, view.top, &view.tables, &view.leaves);
    views.Said(changed || !walked);
  });
  return views.Done();
}

// Descriptors of memfds stay open to the end; each pages object and each session holds the file.
// REQUIRES: the sessions are those of now.
uint32_t HoldersOf(const World& world, uint16_t memfd, const spec::Snapshot& now) {
  uint32_t holders = 1;
  world.kernel.iommufd.pages.ForEach([&](iommufd::PagesHandle, const iommufd::Pages& pages) {
    const iommufd::PagesShape& shape = pages.shape.Peek();
    holders += shape.is_file() && shape.memfd.index == memfd ? 1 : 0;
  });
  for (const spec::SessionView& session : now.sessions) {
    for (const spec::FileView& file : session.files) {
      const bool is_memfd = file.file.kind == mm::FileRef::Kind::kMemfd;
      holders += is_memfd && file.file.index == memfd ? 1 : 0;
    }
  }
  return holders;
}

bool ObserveMemfds(const World& world, spec::Snapshot* out) {
  Refill<spec::MemfdView> memfds(&out->memfds);
  world.machine.memfds.ForEach([&](mm::MemfdHandle h, const mm::Memfd& memfd) {
    const mm::MemfdState& state = memfd.state.Peek();
    spec::MemfdView& view = memfds.Next();
    bool changed = Assign(&view.number, h.index);
    changed |= Assign(&view.size, state.size);
    changed |= Assign(&view.seals, state.seals);
    changed |= Assign(&view.frozen, state.frozen);
    changed |= Assign(&view.refs, memfd.file.count.value);
    changed |= Assign(&view.holders, HoldersOf(world, h.index, *out));
    changed |= Assign(&view.pages, state.pages);
    memfds.Said(changed);
  });
  return memfds.Done();
}

bool ObserveRegistered(const World& world, std::vector<std::pair<mm::Pfn, mm::FrameOwner>>* out) {
  Refill<std::pair<mm::Pfn, mm::FrameOwner>> pages(out);
  for (mm::Pfn pfn : world.kernel.luo.kho.PreservedPages()) {
    const mm::FrameOwner owner =
        world.machine.phys.Exists(pfn) ? world.machine.phys.at(pfn).owner : mm::FrameOwner::kFree;
    pages.Put({pfn, owner});
  }
  return pages.Done();
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

// Records are not compared with those of last time: who reads them again says that they changed.
bool ObserveFlb(const World& world, bool same_records, spec::Snapshot* out) {
  const liveupdate::FlbOutgoing& flb = world.kernel.luo.flb.Peek();
  bool changed = Assign(&out->flb_count, flb.count);
  changed |= Assign(&out->flb_present, flb.data != 0);
  if (same_records) return changed;
  spec::ReadDomainRecords(MachineFrames(world.machine.phys), out->contract.abi, flb.data,
                          &out->domain_records);
  return true;
}

// As records.
bool ObserveSessions(const World& world, spec::Snapshot* out) {
  const MachineFrames frames(world.machine.phys);
  const bool none = out->sessions.empty();
  out->sessions.clear();
  world.kernel.luo.sessions.ForEach(
      [&](liveupdate::SessionHandle h, const liveupdate::Session& session) {
        spec::SessionView& view = out->sessions.emplace_back();
        view.number = h.index;
        view.name = session.name.Peek();
        view.refs = session.file.count.value;
        view.fds = session.file.fd_open.Peek() ? 1 : 0;
        for (const liveupdate::LuoFile& file : session.files.Peek()) {
          view.files.push_back(ViewOf(frames, out->contract, file));
        }
      });
  return !none || !out->sessions.empty();
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
  out->contract = design.contract();
  const PartSet parts = !known ? spec::kAllParts : same_memory ? written : written | kOfMemory;
  PartSet changed = known ? spec::kNoPart : spec::kAllParts;
  const auto look = [&](Part part, auto&& observe) {
    if (spec::Contains(parts, part) && observe()) changed |= Only(part);
  };
  look(Part::kIommufds, [&] { return ObserveIommufds(world, &out->iommufds); });
  look(Part::kIoas, [&] { return ObserveIoas(world, &out->ioas); });
  look(Part::kHwpts, [&] { return ObserveHwpts(world, &out->hwpts); });
  look(Part::kDevices, [&] { return ObserveDevices(world, &out->devices); });
  look(Part::kDomains, [&] { return ObserveDomains(world, same_memory, &out->domains); });
  look(Part::kRegistered, [&] { return ObserveRegistered(world, &out->registered); });
  look(Part::kRecords, [&] { return ObserveFlb(world, same_records, out); });
  look(Part::kSessions, [&] { return ObserveSessions(world, out); });
  look(Part::kMemfds, [&] { return ObserveMemfds(world, out); });
  return changed;
}

}  // namespace iommufd_check::program
