// Walks of the object table, shared by designs.
#pragma once

#include <optional>
#include <vector>

#include "model/iommufd/object_table.h"
#include "model/liveupdate/kernel.h"

namespace iommufd_check::liveupdate {

// xa_for_each over published objects of one type, ascending by id; `visit` returns false to stop.
// The table is read afresh for each id, as xa_for_each does, so it may change under the walk.
template <class Visit>
void ForEachObject(iommufd::Kernel& k, ContextHandle ctx, iommufd::ObjectType type, Visit&& visit) {
  for (size_t i = 0;; ++i) {
    using Table = std::vector<iommufd::TableEntry>;
    const auto found = With(k, ctx, &iommufd::Context::objects, [&](const Table& table) {
      return i < table.size() ? std::optional(table[i]) : std::nullopt;
    });
    if (!found.has_value()) return;
    const iommufd::TableEntry entry = *found;
    if (entry.state != iommufd::TableEntry::State::kPublished || entry.type != type) continue;
    if (!visit(iommufd::ObjectKey{entry.type, entry.slot, entry.generation})) return;
  }
}

template <class Visit>
void ForEachHwpt(iommufd::Kernel& k, ContextHandle ctx, Visit&& visit) {
  ForEachObject(k, ctx, iommufd::ObjectType::kHwptPaging,
                [&](iommufd::ObjectKey key) { return visit(key.hwpt()); });
}

template <class Visit>
void ForEachIoas(iommufd::Kernel& k, ContextHandle ctx, Visit&& visit) {
  ForEachObject(k, ctx, iommufd::ObjectType::kIoas,
                [&](iommufd::ObjectKey key) { return visit(key.ioas()); });
}

}  // namespace iommufd_check::liveupdate
