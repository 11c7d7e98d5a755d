// The state behind a snapshot. It takes over whatever the machine shows, sound or not: judging is
// Compare's part, and the invariants'.
#include <algorithm>
#include <optional>
#include <tuple>

#include "model/sim/check.h"
#include "model/spec/oracle/oracle_rules.h"

namespace iommufd_check::spec::oracle {
namespace {

// Versions of pages that are mapped but no longer at their offset, by (memfd, page, pfn).
using Removed = std::map<std::tuple<uint16_t, uint64_t, Pfn>, uint64_t>;

std::optional<Pfn> PfnAt(const MemfdView* memfd, uint64_t page) {
  if (memfd == nullptr) return std::nullopt;
  const auto it =
      std::lower_bound(memfd->pages.begin(), memfd->pages.end(), page,
                       [](const auto& entry, uint64_t index) { return entry.first < index; });
  if (it == memfd->pages.end() || it->first != page) return std::nullopt;
  return it->second;
}

std::optional<Pfn> PfnAt(const DomainView& domain, Iova iova) {
  const auto it = std::lower_bound(domain.leaves.begin(), domain.leaves.end(), iova,
                                   [](const LeafView& leaf, Iova i) { return leaf.iova < i; });
  if (it == domain.leaves.end() || it->iova != iova) return std::nullopt;
  return it->pfn;
}

Area AreaOf(const AreaView& view) {
  IOMMUFD_CHECK(view.last >= view.first, "an area has at least one byte");
  Area area;
  area.first = view.first;
  area.last = view.last;
  area.permissions = view.permissions;
  area.finished = view.finished;
  area.is_file = view.is_file;
  area.memfd = view.is_file ? view.memfd : uint16_t{0};
  area.start = (view.source_page << mm::kPageShift) + view.page_offset;
  area.pages = view.pages;
  area.writable = view.writable;
  // By the numbers of the machine for now; 0 is one of them.
  area.sharing = view.backing == kNoBacking ? 0 : view.backing + 1u;
  return area;
}

// The version of each page that the domain maps for this area.
void FindVersions(const Snapshot& observed, const DomainView& domain, State& state,
                  Removed& removed, Area& area) {
  if (!area.is_file || !area.finished) return;
  const MemfdView* memfd = observed.FindMemfd(area.memfd);
  for (uint64_t i = 0; i < area.pages; ++i) {
    const uint64_t page = area.first_page() + i;
    const std::optional<Pfn> mapped = PfnAt(domain, area.first + i * mm::kPageSize);
    uint64_t version = 0;
    if (!mapped.has_value() || mapped != PfnAt(memfd, page)) {
      uint64_t& known = removed[{area.memfd, page, mapped.value_or(0)}];
      if (known == 0) known = ++state.last_version;
      version = known;
    }
    area.versions.push_back(version);
  }
}

void AddIoas(const Snapshot& observed, const IoasView& view, State& state, Removed& removed) {
  const auto hwpt = std::find_if(observed.hwpts.begin(), observed.hwpts.end(),
                                 [&](const HwptView& h) { return h.ioas == view.id; });
  const DomainView nothing;
  const DomainView* domain = nullptr;
  if (hwpt != observed.hwpts.end()) domain = observed.FindDomain(hwpt->domain);
  Ioas ioas;
  for (const AreaView& each : view.areas) {
    Area area = AreaOf(each);
    if (hwpt != observed.hwpts.end()) {
      FindVersions(observed, domain == nullptr ? nothing : *domain, state, removed, area);
    }
    ioas.areas[area.first] = area;
  }
  state.ioas[view.id] = ioas;
}

void AddObjects(const Snapshot& observed, State& state) {
  Removed removed;
  for (const IoasView& view : observed.ioas) AddIoas(observed, view, state, removed);
  for (const HwptView& view : observed.hwpts) {
    Hwpt& hwpt = state.hwpts[view.id];
    hwpt.ioas = view.ioas;
    if (view.marked) hwpt.mark = view.token;
    const DomainView* domain = observed.FindDomain(view.domain);
    const auto iommufd = static_cast<uint16_t>(uapi::IommufdOf(view.id));
    const bool of_domain = domain != nullptr && domain->preserved_state != 0;
    hwpt.preserved = of_domain && state.IommufdPreserved(iommufd);
  }
  for (const DeviceView& view : observed.devices) {
    state.devices[view.id] = Device{view.endpoint, view.attached};
  }
}

}  // namespace

State StateOf(const Snapshot& observed) {
  State state;
  for (const IommufdView& view : observed.iommufds) {
    state.iommufds[view.number] = {.context = true, .fd_open = view.fds > 0};
  }
  for (const MemfdView& view : observed.memfds) {
    state.memfds[view.number] = Memfd{view.size, view.seals, view.frozen, {}};
  }
  for (const SessionView& view : observed.sessions) {
    Session& session = state.sessions[view.number];
    session.name = view.name;
    for (const FileView& file : view.files) {
      session.files.push_back(
          File{file.token, file.file, file.serialized_size, file.serialized_seals});
    }
  }
  AddObjects(observed, state);
  NumberSharing(state);
  IOMMUFD_CHECK(!state.ioas.contains(0), "0 is not an id");
  return state;
}

}  // namespace iommufd_check::spec::oracle
