#include "model/program/linux/random_sequential.h"

#include <array>
#include <random>
#include <span>
#include <vector>

#include "model/program/linux/image_executor.h"
#include "model/sim/check.h"

namespace iommufd_check::program {
namespace {

// Whole numbers of the engine, whose sequence the standard fixes; its distributions it does not.
class Draw {
 public:
  Draw(uint64_t seed, uint64_t index) : engine_(seed * 0x9e3779b97f4a7c15 + index) {}
  uint64_t Below(uint64_t limit) { return engine_() % limit; }
  bool OneIn(uint64_t n) { return Below(n) == 0; }
  template <class T>
  const T& Of(std::span<const T> values) {
    return values[Below(values.size())];
  }

 private:
  std::mt19937_64 engine_;
};

struct Weight {
  OpCode code;
  uint64_t weight;
};
constexpr std::array<Weight, 11> kWeights{{{OpCode::kIoasAlloc, 4},
                                           {OpCode::kDeviceBind, 5},
                                           {OpCode::kDeviceUnbind, 2},
                                           {OpCode::kDeviceAttach, 5},
                                           {OpCode::kDeviceDetach, 3},
                                           {OpCode::kHwptAlloc, 6},
                                           {OpCode::kMap, 16},
                                           {OpCode::kUnmap, 8},
                                           {OpCode::kDestroy, 5},
                                           {OpCode::kCloseIommufd, 1},
                                           {OpCode::kIoasCopy, 8}}};

// Near each other, at the ends of the aperture and of all, off a page's beginning.
constexpr uint64_t kPage = 0x1000;
constexpr uint64_t kIovas[] = {0,
                               kPage,
                               2 * kPage,
                               3 * kPage,
                               4 * kPage,
                               8 * kPage,
                               0x200000,
                               0x1ff000,
                               0x800,
                               0x1800,
                               0x40000000,
                               (uint64_t{1} << 39) - kPage,
                               uint64_t{1} << 39,
                               UINT64_MAX,
                               UINT64_MAX - kPage + 1,
                               UINT64_MAX - 2 * kPage + 1};
constexpr uint64_t kLengths[] = {kPage,     kPage,     kPage,     2 * kPage, 2 * kPage,
                                 3 * kPage, 4 * kPage, 8 * kPage, 0x800,     1,
                                 0x1800,    0,         0x200000};
constexpr uint64_t kHugeLengths[] = {UINT64_MAX, UINT64_MAX - kPage, UINT64_MAX - kPage + 1,
                                     UINT64_MAX / 2, uint64_t{1} << 40};
constexpr uint64_t kOffsets[] = {0, 0, 0, kPage, 2 * kPage, 3 * kPage, 0x800, 0x1800, 7 * kPage};

OpCode DrawCode(Draw& draw) {
  uint64_t all = 0;
  for (const Weight& row : kWeights) all += row.weight;
  uint64_t left = draw.Below(all);
  for (const Weight& row : kWeights) {
    if (left < row.weight) return row.code;
    left -= row.weight;
  }
  IOMMUFD_CHECK(false, "weights add up");
  return OpCode::kIoasAlloc;
}

// An earlier operation that defines what the argument takes, mostly; else an id.
Argument DrawObject(Draw& draw, ArgumentKind kind, const Program& program) {
  std::vector<uint16_t> defining;
  for (size_t i = 0; i < program.operations.size(); ++i) {
    const ResultKind result = SpecOf(program.operations[i].code).result;
    if (result != ResultKind::kNone && Accepts(kind, result)) {
      defining.push_back(static_cast<uint16_t>(i));
    }
  }
  if (defining.empty() || draw.OneIn(16)) return {.value = draw.Below(8)};
  // The last ones are the likeliest to be there.
  const size_t recent = std::min<size_t>(defining.size(), 3);
  const size_t at =
      draw.OneIn(3) ? draw.Below(defining.size()) : defining.size() - 1 - draw.Below(recent);
  return {.variable = defining[at]};
}

Argument DrawArgument(Draw& draw, const ArgumentSpec& spec, const Program& program) {
  const Boot& boot = program.boot;
  switch (spec.kind) {
    case ArgumentKind::kBuffer:
      return {.value = draw.Below(boot.buffers)};
    case ArgumentKind::kIndex:
      return {.value = draw.Below(boot.devices)};
    case ArgumentKind::kOffset:
      return {.value = draw.Of<uint64_t>(kOffsets)};
    case ArgumentKind::kLength:
      if (spec.fallback.has_value() && draw.OneIn(4)) return {.value = *spec.fallback};
      if (draw.OneIn(24)) return {.value = draw.Of<uint64_t>(kHugeLengths)};
      return {.value = draw.Of<uint64_t>(kLengths)};
    case ArgumentKind::kIova:
      if (draw.OneIn(4)) return {.automatic = true};
      return {.value = draw.Of<uint64_t>(kIovas)};
    case ArgumentKind::kAddress:
      return {.value = draw.Of<uint64_t>(kIovas)};
    case ArgumentKind::kProt:
      return {.value = draw.OneIn(3) ? draw.Below(4) : 3};
    case ArgumentKind::kIommufd:
      return {.value =
                  draw.OneIn(8) ? WrittenIommufd(draw.Below(boot.iommufds)) : kIommufdOfObject};
    default:
      IOMMUFD_CHECK(IsObject(spec.kind), "what else the operations of images take");
      return DrawObject(draw, spec.kind, program);
  }
}

Operation DrawOperation(Draw& draw, OpCode code, const Program& program) {
  Operation operation{.code = code};
  const auto& specs = SpecOf(code).arguments;
  for (size_t i = 0; i < specs.size(); ++i) {
    operation.arguments[i] = DrawArgument(draw, specs[i], program);
  }
  return operation;
}

}  // namespace

Program RandomSequentialProgram(uint64_t seed, uint64_t index) {
  Draw draw(seed, index);
  Program program;
  program.boot = {.memfds = 0,
                  .memfd_pages = 1,
                  .buffers = static_cast<uint32_t>(1 + draw.Below(2)),
                  .buffer_pages = static_cast<uint32_t>(1 + draw.Below(9)),
                  .devices = static_cast<uint32_t>(1 + draw.Below(3)),
                  .iommufds = static_cast<uint32_t>(draw.OneIn(4) ? 2 : 1)};
  // Without these most calls would be about nothing.
  for (const OpCode code : {OpCode::kIoasAlloc, OpCode::kDeviceBind}) {
    program.operations.push_back(DrawOperation(draw, code, program));
  }
  const uint64_t operations = 4 + draw.Below(28);
  for (uint64_t i = 0; i < operations; ++i) {
    program.operations.push_back(DrawOperation(draw, DrawCode(draw), program));
  }
  return program;
}

}  // namespace iommufd_check::program
