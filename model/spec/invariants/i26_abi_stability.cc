#include "model/spec/invariants/refs.h"
#include "model/spec/record_reader.h"

namespace iommufd_check::spec {
namespace {

std::string_view Fault(FieldType type) {
  switch (type) {
    case FieldType::kNative:
      return "has the width that the compiler gives an unsigned int";
    case FieldType::kBool:
      return "is a bool";
    case FieldType::kPointer:
      return "is a pointer";
    case FieldType::kFixedWidth:
      break;
  }
  return "";
}

// The first of the seed mail's two asks that the struct does not meet; empty when it meets both.
std::string FaultOf(const AbiStruct& layout) {
  for (const AbiField& field : layout.fields) {
    if (field.type == FieldType::kFixedWidth) continue;
    return std::string(field.name) + " " + std::string(Fault(field.type)) +
           (layout.packed ? "" : ", and " + std::string(layout.name) + " is not packed");
  }
  return layout.packed ? "" : std::string(layout.name) + " is not packed";
}

class AbiStability final : public Check {
 public:
  void Listen(Listeners* to) const override { to->On<&AbiStability::OnHandedOver>(); }

 private:
  void OnHandedOver(const uapi::Contract& contract, const Evidence&, Ruling rule) const {
    const AbiLayout& layout = LayoutOf(contract.abi);
    for (const AbiStruct* each : {&layout.header, &layout.record, &layout.domain}) {
      const std::string fault = FaultOf(*each);
      rule.Require(fault.empty(), IommufdRef(0),
                   [&] { return fault + " in memory that the next kernel reads"; });
    }
  }
};

}  // namespace

std::unique_ptr<Check> NewI26() { return std::make_unique<AbiStability>(); }

}  // namespace iommufd_check::spec
