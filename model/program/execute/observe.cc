#include "model/program/execute/observe.h"

#include <algorithm>

#include "model/sim/check.h"
#include "model/spec/record_reader.h"
#include "model/spec/table_reader.h"

namespace iommufd_check::program {
namespace {

using liveupdate::World;

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

// Overwrites a list from its beginning; the views that are there lend their buffers.
template <class View>
class Refill {
 public:
  explicit Refill(std::vector<View>* views) : views_(*views) {}
  ~Refill() { views_.resize(used_); }
  Refill(const Refill&) = delete;
  Refill& operator=(const Refill&) = delete;

  // As it was left, for the caller to overwrite all of it.
  View& Next() {
    if (used_ == views_.size()) views_.emplace_back();
    return views_[used_++];
  }

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
  std::sort(views.begin(), views.end(), [](const View& a, const View& b) { return a.id < b.id; });
}

void ObserveIoas(const World& world, std::vector<spec::IoasView>* out) {
  const iommufd::State& s = world.kernel.iommufd;
  Refill<spec::IoasView> views(out);
  s.ioas.ForEach([&](iommufd::IoasHandle h, const iommufd::Ioas& ioas) {
    if (!Published(world, ioas.object, h)) return;
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
}

void ObserveObjects(const World& world, spec::Snapshot* out) {
  const iommufd::State& s = world.kernel.iommufd;
  ObserveIoas(world, &out->ioas);
  SortById(out->ioas);
  out->hwpts.clear();
  s.hwpts.ForEach([&](iommufd::HwptHandle h, const iommufd::Hwpt& hwpt) {
    if (!Published(world, hwpt.object, h)) return;
    out->hwpts.push_back({hwpt.object.number(), IoasIdOf(world, hwpt.ioas.Peek()),
                          hwpt.domain.Peek().index, hwpt.object.users.value,
                          hwpt.object.wait_cnt.value, hwpt.IsMarked(), hwpt.preserved.Peek(),
                          hwpt.token.Peek()});
  });
  SortById(out->hwpts);
  out->devices.clear();
  s.devices.ForEach([&](iommufd::DeviceHandle h, const iommufd::Device& device) {
    if (!Published(world, device.object, h)) return;
    const iommufd::Hwpt* hwpt = s.hwpts.Find(device.attached.Peek());
    out->devices.push_back({device.object.number(), device.endpoint.Peek(),
                            device.object.users.value, device.object.wait_cnt.value,
                            hwpt == nullptr ? 0u : hwpt->object.number()});
  });
  SortById(out->devices);
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

void ObserveMemory(const World& world, spec::Snapshot* out) {
  Refill<spec::MemfdView> memfds(&out->memfds);
  world.machine.memfds.ForEach([&](mm::MemfdHandle h, const mm::Memfd& memfd) {
    const mm::MemfdState& state = memfd.state.Peek();
    spec::MemfdView& view = memfds.Next();
    view = {.number = h.index,
            .size = state.size,
            .seals = state.seals,
            .frozen = state.frozen,
            .refs = memfd.file.count.value,
            .pages = Emptied(view.pages)};
    view.pages = state.pages;
  });
  out->registered.clear();
  for (mm::Pfn pfn : world.kernel.luo.kho.PreservedPages()) {
    const mm::FrameOwner owner =
        world.machine.phys.Exists(pfn) ? world.machine.phys.at(pfn).owner : mm::FrameOwner::kFree;
    out->registered.emplace_back(pfn, owner);
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
        view.refs = session.file.count.value;
        view.fds = session.file.fd_open.Peek() ? 1 : 0;
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

}  // namespace

namespace {

// A number for each counter, such that no few of them add up to others.
uint64_t NumberOfCounter(const sim::Event& event) {
  constexpr uint64_t kOdd = 0x9e3779b97f4a7c15u;
  uint64_t x = uint64_t{static_cast<uint16_t>(event.object.kind)} << 24 |
               uint64_t{event.object.number} << 8 | event.detail;
  x = (x + 1) * kOdd;
  return (x ^ x >> 31) * kOdd;
}

}  // namespace

bool WroteNothing(std::span<const sim::Event> events) {
  uint64_t taken = 0;  // the counters that were taken, less those that were given back
  for (const sim::Event& event : events) {
    switch (event.primitive) {
      case sim::Primitive::kRefInc:
        taken += NumberOfCounter(event);
        break;
      case sim::Primitive::kRefDec:
        taken -= NumberOfCounter(event);
        break;
      case sim::Primitive::kNote: {
        const auto note = static_cast<sim::Note>(event.detail);
        if (note != sim::Note::kGatePassed && note != sim::Note::kGateRefused) return false;
        break;
      }
      case sim::Primitive::kOpBegin:
      case sim::Primitive::kOpEnd:
      case sim::Primitive::kLock:
      case sim::Primitive::kUnlock:
      case sim::Primitive::kRead:
      case sim::Primitive::kCall:
      case sim::Primitive::kFail:
      case sim::Primitive::kEnter:
        break;
      default:
        return false;
    }
  }
  return taken == 0;
}

void Observer::Observe(const World& world, const liveupdate::Design& design, spec::Snapshot* out) {
  const uint64_t changes = world.machine.phys.changes();
  const mm::PhysAddr flb = world.kernel.luo.flb.Peek().data;
  const bool same_memory = out == last_ && changes == changes_;
  const bool same_records = same_memory && flb == flb_;
  last_ = out;
  changes_ = changes;
  flb_ = flb;
  out->iommufds.clear();
  world.kernel.iommufd.contexts.ForEach([&](iommufd::ContextHandle h, const iommufd::Context& ctx) {
    out->iommufds.push_back({h.index, ctx.file.count.value, ctx.file.fd_open.Peek() ? 1u : 0u});
  });
  ObserveObjects(world, out);
  ObserveDomains(world, same_memory, &out->domains);
  ObserveMemory(world, out);
  out->contract = design.contract();
  ObserveFlb(world, same_records, out);
  ObserveSessions(world, out);
  CountMemfdHolders(world, out);
}

}  // namespace iommufd_check::program
