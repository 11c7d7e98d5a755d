#include "model/spec/invariants/preserved_leaves.h"

namespace iommufd_check::spec {
namespace {

// F_SEAL_SEAL, F_SEAL_SHRINK and F_SEAL_GROW (designs.md section 5, step 2d).
constexpr uint32_t kRelied = 1 | 2 | 4;

class Seals final : public Check {
 public:
  void Listen(Listeners* to) const override { to->OnRest<&Seals::AtRest>(kOfPreservedLeaves); }

 private:
  void AtRest(const Snapshot& now, const Evidence&, Ruling rule) const {
    ForEachPreservedLeaf(now, [&](const PreservedLeaf& at) {
      if (at.memfd == nullptr) return;
      const uint16_t number = at.area->memfd;
      const uint32_t seals = at.memfd->serialized_seals;
      rule.Require((seals & kRelied) == kRelied, MemfdRef(number), [&] {
        return "memfd " + N(number) + " is handed over with seals " + Hex(seals) +
               ", without those relied upon";
      });
      const MemfdView* memfd = now.FindMemfd(number);
      const bool same = memfd != nullptr && PageAt(memfd->pages, at.page) == at.leaf.pfn;
      rule.Require(same, MemfdRef(number), [&] {
        return "page " + N(at.page) + " of memfd " + N(number) +
               " is no longer the one mapped at iova " + Hex(at.leaf.iova);
      });
    });
  }
};

}  // namespace

std::unique_ptr<Check> NewI15() { return std::make_unique<Seals>(); }

}  // namespace iommufd_check::spec
