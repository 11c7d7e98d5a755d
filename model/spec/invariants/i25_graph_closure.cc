#include <algorithm>

#include "model/spec/invariants/refs.h"

namespace iommufd_check::spec {
namespace {

// From a record to its top table: a page table, and not another one's memory by now.
void CheckTopTable(const Snapshot& now, const DomainRecordView& record, Ruling rule) {
  const Pfn pfn = mm::PfnOf(record.top_table);
  const auto page = std::find_if(now.registered.begin(), now.registered.end(),
                                 [&](const auto& entry) { return entry.first == pfn; });
  const bool registered = page != now.registered.end();
  const bool table = registered && page->second == mm::FrameOwner::kPageTable;
  rule.Require(table, kFlbRef, [&] {
    return "the live record at " + Hex(record.address) + " names top table " +
           Hex(record.top_table) + ", which is " +
           (registered ? "memory of owner " + std::string(Name(page->second)) : "not registered");
  });
}

// From iommufd's record to the core's: I10 counts those that are complete; a link to a deleted one
// is a graph that is not closed.
void CheckLinks(const Snapshot& now, const FileView& file, Ruling rule) {
  for (size_t i = 0; i < file.records.size(); ++i) {
    const PhysAddr link = file.records[i].domain_data;
    const auto target =
        std::find_if(now.domain_records.begin(), now.domain_records.end(),
                     [&](const DomainRecordView& record) { return record.address == link; });
    if (target == now.domain_records.end()) continue;
    rule.Require(!target->deleted, IommufdRef(file.file.index), [&] {
      return "record " + N(i) + " of the iommufd names the deleted domain record at " + Hex(link);
    });
  }
}

class GraphClosure final : public Check {
 public:
  void Listen(Listeners* to) const override {
    to->OnRest<&GraphClosure::AtRest>(Only(Part::kSessions) | Only(Part::kRegistered) |
                                      Only(Part::kRecords));
  }

 private:
  void AtRest(const Snapshot& now, const Evidence&, Ruling rule) const {
    for (const DomainRecordView& record : now.domain_records) {
      if (!record.deleted) CheckTopTable(now, record, rule);
    }
    ForEachPreservedIommufd(now, [&](const FileView& file) { CheckLinks(now, file, rule); });
  }
};

}  // namespace

std::unique_ptr<Check> NewI25() { return std::make_unique<GraphClosure>(); }

}  // namespace iommufd_check::spec
