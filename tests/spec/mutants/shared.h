// Mutants that break several invariants, each on a program of its own.
#pragma once

#include "model/liveupdate/kho.h"
#include "tests/spec/mutants/mutants.h"

namespace iommufd_check::spec {

class UnmapWithoutGate : public Mutant {
 public:
  UnmapWithoutGate() : Mutant("UnmapWithoutGate") {}
  int Unmap(iommufd::Kernel&, IoasHandle) override { return 0; }
};

// Takes a memfd that the session does not preserve.
class AcceptForeignMemfd : public Mutant {
 public:
  AcceptForeignMemfd() : Mutant("AcceptForeignMemfd") {}

 protected:
  int CheckArea(Kernel& k, const PreserveArguments& arguments, AreaHandle area) override {
    const int error = Reference::CheckArea(k, arguments, area);
    return error == -sim::kENOENT ? 0 : error;
  }
};

// Writes what R3 hands over: narrow tokens, a count of native width (designs.md section 9).
class OldLayout : public Mutant {
 public:
  OldLayout(std::string_view name, int token_bits) : Mutant(name), token_bits_(token_bits) {
    core_.record = liveupdate::kDomainR3;
  }
  uapi::Contract contract() const override {
    return {.token_bits = token_bits_, .abi = uapi::Contract::Abi::kR3};
  }

 protected:
  static constexpr uint32_t kCount = 0, kFirst = 4, kToken = 0, kDomain = 4;

  PhysAddr AllocRecords(Kernel& k, ContextHandle ctx, size_t records) override {
    const PhysAddr memory = Reference::AllocRecords(k, ctx, records);
    if (!liveupdate::IsErr(memory)) store(k, memory, kCount, 4, records, Ref(ctx));
    return memory;
  }
  void WriteRecord(Kernel& k, PhysAddr memory, size_t index, uint64_t token,
                   PhysAddr domain_record) override {
    const uint64_t at = kFirst + 13 * index;
    store(k, memory, at + kToken, 4, token, Ref(k.ctx));
    store(k, memory, at + kDomain, 8, domain_record, Ref(k.ctx));
  }

 private:
  int token_bits_;
};

}  // namespace iommufd_check::spec
