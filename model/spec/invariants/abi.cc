// I26 and I27: what is handed over can be read by another build of the kernel, and carries the
// token that the user gave. Facts of the layout alone, so they are judged where bytes of it are
// handed over.
#include "model/spec/invariants/refs.h"
#include "model/spec/quiescent.h"
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

}  // namespace

void CheckAbi(const uapi::Contract& contract, Findings* f) {
  const AbiLayout& layout = LayoutOf(contract.abi);
  for (const AbiStruct* each : {&layout.header, &layout.record, &layout.domain}) {
    const std::string fault = FaultOf(*each);
    f->Require(Invariant::kI26, fault.empty(), IommufdRef(0),
               [&] { return fault + " in memory that the next kernel reads"; });
  }
  const int bits = 8 * layout.record.fields[0].bytes;
  f->Require(Invariant::kI27, bits >= contract.token_bits, IommufdRef(0), [&] {
    return "a token of " + N(static_cast<uint64_t>(contract.token_bits)) + " bits is recorded in " +
           N(static_cast<uint64_t>(bits));
  });
}

}  // namespace iommufd_check::spec
