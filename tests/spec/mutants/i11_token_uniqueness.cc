#include "tests/spec/mutants/mutants.h"

namespace iommufd_check::spec {
namespace {

class IgnoreOtherTokens : public Mutant {
 public:
  IgnoreOtherTokens() : Mutant("IgnoreOtherTokens") {}

 protected:
  int CheckMark(Kernel& k, HwptHandle target, uint64_t token) override {
    const int error = Reference::CheckMark(k, target, token);
    return error == -sim::kEADDRINUSE ? 0 : error;
  }
};

// The token passes through 32 bits (B25).
class NarrowToken : public Mutant {
 public:
  NarrowToken() : Mutant("NarrowToken") {}

 protected:
  void WriteRecord(Kernel& k, PhysAddr memory, size_t index, uint64_t token,
                   PhysAddr domain_record) override {
    Reference::WriteRecord(k, memory, index, static_cast<uint32_t>(token), domain_record);
  }
};

}  // namespace

MutantCases MutantsOfI11() {
  static IgnoreOtherTokens ignore_other_tokens;
  static NarrowToken narrow_token;
  const std::string preserve = "  luo_preserve(s, iommufd, token=2)\n";
  return {
      {&ignore_other_tokens,
       kOneMarked + "  hwpt2 = hwpt_alloc(dev, ioas)\n  lu_mark(hwpt2, token=7)\n", "main.7",
       "hwpts 3 and 4 are both marked with token 7", "I13"},
      {&narrow_token, kOneMarked + "  lu_mark(hwpt, token=0x100000007)\n" + preserve, "main.7",
       "the record of hwpt 3 carries token 7 and the hwpt has token 4294967303", ""},
  };
}

}  // namespace iommufd_check::spec
