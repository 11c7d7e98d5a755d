#include "model/spec/invariants/preserved_leaves.h"

namespace iommufd_check::spec {
namespace {

class MemoryCoverage final : public Check {
 public:
  void Listen(Listeners* to) const override {
    to->OnRest<&MemoryCoverage::AtRest>(kOfPreservedLeaves);
  }

 private:
  void AtRest(const Snapshot& now, const Evidence&, Ruling rule) const {
    ForEachPreservedLeaf(now, [&](const PreservedLeaf& at) {
      const bool covered = at.memfd != nullptr &&
                           PageAt(at.memfd->serialized_pages, at.page) == at.leaf.pfn &&
                           now.IsRegistered(at.leaf.pfn);
      rule.Require(covered, DomainRef(at.domain.number), [&] {
        return "iova " + Hex(at.leaf.iova) + " maps page " + Hex(at.leaf.pfn) +
               ", which no memfd of the session hands over at that offset";
      });
    });
  }
};

}  // namespace

std::unique_ptr<Check> NewI14() { return std::make_unique<MemoryCoverage>(); }

}  // namespace iommufd_check::spec
