#include "model/spec/invariants/refs.h"
#include "model/spec/record_reader.h"

namespace iommufd_check::spec {
namespace {

class TokenWidth final : public Check {
 public:
  void Listen(Listeners* to) const override { to->On<&TokenWidth::OnHandedOver>(); }

 private:
  void OnHandedOver(const uapi::Contract& contract, const Evidence&, Ruling rule) const {
    const int bits = 8 * LayoutOf(contract.abi).record.fields[0].bytes;
    rule.Require(bits >= contract.token_bits, IommufdRef(0), [&] {
      return "a token of " + N(static_cast<uint64_t>(contract.token_bits)) +
             " bits is recorded in " + N(static_cast<uint64_t>(bits));
    });
  }
};

}  // namespace

std::unique_ptr<Check> NewI27() { return std::make_unique<TokenWidth>(); }

}  // namespace iommufd_check::spec
