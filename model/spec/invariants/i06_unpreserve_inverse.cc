#include <algorithm>

#include "model/spec/invariants/refs.h"

namespace iommufd_check::spec {
namespace {

class UnpreserveInverse final : public Check {
 public:
  void Listen(Listeners* to) const override {
    to->On<&UnpreserveInverse::OnUnregistered>(sim::Note::kKhoDel);
    to->On<&UnpreserveInverse::OnOtherOrder>(sim::Note::kKhoOrderMismatch);
    to->On<&UnpreserveInverse::OnUnpreserved>(sim::Note::kDomainUnpreserved);
    to->On<&UnpreserveInverse::OnNeverPreserved>(sim::Note::kDomainPreserveMissing);
    to->On<&UnpreserveInverse::OnEnd>(sim::Note::kUnpreserveEnd);
  }

 private:
  void OnUnregistered(const sim::Event& event, const Evidence& seen, Ruling rule) const {
    const auto pfn = static_cast<uint64_t>(event.value);
    const auto it = seen.account.registered.find(pfn);
    const bool own = it != seen.account.registered.end() && it->second == event.object;
    rule.Require(own, event.object, [&] {
      return "page " + Hex(pfn) + " is unregistered for " + Named(event.object) +
             ", which never registered it";
    });
  }

  void OnOtherOrder(const sim::Event& event, const Evidence&, Ruling rule) const {
    rule.Violate(event.object, "page " + Hex(static_cast<uint64_t>(event.value)) +
                                   " is unregistered by an order that leaves it registered");
  }

  void OnUnpreserved(const sim::Event& event, const Evidence& seen, Ruling rule) const {
    const uint16_t domain = event.object.number;
    rule.Require(seen.account.preserved_domains.contains(domain), event.object,
                 [&] { return "domain " + N(domain) + " is unpreserved but was not preserved"; });
  }

  void OnNeverPreserved(const sim::Event& event, const Evidence&, Ruling rule) const {
    rule.Arm();
    rule.Violate(event.object, "unpreserve reaches domain " + N(event.object.number) +
                                   ", which its preserve did not preserve");
  }

  void OnEnd(const sim::Event& event, const Evidence& seen, Ruling rule) const {
    const auto& preserved = seen.account.preserved_domains;
    const auto left = std::find_if(preserved.begin(), preserved.end(), [&](uint16_t domain) {
      return uapi::IommufdOf(seen.account.IoasOf(domain)) == event.object.number;
    });
    rule.Require(left == preserved.end(), event.object,
                 [&] { return "unpreserve leaves domain " + N(*left) + " preserved"; });
  }
};

}  // namespace

std::unique_ptr<Check> NewI06() { return std::make_unique<UnpreserveInverse>(); }

}  // namespace iommufd_check::spec
