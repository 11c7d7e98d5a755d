#include <algorithm>
#include <vector>

#include "model/spec/invariants/refs.h"

namespace iommufd_check::spec {
namespace {

class SingleOwner final : public Check {
 public:
  void Listen(Listeners* to) const override {
    to->On<&SingleOwner::OnRegistered>(sim::Note::kKhoAdd);
    to->On<&SingleOwner::OnPreserved>(sim::Note::kDomainPreserved);
    to->OnRest<&SingleOwner::AtRest>(Only(Part::kSessions));
  }

 private:
  void OnRegistered(const sim::Event& event, const Evidence& seen, Ruling rule) const {
    const auto pfn = static_cast<uint64_t>(event.value);
    rule.Require(!seen.account.registered.contains(pfn), event.object, [&] {
      return "page " + Hex(pfn) + " is registered again while it is registered for " +
             Named(seen.account.registered.at(pfn));
    });
  }

  void OnPreserved(const sim::Event& event, const Evidence& seen, Ruling rule) const {
    const uint16_t domain = event.object.number;
    rule.Require(!seen.account.preserved_domains.contains(domain), event.object, [&] {
      return "domain " + N(domain) + " is preserved while it is preserved already";
    });
  }

  // No file in two places.
  void AtRest(const Snapshot& now, const Evidence&, Ruling rule) const {
    std::vector<mm::FileRef> seen;
    for (const SessionView& session : now.sessions) {
      for (const FileView& file : session.files) {
        const bool twice = std::find(seen.begin(), seen.end(), file.file) != seen.end();
        rule.Require(!twice, SessionRef(session.number), [&] {
          return "a file is preserved twice, again with token " + N(file.token);
        });
        seen.push_back(file.file);
      }
    }
  }
};

}  // namespace

std::unique_ptr<Check> NewI18() { return std::make_unique<SingleOwner>(); }

}  // namespace iommufd_check::spec
