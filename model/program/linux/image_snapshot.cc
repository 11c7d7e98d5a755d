#include "model/program/linux/image_snapshot.h"

#include <algorithm>
#include <map>
#include <utility>

#include "model/mm/types.h"
#include "model/sim/check.h"
#include "model/spec/table_reader.h"
#include "model/uapi/object_id.h"

namespace iommufd_check::program {
namespace {

class ImageFrames : public spec::Frames {
 public:
  explicit ImageFrames(const linux_host::Machine& machine) : machine_(machine) {}

  mm::FrameOwner Owner(mm::Pfn pfn) const override {
    return machine_.Words(pfn) == nullptr ? mm::FrameOwner::kFree : mm::FrameOwner::kPageTable;
  }
  uint64_t Word(mm::PhysAddr address) const override {
    const uint64_t* words = machine_.Words(mm::PfnOf(address));
    return words == nullptr ? 0 : words[address % mm::kPageSize / sizeof(uint64_t)];
  }
  void Words(mm::Pfn pfn, std::vector<std::pair<uint64_t, uint64_t>>* words) const override {
    words->clear();
    const uint64_t* found = machine_.Words(pfn);
    if (found == nullptr) return;
    for (uint64_t i = 0; i < mm::kPageSize / sizeof(uint64_t); ++i) {
      if (found[i] != 0) words->emplace_back(i, found[i]);
    }
  }

 private:
  const linux_host::Machine& machine_;
};

// Reads one iommufd after the other.
class Reader {
 public:
  Reader(const linux_host::Machine& machine, spec::Snapshot* snapshot)
      : machine_(machine), frames_(machine), snapshot_(*snapshot) {}

  // False: something led astray.
  bool Read(uint16_t iommufd) {
    const linux_host::Machine::Observed observed = machine_.Observe(iommufd);
    if (observed.lost || !observed.exists) return !observed.lost;
    iommufd_ = iommufd;
    snapshot_.iommufds.push_back({.number = iommufd, .fds = observed.fd_open ? 1u : 0u});
    const size_t before = snapshot_.domains.size();
    for (const struct linux_object& object : observed.objects) AddObject(object);
    for (const struct linux_area& area : observed.areas) AddArea(area);
    for (size_t i = before; i < snapshot_.domains.size(); ++i) {
      spec::IoasView* ioas = FindIoas(snapshot_.domains[i].ioas);
      if (ioas == nullptr) return false;
      ioas->domains.push_back(snapshot_.domains[i].number);
    }
    return true;
  }

 private:
  uint32_t NumberOf(uint32_t id) const { return id == 0 ? 0 : uapi::NumberOf(iommufd_, id); }

  spec::IoasView* FindIoas(uint32_t id) {
    const auto found = std::find_if(snapshot_.ioas.begin(), snapshot_.ioas.end(),
                                    [&](const spec::IoasView& view) { return view.id == id; });
    return found == snapshot_.ioas.end() ? nullptr : &*found;
  }

  void AddObject(const struct linux_object& object) {
    const uint32_t id = NumberOf(object.id);
    switch (object.kind) {
      case LINUX_IOAS:
        snapshot_.ioas.push_back({.id = id, .users = object.users, .alignment = object.alignment});
        return;
      case LINUX_HWPT:
        snapshot_.hwpts.push_back({.id = id,
                                   .ioas = NumberOf(object.target),
                                   .domain = AddDomain(object),
                                   .users = object.users});
        return;
      case LINUX_DEVICE:
        snapshot_.devices.push_back({.id = id,
                                     .endpoint = static_cast<uint16_t>(object.device),
                                     .users = object.users,
                                     .attached = NumberOf(object.target)});
        return;
      case LINUX_OTHER:
        return;
    }
  }

  uint16_t AddDomain(const struct linux_object& hwpt) {
    spec::DomainView domain{.number = static_cast<uint16_t>(snapshot_.domains.size()),
                            .ioas = NumberOf(hwpt.target),
                            .top = hwpt.top};
    ReadTables(frames_, domain.top, &domain.tables, &domain.leaves);
    snapshot_.domains.push_back(std::move(domain));
    return snapshot_.domains.back().number;
  }

  void AddArea(const struct linux_area& area) {
    spec::AreaView view{.first = area.first, .last = area.last, .permissions = area.permissions};
    view.finished = area.finished != 0;
    if (view.finished) {
      view.source_page = area.address / mm::kPageSize;
      view.page_offset = static_cast<uint32_t>(area.address % mm::kPageSize);
      view.pages = area.pages;
      view.writable = area.writable != 0;
      const auto next = static_cast<uint16_t>(backings_.size());
      view.backing = backings_.emplace(area.backing, next).first->second;
    }
    spec::IoasView* ioas = FindIoas(NumberOf(area.ioas));
    IOMMUFD_CHECK(ioas != nullptr, "areas come behind their IOAS");
    ioas->areas.push_back(view);
  }

  const linux_host::Machine& machine_;
  const ImageFrames frames_;
  spec::Snapshot& snapshot_;
  uint16_t iommufd_ = 0;
  std::map<const void*, uint16_t> backings_;  // numbered as they are seen
};

}  // namespace

void AddMemfdsOfBoot(const Boot& boot, spec::Snapshot* snapshot) {
  for (uint16_t i = 0; i < boot.memfds; ++i) {
    snapshot->memfds.push_back({.number = i, .size = uint64_t{boot.memfd_pages} * mm::kPageSize});
  }
}

bool ObserveImage(const linux_host::Machine& machine, const Boot& boot, spec::Snapshot* snapshot) {
  *snapshot = {};
  Reader reader(machine, snapshot);
  bool whole = true;
  for (uint16_t i = 0; i < boot.iommufds; ++i) whole = reader.Read(i) && whole;
  AddMemfdsOfBoot(boot, snapshot);
  return whole;
}

}  // namespace iommufd_check::program
