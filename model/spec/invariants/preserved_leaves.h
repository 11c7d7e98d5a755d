// The memory below preserved domains, leaf by leaf, and who hands it over.
#pragma once

#include <algorithm>

#include "model/spec/invariants/refs.h"

namespace iommufd_check::spec {

// What the leaves, their memory and who hands it over are read from.
inline constexpr PartSet kOfPreservedLeaves = Only(Part::kSessions) | Only(Part::kDomains) |
                                              Only(Part::kIoas) | Only(Part::kMemfds) |
                                              Only(Part::kRegistered);

struct PreservedLeaf {
  const SessionView& session;
  size_t iommufd;  // the file of `session` that the domain is preserved with
  const DomainView& domain;
  const LeafView& leaf;
  const AreaView* area;   // null: none of its IOAS is at the leaf's IOVA
  const FileView* memfd;  // of the session, which has the area's memory; null: none
  uint64_t page;          // index in that file
};

inline Pfn PageAt(const std::vector<std::pair<uint32_t, Pfn>>& pages, uint64_t index) {
  for (const auto& [i, pfn] : pages) {
    if (i == index) return pfn;
  }
  return 0;
}

namespace preserved_leaves_internal {

inline const AreaView* AreaAt(const IoasView& ioas, Iova iova) {
  for (const AreaView& area : ioas.areas) {
    if (area.first <= iova && iova <= area.last) return &area;
  }
  return nullptr;
}

inline const FileView* MemfdIn(const SessionView& session, uint16_t memfd) {
  for (const FileView& file : session.files) {
    if (file.file == mm::FileRef{mm::FileRef::Kind::kMemfd, memfd}) return &file;
  }
  return nullptr;
}

template <class Visit>
void ForEachOfFile(const Snapshot& now, const SessionView& session, size_t index, Visit&& visit) {
  for (const DomainView& domain : now.domains) {
    const IoasView* ioas = now.FindIoas(domain.ioas);
    if (domain.preserved_state == 0 || ioas == nullptr) continue;
    if (uapi::IommufdOf(ioas->id) != session.files[index].file.index) continue;
    for (const LeafView& leaf : domain.leaves) {
      const AreaView* area = AreaAt(*ioas, leaf.iova);
      const FileView* memfd =
          area != nullptr && area->is_file ? MemfdIn(session, area->memfd) : nullptr;
      const uint64_t page =
          area == nullptr ? 0 : area->source_page + ((leaf.iova - area->first) >> mm::kPageShift);
      visit(PreservedLeaf{session, index, domain, leaf, area, memfd, page});
    }
  }
}

}  // namespace preserved_leaves_internal

// visit(PreservedLeaf) for each leaf of each preserved domain.
template <class Visit>
void ForEachPreservedLeaf(const Snapshot& now, Visit&& visit) {
  for (const SessionView& session : now.sessions) {
    for (size_t i = 0; i < session.files.size(); ++i) {
      if (!IsIommufd(session.files[i])) continue;
      preserved_leaves_internal::ForEachOfFile(now, session, i, visit);
    }
  }
}

}  // namespace iommufd_check::spec
