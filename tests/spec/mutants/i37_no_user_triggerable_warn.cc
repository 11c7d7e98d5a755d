#include "tests/spec/mutants/mutants.h"

namespace iommufd_check::spec {
namespace {

// Takes memory that cannot be preserved for a bug of the kernel.
class WarnOnInvalid : public Mutant {
 public:
  WarnOnInvalid() : Mutant("WarnOnInvalid") {}

 protected:
  int Validate(Kernel& k, const PreserveArguments& arguments, IoasHandle ioas) override {
    const int error = Reference::Validate(k, arguments, ioas);
    warn_on(k.t, error != 0, Ref(k, ioas));
    return error;
  }
};

}  // namespace

MutantCases MutantsOfI37() {
  static WarnOnInvalid warn_on_invalid;
  const std::string preserve = "  luo_preserve(s, iommufd, token=2)\n";
  return {
      {&warn_on_invalid, kOneMarked + "  map(ioas, iova=0x1000, length=0x1000)\n" + preserve,
       "main.7", "iommufd_liveupdate_preserve: WARN: ioas 1", ""},
  };
}

}  // namespace iommufd_check::spec
