#include "model/spec/invariants/refs.h"

namespace iommufd_check::spec {
namespace {

class NoWriterOnPreserved final : public Check {
 public:
  void Listen(Listeners* to) const override {
    to->On<&NoWriterOnPreserved::OnTableWrite>(sim::Note::kTableWrite);
  }

 private:
  void OnTableWrite(const sim::Event& event, const Evidence& seen, Ruling rule) const {
    const Account& account = seen.account;
    if (account.preserved_domains.empty() && account.registered.empty()) return;
    const uint16_t domain = event.object.number;
    rule.Require(!account.IsPreserved(domain), event.object, [&] {
      return "the table of domain " + N(domain) + " changes while it is preserved";
    });
  }
};

}  // namespace

std::unique_ptr<Check> NewI03() { return std::make_unique<NoWriterOnPreserved>(); }

}  // namespace iommufd_check::spec
