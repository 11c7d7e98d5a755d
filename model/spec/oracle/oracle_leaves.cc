#include "model/spec/oracle/oracle_leaves.h"

#include <algorithm>
#include <tuple>

#include "absl/container/btree_map.h"
#include "model/sim/check.h"

namespace iommufd_check::spec::oracle {
namespace {

// A page by what the process knows of it: of user memory, or of a memfd (with its version).
struct PageName {
  bool is_file = false;
  uint16_t memfd = 0;
  uint64_t page = 0;
  uint64_t version = 0;
  friend auto operator<=>(const PageName&, const PageName&) = default;
};

std::string Text(const PageName& name) {
  const std::string page = std::to_string(name.page);
  if (!name.is_file) return "user page " + Hex(name.page);
  return "memfd " + std::to_string(name.memfd) + " page " + page;
}

// One pfn for each page and one page for each pfn.
class Pages {
 public:
  // The contradiction with what was said before, or empty.
  std::string Add(const PageName& name, Pfn pfn) {
    const auto by_name = pfns_.emplace(name, pfn);
    if (by_name.first->second != pfn) {
      return Text(name) + " is pfn " + Hex(pfn) + " and pfn " + Hex(by_name.first->second);
    }
    const auto by_pfn = names_.emplace(pfn, name);
    if (by_pfn.first->second == name) return "";
    return "pfn " + Hex(pfn) + " is " + Text(name) + " and " + Text(by_pfn.first->second);
  }

  // The pfn of a page, 0 when it is nowhere.
  Pfn Find(const PageName& name) const {
    const auto it = pfns_.find(name);
    return it == pfns_.end() ? 0 : it->second;
  }

 private:
  absl::btree_map<PageName, Pfn> pfns_;
  absl::btree_map<Pfn, PageName> names_;
};

PageName NameOf(const Area& area, uint64_t index) {
  PageName name{.is_file = area.is_file, .memfd = area.memfd, .page = area.first_page() + index};
  if (!area.is_file) return name;
  IOMMUFD_CHECK(index < area.versions.size(), "areas below a HWPT are pinned");
  name.version = area.versions[index];
  return name;
}

// One leaf of file memory against the page cache as it is now, and against other leaves.
std::string FilePageDifference(const State& state, const PageName& name, Pages& pages, Pfn pfn) {
  IOMMUFD_CHECK(name.is_file, "only files have a page cache");
  const auto memfd = state.memfds.find(name.memfd);
  if (memfd == state.memfds.end()) return "maps a file that is gone";
  PageName now = name;
  now.version = memfd->second.VersionOf(name.page);
  const Pfn cached = pages.Find(now);
  if (now == name && cached == pfn) return "";  // which the pages have
  if (now != name && cached != pfn) return pages.Add(name, pfn);
  const std::string maps = "maps pfn " + Hex(pfn) + ", ";
  if (now != name) return maps + "put at " + Text(now) + " after it was pinned";
  return maps + Text(now) + (cached == 0 ? " is a hole" : " is pfn " + Hex(cached));
}

std::string LeafDifference(const State& state, const Area& area, uint64_t index,
                           const LeafView& leaf, Pages& pages) {
  if (leaf.permissions != area.permissions) {
    return "permissions " + std::to_string(leaf.permissions) + ", expected " +
           std::to_string(area.permissions);
  }
  const PageName name = NameOf(area, index);
  return area.is_file ? FilePageDifference(state, name, pages, leaf.pfn)
                      : pages.Add(name, leaf.pfn);
}

// The leaves of one domain are the pages of the finished areas, in order.
std::string DomainDifference(const State& state, const Ioas& ioas, const DomainView& domain,
                             const std::string& where, Pages& pages) {
  auto leaf = domain.leaves.begin();
  for (const auto& [first, area] : ioas.areas) {
    if (!area.finished) continue;
    for (uint64_t i = 0; i < area.pages; ++i, ++leaf) {
      const Iova iova = first + i * mm::kPageSize;
      if (leaf == domain.leaves.end() || leaf->iova > iova) {
        return where + "leaf " + Hex(iova) + " missing";
      }
      std::string difference =
          leaf->iova < iova ? "unexpected" : LeafDifference(state, area, i, *leaf, pages);
      if (!difference.empty()) return where + "leaf " + Hex(leaf->iova) + " " + difference;
    }
  }
  if (leaf == domain.leaves.end()) return "";
  return where + "leaf " + Hex(leaf->iova) + " unexpected";
}

std::string AddPageCaches(const State& state, const Snapshot& observed, Pages& pages) {
  for (const MemfdView& view : observed.memfds) {
    const Memfd& memfd = state.memfds.at(view.number);
    for (const auto& [page, pfn] : view.pages) {
      const std::string contradiction =
          pages.Add(PageName{true, view.number, page, memfd.VersionOf(page)}, pfn);
      if (!contradiction.empty()) return contradiction;
    }
  }
  return "";
}

}  // namespace

std::string LeavesDifference(const State& state, const Snapshot& observed) {
  Pages pages;
  std::string difference = AddPageCaches(state, observed, pages);
  for (const HwptView& view : observed.hwpts) {
    if (!difference.empty()) return difference;
    const std::string where = "hwpt " + uapi::NumberText(view.id) + ": ";
    const auto ioas = state.ioas.find(view.ioas);
    if (ioas == state.ioas.end()) return where + "its ioas is gone";
    const IoasView* ioas_view = observed.FindIoas(view.ioas);
    const DomainView* domain = observed.FindDomain(view.domain);
    if (domain == nullptr) return where + "its domain is gone";
    if (ioas_view == nullptr ||
        std::count(ioas_view->domains.begin(), ioas_view->domains.end(), view.domain) != 1) {
      return where + "its domain is not in ioas " + uapi::NumberText(view.ioas);
    }
    difference = DomainDifference(state, ioas->second, *domain, where, pages);
  }
  return difference;
}

}  // namespace iommufd_check::spec::oracle
