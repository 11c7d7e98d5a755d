// A revision of the protocol: a table of named steps (steps.def) and what it hands over.
//
// A step is a function of the kernel and its arguments. It calls the others by name, and they are
// those of the table in which it runs itself; so a table with another function in one place is
// another design:
//
//   int Freeze(StepKernel& k, const PreserveArguments& arguments, const Gate& gate) {
//     const int error = k.close_gate(gate);
//     return error != 0 ? error : k.validate(arguments, gate.ioas);
//   }
//   Revision no_thaw = Reference().Named("NoThaw").With(&Steps::thaw,
//                                                       [](StepKernel&, const Gate&) {});
//
// What revisions share are the same functions in their tables (designs/shared.h).
#pragma once

#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "model/liveupdate/design.h"
#include "model/liveupdate/iommu_core.h"
#include "model/sim/check.h"

namespace iommufd_check::liveupdate {

using Hwpts = std::vector<iommufd::HwptHandle>;

// An IOAS and how many of its domains a call is about.
struct Gate {
  iommufd::IoasHandle ioas;
  uint32_t domains = 0;
};

class StepKernel;

// Null: a step that the revision does not have.
struct Steps {
#define X(name, result, ...) result (*name)(StepKernel & k, __VA_ARGS__) = nullptr;
#include "model/liveupdate/steps.def"
#undef X
};

// Calls visit.operator()<&Steps::mark>("mark") and so on, in the order of steps.def.
template <class Visit>
void VisitSteps(Visit&& visit) {
#define X(name, ...) visit.template operator()<&Steps::name>(std::string_view(#name));
#include "model/liveupdate/steps.def"
#undef X
}

// What one revision is besides its steps. The texts are literals.
struct Facts {
  std::string_view name;
  std::string_view summary;
  const IommufdLayout* iommufd_layout = &kIommufdR6;
  const DomainLayout* domain_layout = &kDomainR7;
  uapi::Contract contract;
  CoreRules core;
};

// The kernel as a step sees it: k.thaw(gate) is the step `thaw` of the revision that runs.
class StepKernel : public Kernel {
 public:
  StepKernel(const Kernel& kernel, const Steps& steps, const CoreRules& rules)
      : Kernel(kernel), core(rules), steps_(steps) {}

#define X(name, result, ...)                                                                       \
  template <class... Arguments>                                                                    \
  result name(Arguments&&... arguments) {                                                          \
    IOMMUFD_CHECK(steps_.name != nullptr, "a revision has the steps that its steps call: " #name); \
    return steps_.name(*this, std::forward<Arguments>(arguments)...);                              \
  }
#include "model/liveupdate/steps.def"
#undef X

  const CoreRules& core;

 private:
  const Steps& steps_;
};

class Revision final : public Design {
 public:
  // A table without a mark, a preserve or an unpreserve is no design: a failed check.
  Revision(const Facts& facts, const Steps& steps);

  // The same with something else in one place. Null takes a step away.
  template <class Function>
  Revision With(Function Steps::* step, std::type_identity_t<Function> replacement) const {
    Steps steps = steps_;
    steps.*step = replacement;
    return Revision(facts_, steps);
  }
  template <class Value>
  Revision With(Value Facts::* fact, const std::type_identity_t<Value>& replacement) const {
    Facts facts = facts_;
    facts.*fact = replacement;
    return Revision(facts, steps_);
  }
  Revision Named(std::string_view name) const { return With(&Facts::name, name); }

  const Facts& facts() const { return facts_; }
  const Steps& steps() const { return steps_; }

  std::string_view name() const override { return facts_.name; }
  std::string_view summary() const override { return facts_.summary; }
  const IommufdLayout& iommufd_layout() const override { return *facts_.iommufd_layout; }
  const DomainLayout& domain_layout() const override { return *facts_.domain_layout; }
  uapi::Contract contract() const override { return facts_.contract; }

  int Mark(Kernel& k, uint32_t hwpt_id, uint64_t token) override;
  int Preserve(Kernel& k, PreserveArguments* arguments) override;
  void Unpreserve(Kernel& k, const PreserveArguments& arguments) override;

  int MapInsert(iommufd::Kernel& k, iommufd::IoasHandle ioas) override;
  void AreaInserted(iommufd::Kernel& k, iommufd::IoasHandle ioas) override;
  void AreaSettled(iommufd::Kernel& k, iommufd::IoasHandle ioas) override;
  int MapFill(iommufd::Kernel& k, iommufd::IoasHandle ioas) override;
  int Unmap(iommufd::Kernel& k, iommufd::IoasHandle ioas) override;
  void AbortArea(iommufd::Kernel& k, iommufd::IoasHandle ioas) override;
  void FilePagesAllocated(iommufd::Kernel& k, iommufd::PagesHandle pages) override;

 private:
  // What the step answers; of a step that there is not, 0.
  template <class Result, class... Arguments>
  Result Run(Result (*step)(StepKernel&, Arguments...), iommufd::Kernel& k,
             std::type_identity_t<Arguments>... arguments) const;

  Facts facts_;
  Steps steps_;
};

}  // namespace iommufd_check::liveupdate
