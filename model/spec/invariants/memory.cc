// I14 to I17: the memory below preserved domains is handed over, page by page, by memfds that stay
// as they are.
#include <algorithm>

#include "model/spec/invariants/families.h"
#include "model/spec/invariants/refs.h"

namespace iommufd_check::spec {
namespace {

// F_SEAL_SEAL, F_SEAL_SHRINK and F_SEAL_GROW (designs.md section 5, step 2d).
constexpr uint32_t kRelied = 1 | 2 | 4;

const AreaView* AreaAt(const IoasView& ioas, Iova iova) {
  for (const AreaView& area : ioas.areas) {
    if (area.first <= iova && iova <= area.last) return &area;
  }
  return nullptr;
}

const FileView* MemfdIn(const SessionView& session, uint16_t memfd) {
  for (const FileView& file : session.files) {
    if (file.file == mm::FileRef{mm::FileRef::Kind::kMemfd, memfd}) return &file;
  }
  return nullptr;
}

Pfn PageAt(const std::vector<std::pair<uint32_t, Pfn>>& pages, uint64_t index) {
  for (const auto& [i, pfn] : pages) {
    if (i == index) return pfn;
  }
  return 0;
}

// I16 and I17 for the memfd of an area below a preserved domain.
void CheckDependency(const Snapshot& now, const SessionView& session, size_t index_of_iommufd,
                     const AreaView& area, Findings* f) {
  const MemfdView* memfd = now.FindMemfd(area.memfd);
  f->Require(Invariant::kI16, memfd != nullptr && memfd->frozen, MemfdRef(area.memfd), [&] {
    return "memfd " + N(area.memfd) + " is not frozen while a preserved domain maps it";
  });
  const auto file = std::find_if(session.files.begin(), session.files.end(), [&](const auto& f2) {
    return f2.file == mm::FileRef{mm::FileRef::Kind::kMemfd, area.memfd};
  });
  const auto at = static_cast<size_t>(file - session.files.begin());
  f->Require(Invariant::kI17, at < index_of_iommufd, MemfdRef(area.memfd), [&] {
    return "memfd " + N(area.memfd) + " is file " + N(at) + " of the session, behind the iommufd " +
           "that depends on it";
  });
}

// I14 and I15 for one leaf of a preserved domain.
void CheckLeaf(const Snapshot& now, const SessionView& session, const IoasView& ioas,
               const DomainView& domain, const LeafView& leaf, size_t index_of_iommufd,
               Findings* f) {
  const AreaView* area = AreaAt(ioas, leaf.iova);
  const FileView* file = area != nullptr && area->is_file ? MemfdIn(session, area->memfd) : nullptr;
  const uint64_t index =
      area == nullptr ? 0 : area->source_page + ((leaf.iova - area->first) >> mm::kPageShift);
  const bool covered = file != nullptr && PageAt(file->serialized_pages, index) == leaf.pfn &&
                       now.IsRegistered(leaf.pfn);
  f->Require(Invariant::kI14, covered, DomainRef(domain.number), [&] {
    return "iova " + Hex(leaf.iova) + " maps page " + Hex(leaf.pfn) +
           ", which no memfd of the session hands over at that offset";
  });
  if (file == nullptr) return;
  CheckDependency(now, session, index_of_iommufd, *area, f);
  const bool sealed = (file->serialized_seals & kRelied) == kRelied;
  f->Require(Invariant::kI15, sealed, MemfdRef(area->memfd), [&] {
    return "memfd " + N(area->memfd) + " is handed over with seals " + Hex(file->serialized_seals) +
           ", without those relied upon";
  });
  const MemfdView* memfd = now.FindMemfd(area->memfd);
  f->Require(Invariant::kI15, memfd != nullptr && PageAt(memfd->pages, index) == leaf.pfn,
             MemfdRef(area->memfd), [&] {
               return "page " + N(index) + " of memfd " + N(area->memfd) +
                      " is no longer the one mapped at iova " + Hex(leaf.iova);
             });
}

}  // namespace

void CheckMemory(const Snapshot& now, const SessionView& session, size_t index, Findings* f) {
  for (const DomainView& domain : now.domains) {
    const IoasView* ioas = now.FindIoas(domain.ioas);
    if (domain.preserved_state == 0 || ioas == nullptr) continue;
    if (uapi::IommufdOf(ioas->id) != session.files[index].file.index) continue;
    for (const LeafView& leaf : domain.leaves) {
      CheckLeaf(now, session, *ioas, domain, leaf, index, f);
    }
  }
}

}  // namespace iommufd_check::spec
