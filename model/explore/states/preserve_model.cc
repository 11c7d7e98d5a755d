#include "model/explore/states/preserve_model.h"

#include <algorithm>
#include <bit>

#include "absl/strings/str_cat.h"
#include "model/explore/states/preserve_words.h"
#include "model/sim/check.h"

namespace iommufd_check::explore {
namespace {

struct NamedVariant {
  const char* name;
  PreserveModel::Variant variant;
};
constexpr std::array<NamedVariant, 4> kVariants = {{
    {"counted", PreserveModel::Variant::kCounted},
    {"insert-test", PreserveModel::Variant::kInsertTest},
    {"shared-bool", PreserveModel::Variant::kSharedBool},
    {"ungated", PreserveModel::Variant::kUngated},
}};

constexpr const char* kAllRegisteredName = "all-registered";

std::uint8_t Byte(int value) { return static_cast<std::uint8_t>(value); }

}  // namespace

std::vector<std::string> PreserveModel::VariantNames() {
  std::vector<std::string> names;
  for (const NamedVariant& known : kVariants) names.emplace_back(known.name);
  return names;
}

std::optional<PreserveModel::Variant> PreserveModel::VariantNamed(std::string_view name) {
  for (const NamedVariant& known : kVariants) {
    if (name == known.name) return known.variant;
  }
  return std::nullopt;
}

std::vector<std::string> PreserveModel::PlantNames() { return {kAllRegisteredName}; }

std::optional<PreserveModel::Plant> PreserveModel::PlantNamed(std::string_view name) {
  if (name == kAllRegisteredName) return Plant::kAllRegistered;
  return std::nullopt;
}

PreserveModel::PreserveModel(int mappers, int hwpts, Variant variant, Plant plant)
    : mappers_(mappers), hwpts_(hwpts), variant_(variant), plant_(plant) {
  IOMMUFD_CHECK(mappers >= 1, "the model has a mapper");
  IOMMUFD_CHECK(mappers <= kMaxMappers, "a state has room for its mappers");
  IOMMUFD_CHECK(hwpts >= 1, "the model has a domain");
  IOMMUFD_CHECK(hwpts <= kMaxHwpts, "a state has room for its domains");
}

PreserveModel::State& PreserveModel::Steps::Add(const State& from, int task, int step, int domain) {
  IOMMUFD_CHECK(count < static_cast<int>(taken.size()), "no task has more than two steps");
  Step& added = taken[static_cast<std::size_t>(count++)];
  added.action = {Byte(task), Byte(step), Byte(domain)};
  added.next = from;
  return added.next;
}

void PreserveModel::StepMapper(const State& state, int mapper, Steps* steps) const {
  const Mapper& self = state.mappers[static_cast<std::size_t>(mapper)];
  if (self.pc != kIdle) {
    return self.pc <= kAbort ? StepFilling(state, mapper, steps)
                             : StepUnfilling(state, mapper, steps);
  }
  const auto slot = static_cast<std::size_t>(mapper);
  if (self.area == kMapped) {
    steps->Add(state, mapper, kBeginUnmap).mappers[slot].pc = kWantUnfill;
  } else if (variant_ == Variant::kInsertTest && state.immutable != 0) {
    steps->Add(state, mapper, kInsertRefused);
  } else {
    steps->Add(state, mapper, kInsertArea).mappers[slot] = {kWantFill, kInserted, 0};
  }
}

void PreserveModel::StepFilling(const State& state, int mapper, Steps* steps) const {
  const auto slot = static_cast<std::size_t>(mapper);
  const Mapper& self = state.mappers[slot];
  const bool tests = variant_ == Variant::kCounted || variant_ == Variant::kSharedBool;
  switch (self.pc) {
    case kWantFill:
      if (state.writer == 0) {
        State& next = steps->Add(state, mapper, kDownRead);
        ++next.readers;
        next.mappers[slot].pc = kTestFill;
      }
      break;
    case kTestFill: {
      const bool refused = tests && state.immutable != 0;
      State& next = steps->Add(state, mapper, refused ? kTestRefused : kTestPassed);
      next.mappers[slot].pc = refused ? kAbort : kFill;
      break;
    }
    case kFill: {
      State& next = steps->Add(state, mapper, kFillDomain, self.next);
      Touch(&next, self.next);
      const bool last = self.next + 1 == hwpts_;
      next.mappers[slot].pc = last ? kPublish : kFill;
      next.mappers[slot].next = last ? Byte(0) : Byte(self.next + 1);
      steps->Add(state, mapper, kFillFault, self.next).mappers[slot].pc = kAbort;
      break;
    }
    case kPublish: {
      State& next = steps->Add(state, mapper, kPublishArea);
      --next.readers;
      next.mappers[slot] = {kIdle, kMapped, 0};
      break;
    }
    default: {
      IOMMUFD_CHECK(self.pc == kAbort, "every step of a map has a case");
      if (self.next > 0) {
        State& next = steps->Add(state, mapper, kEmptyDomain, self.next - 1);
        Touch(&next, self.next - 1);
        --next.mappers[slot].next;
      } else {
        State& next = steps->Add(state, mapper, kDropArea);
        --next.readers;
        next.mappers[slot] = {};
      }
    }
  }
}

void PreserveModel::StepUnfilling(const State& state, int mapper, Steps* steps) const {
  const auto slot = static_cast<std::size_t>(mapper);
  const Mapper& self = state.mappers[slot];
  switch (self.pc) {
    case kWantUnfill:
      if (state.writer == 0) {
        State& next = steps->Add(state, mapper, kDownRead);
        ++next.readers;
        next.mappers[slot].pc = kTestUnfill;
      }
      break;
    case kTestUnfill:
      if (state.immutable != 0) {
        State& next = steps->Add(state, mapper, kTestRefused);
        --next.readers;
        next.mappers[slot].pc = kIdle;
      } else {
        steps->Add(state, mapper, kTestPassed).mappers[slot].pc = kUnfill;
      }
      break;
    case kUnfill: {
      State& next = steps->Add(state, mapper, kEmptyDomain, self.next);
      Touch(&next, self.next);
      const bool last = self.next + 1 == hwpts_;
      next.mappers[slot].pc = last ? kDrop : kUnfill;
      next.mappers[slot].next = last ? Byte(0) : Byte(self.next + 1);
      break;
    }
    default: {
      IOMMUFD_CHECK(self.pc == kDrop, "every step of an unmap has a case");
      State& next = steps->Add(state, mapper, kDropArea);
      --next.readers;
      next.mappers[slot] = {};
    }
  }
}

// Where the preserve of state->hwpt begins.
void PreserveModel::StartHwpt(State* state) const {
  switch (variant_) {
    case Variant::kUngated:
      state->lu_pc = kRegister;
      break;
    case Variant::kSharedBool:
      state->lu_pc = kLook;
      break;
    case Variant::kCounted:
    case Variant::kInsertTest:
      state->lu_pc = kTakeToSet;
      break;
  }
}

// The preserve of state->hwpt failed after the flag was dealt with: gives back what it took itself,
// then undoes the domains before it.
void PreserveModel::FailHwpt(State* state) const {
  const bool clears_own = variant_ == Variant::kCounted ||
                          (variant_ == Variant::kSharedBool && state->made != 0) ||
                          (variant_ == Variant::kInsertTest && state->registered == 0);
  state->hwpt = 0;
  state->made = 0;
  if (clears_own) {
    state->lu_pc = kTakeToClear;
  } else {
    ContinueUndo(state);
  }
}

void PreserveModel::ContinueUndo(State* state) {
  state->lu_pc = state->registered != 0 ? kUnregister : kResting;
}

void PreserveModel::StepLiveUpdate(const State& state, Steps* steps) const {
  constexpr int kTask = kMaxMappers;
  const bool rwsem_is_free = state.readers == 0 && state.writer == 0;
  switch (state.lu_pc) {
    case kResting:
      if (state.registered == 0) {
        StartHwpt(&steps->Add(state, kTask, kBeginPreserve));
      } else {
        ContinueUndo(&steps->Add(state, kTask, kBeginUnpreserve));
      }
      break;
    case kLook: {
      const bool set = state.immutable != 0;
      State& next = steps->Add(state, kTask, set ? kFlagIsSet : kFlagIsClear, state.hwpt);
      next.made = set ? 0 : 1;
      next.lu_pc = set ? kRegister : kTakeToSet;
      break;
    }
    case kTakeToSet:
    case kTakeToClear:
      if (rwsem_is_free) {
        State& next = steps->Add(state, kTask, kDownWrite);
        next.writer = 1;
        next.lu_pc = state.lu_pc == kTakeToSet ? kSet : kClear;
      }
      break;
    case kSet: {
      State& next = steps->Add(state, kTask, kSetFlag);
      next.immutable = variant_ == Variant::kCounted ? Byte(state.immutable + 1) : Byte(1);
      next.writer = 0;
      next.lu_pc = kCheckPages;
      break;
    }
    case kCheckPages:
      steps->Add(state, kTask, kCheckPassed, state.hwpt).lu_pc = kRegister;
      FailHwpt(&steps->Add(state, kTask, kCheckFault, state.hwpt));
      break;
    case kRegister: {
      State& next = steps->Add(state, kTask, kRegisterDomain, state.hwpt);
      next.registered |= Byte(1 << state.hwpt);
      next.made = 0;
      const bool last = state.hwpt + 1 == hwpts_;
      next.hwpt = last ? Byte(0) : Byte(state.hwpt + 1);
      if (last) {
        next.lu_pc = kResting;
      } else {
        StartHwpt(&next);
      }
      FailHwpt(&steps->Add(state, kTask, kRegisterFault, state.hwpt));
      break;
    }
    default:
      StepUndo(state, steps);
  }
}

void PreserveModel::StepUndo(const State& state, Steps* steps) const {
  constexpr int kTask = kMaxMappers;
  if (state.lu_pc == kClear) {
    State& next = steps->Add(state, kTask, kClearFlag);
    next.immutable = variant_ == Variant::kCounted ? Byte(state.immutable - 1) : Byte(0);
    next.writer = 0;
    ContinueUndo(&next);
    return;
  }
  IOMMUFD_CHECK(state.lu_pc == kUnregister, "every step of live update has a case");
  const int domain = std::countr_zero(unsigned{state.registered});
  State& next = steps->Add(state, kTask, kUnregisterDomain, domain);
  next.registered &= Byte(~(1 << domain));
  next.stale &= next.registered;
  const bool clears = variant_ == Variant::kCounted ||
                      (variant_ == Variant::kSharedBool && state.immutable != 0) ||
                      (variant_ == Variant::kInsertTest && next.registered == 0);
  if (clears) {
    next.lu_pc = kTakeToClear;
  } else {
    ContinueUndo(&next);
  }
}

StateVerdict PreserveModel::Check(const State& state) const {
  StateVerdict verdict;
  verdict.Note(0, state.registered != 0, state.immutable != 0);
  verdict.Note(1, state.registered != 0, state.stale == 0);
  verdict.Note(2, state.writer != 0, state.readers == 0);
  if (plant_ == Plant::kAllRegistered) {
    verdict.Note(3, state.registered != 0, state.registered != (1 << hwpts_) - 1);
  }
  return verdict;
}

std::vector<std::string> PreserveModel::InvariantIds() const {
  std::vector<std::string> ids = {"immutable-coverage", "no-writer-on-preserved", "writer-alone"};
  if (plant_ == Plant::kAllRegistered) ids.push_back(absl::StrCat("plant:", kAllRegisteredName));
  return ids;
}

std::uint64_t PreserveModel::Packed(const State& state) const {
  std::uint64_t packed = 0;
  int used = 0;
  const auto put = [&](unsigned value, int bits) {
    IOMMUFD_CHECK(value < 1u << bits, "a field fits its bits");
    packed |= std::uint64_t{value} << used;
    used += bits;
  };
  for (int mapper = 0; mapper < mappers_; ++mapper) {
    const Mapper& self = state.mappers[static_cast<std::size_t>(mapper)];
    put(self.pc, 4);
    put(self.area, 2);
    put(self.next, 2);
  }
  put(state.lu_pc, 4);
  put(state.hwpt, 2);
  put(state.made, 1);
  put(state.immutable, 2);
  put(state.registered, hwpts_);
  put(state.stale, hwpts_);
  put(state.readers, 3);
  put(state.writer, 1);
  IOMMUFD_CHECK(used == PackedBits(), "the packed width is the sum of the fields");
  return packed;
}

PreserveModel::State PreserveModel::Canonical(const State& state) const {
  State sorted = state;
  std::sort(sorted.mappers.begin(), sorted.mappers.begin() + mappers_);
  return sorted;
}

std::uint64_t PreserveModel::OrbitSize(const State& state) const {
  const State sorted = Canonical(state);
  std::uint64_t orderings = 1;
  std::uint64_t equal = 0;
  for (int i = 0; i < mappers_; ++i) {
    const auto at = static_cast<std::size_t>(i);
    equal = i > 0 && sorted.mappers[at] == sorted.mappers[at - 1] ? equal + 1 : 1;
    orderings = orderings * (at + 1) / equal;  // A product of binomials, whole at every step.
  }
  return orderings;
}

std::string PreserveModel::Describe(const State& state) const {
  return PreserveStateText(state, mappers_, hwpts_);
}

std::string PreserveModel::Describe(const Action& action) const {
  return PreserveActionText(action);
}

std::string PreserveModel::TaskOf(const Action& action) const {
  if (action.task == kMaxMappers) return "live update";
  return absl::StrCat("mapper ", action.task);
}

}  // namespace iommufd_check::explore
