#include "fuzz/mutate/program_mutator.h"

#include <algorithm>
#include <array>

#include "fuzz/mutate/operation_edits.h"
#include "fuzz/mutate/plan_edits.h"
#include "model/program/bytes/byte_codec.h"
#include "model/program/widths.h"
#include "model/sim/check.h"

namespace iommufd_check::cli {

using program::Program;

namespace {

// An edit can have nothing to change, and can lead out of what is a program; then another is tried.
constexpr int kMostAttempts = 16;

struct OperationEdit {
  bool (*edit)(Program*, const Limits&, Draw&);
  int weight;
};
constexpr OperationEdit kOperationEdits[] = {
    {&InsertOperation, 8},  {&DeleteOperation, 3}, {&DuplicateOperation, 2},
    {&ReorderOperation, 2}, {&MoveToTask, 3},      {&RewireObject, 3},
    {&NudgeNumber, 3},      {&RedrawArguments, 2}, {&ChangeBoot, 1}};

struct PlanEdit {
  bool (*edit)(Program*, const ParentRun&, const Limits&, Draw&);
  int weight;
  bool concurrent;  // of a schedule
};
constexpr PlanEdit kPlanEdits[] = {
    {&AddFault, 3, false}, {&MoveFault, 1, false}, {&AddSwitch, 6, true}, {&MoveSwitch, 2, true}};

struct RemovingEdit {
  bool (*edit)(Program*, Draw&);
  int weight;
};
constexpr RemovingEdit kRemovingEdits[] = {{&DropFault, 1}, {&DropSwitch, 2}};

// The one of the edits that number `left` falls on; null, and `left` less their weights: behind
// them.
template <class Edits>
auto* Choose(const Edits& edits, int* left) {
  for (const auto& edit : edits) {
    *left -= edit.weight;
    if (*left < 0) return &edit;
  }
  return decltype(&edits[0]){nullptr};
}

template <class Edits>
constexpr int WeightOf(const Edits& edits) {
  int weight = 0;
  for (const auto& edit : edits) weight += edit.weight;
  return weight;
}
constexpr int kAllWeights =
    WeightOf(kOperationEdits) + WeightOf(kPlanEdits) + WeightOf(kRemovingEdits);

// One is most often enough; several at once get over what no single one does.
int DrawCount(Draw& draw) {
  int count = 1;
  while (count < 4 && draw.OneIn(3)) ++count;
  return count;
}

}  // namespace

Program ProgramMutator::Read(std::span<const uint8_t> bytes) const {
  Program program = program::DecodeBytes(bytes);
  program.design.clear();
  program.title.clear();
  program.expected.clear();
  program.also.clear();
  for (program::Operation& operation : program.operations) operation.expected_errno.reset();
  return program;
}

size_t ProgramMutator::Write(const Program& program, uint8_t* out, size_t max_size) const {
  const std::vector<uint8_t> bytes = program::EncodeBytes(program);
  if (bytes.size() > max_size) return 0;
  std::copy(bytes.begin(), bytes.end(), out);
  return bytes.size();
}

bool ProgramMutator::Edit(Program* program, Draw& draw) {
  auto left = static_cast<int>(draw.Below(kAllWeights));
  if (const auto* chosen = Choose(kOperationEdits, &left)) {
    return chosen->edit(program, limits_, draw);
  }
  if (const auto* chosen = Choose(kPlanEdits, &left)) {
    if (chosen->concurrent && program::TaskCount(*program) < 2) return false;
    program::MaskToWidths(design_, program);
    executor_.Run(design_, *program, {.digested = false});
    return chosen->edit(program, RunOf(executor_), limits_, draw);
  }
  const auto* chosen = Choose(kRemovingEdits, &left);
  IOMMUFD_CHECK(chosen != nullptr, "the weights add up");
  return chosen->edit(program, draw);
}

// A small program from nothing: something is set up, and each of two tasks does one thing with it.
Program ProgramMutator::Fresh(Draw& draw) {
  Program fresh;
  for (size_t left = 1 + draw.Below(6); left > 0; --left) {
    InsertInto(&fresh, program::kMain, draw);
  }
  for (uint8_t task = 1; task <= std::min<uint8_t>(2, limits_.tasks); ++task) {
    InsertInto(&fresh, task, draw);
  }
  if (!program::FirstProblem(fresh).empty() || !Fits(fresh, limits_)) return {};
  for (size_t left = draw.Below(3); left > 0; --left) {
    program::MaskToWidths(design_, &fresh);
    executor_.Run(design_, fresh, {.digested = false});
    const bool concurrent = program::TaskCount(fresh) > 1 && !draw.OneIn(4);
    const auto add = concurrent ? &AddSwitch : &AddFault;
    add(&fresh, RunOf(executor_), limits_, draw);
  }
  return fresh;
}

Program ProgramMutator::Child(const Program& parent, Draw& draw) {
  if (draw.OneIn(8)) return Fresh(draw);
  Program child = parent;
  for (int left = DrawCount(draw); left > 0; --left) {
    Program before = child;
    if (!Edit(&child, draw) || !program::FirstProblem(child).empty()) child = std::move(before);
  }
  return child;
}

size_t ProgramMutator::Mutate(uint8_t* data, size_t size, size_t max_size, unsigned seed) {
  const Program parent = Read({data, size});
  Draw draw(seed);
  for (int attempt = 0; attempt < kMostAttempts; ++attempt) {
    Program child = Child(parent, draw);
    if (child == parent || !Fits(child, limits_)) continue;
    program::MaskToWidths(design_, &child);
    if (const size_t written = Write(child, data, max_size); written > 0) return written;
  }
  return Write({}, data, max_size);
}

size_t ProgramMutator::CrossOver(std::span<const uint8_t> first, std::span<const uint8_t> second,
                                 uint8_t* out, size_t max_size, unsigned seed) {
  const Program a = Read(first);
  const Program b = Read(second);
  Draw draw(seed);
  for (int attempt = 0; attempt < kMostAttempts; ++attempt) {
    Program child = a;
    if (!Splice(&child, b, limits_, draw)) continue;
    // What was spliced in often leaves room for one of them only.
    while (child.operations.size() > limits_.operations) DeleteOperation(&child, limits_, draw);
    if (!program::FirstProblem(child).empty() || !Fits(child, limits_)) continue;
    program::MaskToWidths(design_, &child);
    if (const size_t written = Write(child, out, max_size); written > 0) return written;
  }
  return Write({}, out, max_size);
}

}  // namespace iommufd_check::cli
