#include "fuzz/targets/random_design_run.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "model/program/text/text_codec.h"
#include "model/sim/check.h"

namespace iommufd_check::cli {

using program::Argument;
using program::ArgumentKind;
using program::ArgumentSpec;
using program::OpCode;
using program::Operation;
using program::Program;

namespace {

constexpr size_t kBytesPerOperation = 8;
constexpr size_t kMostOperations = 5;
// Hooks call system calls that call hooks: a run that is still going then is a loop of the design.
constexpr uint32_t kStepLimit = 20'000;

// How programs begin; the bytes add operations to it. Numbers of objects are those of creation.
constexpr std::string_view kBeginnings[] = {
    R"(boot memfds=2 memfd_pages=2 buffers=1 buffer_pages=2 devices=2 iommufds=2
main:
  ioas = ioas_alloc()
  dev = device_bind(index=0)
  hwpt = hwpt_alloc(dev, ioas)
  device_attach(dev, hwpt)
  memfd_seal(0, seals=seal|grow|shrink)
  map_file(ioas, memfd=0, iova=0x1000, length=0x2000)
  lu_mark(hwpt, token=7)
  s = luo_create_session(name="vm")
  luo_preserve(s, memfd=0, token=1)
  luo_preserve(s, iommufd, token=2)
)",
    R"(boot memfds=2 memfd_pages=2 buffers=1 buffer_pages=2 devices=2 iommufds=2
main:
  ioas = ioas_alloc()
  dev = device_bind(index=0)
  hwpt = hwpt_alloc(dev, ioas)
  lu_mark(hwpt, token=7)
  s = luo_create_session(name="vm")
A:
  map_file(ioas, memfd=0, iova=0x1000, length=0x2000)
  unmap(ioas, iova=0x1000, length=0x2000)
B:
  luo_preserve(s, iommufd, token=2)
  luo_close_session(s)
)",
    R"(boot memfds=2 memfd_pages=2 buffers=1 buffer_pages=2 devices=2 iommufds=2
main:
  s = luo_create_session(name="vm")
  luo_preserve(s, iommufd, token=2)
  luo_close_session(s)
  s2 = luo_create_session(name="vm")
  ioas = ioas_alloc()
  map(ioas, iova=0x1000, length=0x1000)
  ioas2 = ioas_alloc(iommufd=1)
  dev2 = device_bind(index=1, iommufd=1)
  hwpt2 = hwpt_alloc(dev2, ioas2)
  lu_mark(hwpt2, token=7)
  luo_preserve(s2, iommufd=1, token=2)
)",
};

uint64_t ValueOf(const ArgumentSpec& spec, uint8_t byte) {
  if (program::IsNumber(spec.kind)) return byte % 2 == 0 ? byte / 2 * mm::kPageSize : byte;
  if (program::IsId(spec.kind)) return byte % 8;
  switch (spec.kind) {
    case ArgumentKind::kMemfd:
    case ArgumentKind::kIndex:
      return byte % 2;
    case ArgumentKind::kFile:
      return byte % 3 == 2 ? program::FileIommufd(byte / 3 % 2) : byte % 3;
    case ArgumentKind::kIommufd:
      return byte % 4 == 3 ? program::WrittenIommufd(1) : program::kIommufdOfObject;
    case ArgumentKind::kProt:
      return byte % 4;
    case ArgumentKind::kSeals:
      return byte % 64;
    default:
      return 0;
  }
}

std::vector<uint8_t> GentlePrimitives() {
  constexpr std::string_view kGentle[] = {
      "copy",
      "kho_alloc_preserve",
      "kho_preserve_folio",
      "kho_unpreserve_folio",
      "store",
      "load",
      "take frame",
      "pin frame",
      "unpin frame",
      "memfd_pin_folios",
      "unpin_pages",
      "memfd_get_file",
      "memfd_truncate",
      "memfd_punch_hole",
      "memfd_add_seals",
      "lock shared",
      "unlock shared",
      "get object",
      "put object",
      "lock object",
      "immutable",
      "iommufd_get_file",
      "iommufd_put_file",
      "return",
      "domain_alloc",
      "iommu_domain_preserve",
      "iommu_map",
      "iommu_unmap",
      "ioas_alloc",
      "ioas_map",
      "ioas_map_file",
      "ioas_unmap",
      "hwpt_alloc",
      "iommufd_destroy",
      "device_attach",
      "device_detach",
      "device_unbind",
      "luo_preserve_fd",
      "remove object",
      "memfd_luo_preserve",
  };
  const auto names = RandomDesign::PrimitiveNames();
  std::vector<uint8_t> gentle;
  for (std::string_view name : kGentle) {
    const auto found = std::find(names.begin(), names.end(), name);
    IOMMUFD_CHECK(found != names.end(), "a gentle primitive is one of them");
    gentle.push_back(static_cast<uint8_t>(found - names.begin()));
  }
  return gentle;
}

// The session of `program` that an operation may name, if any was created before.
std::optional<uint16_t> SessionIn(const Program& program) {
  for (size_t i = 0; i < program.operations.size(); ++i) {
    if (program.operations[i].code == OpCode::kLuoCreateSession) return static_cast<uint16_t>(i);
  }
  return std::nullopt;
}

Operation OperationOf(std::span<const uint8_t> bytes, std::optional<uint16_t> session) {
  Operation op;
  op.code = static_cast<OpCode>(bytes[0] % static_cast<int>(OpCode::kCount));
  constexpr uint8_t kTasks[] = {1, 2, program::kFinally, 1};
  op.task = kTasks[bytes[1] % 4];
  const auto arguments = program::SpecOf(op.code).arguments;
  for (size_t i = 0; i < arguments.size(); ++i) {
    if (arguments[i].kind == ArgumentKind::kSession) op.arguments[i].variable = session;
    if (arguments[i].kind == ArgumentKind::kName) op.name = bytes[2] % 2 == 0 ? "a" : "vm";
    op.arguments[i].value =
        op.arguments[i].variable.has_value() ? 0 : ValueOf(arguments[i], bytes[2 + i]);
  }
  return op;
}

// Leaves the first operation of `from` before one of its first dozen of locks, unlocks, accesses or
// calls, whichever `byte` says.
sim::Switch SwitchIn(const Program& program, uint8_t from, uint8_t byte, uint8_t to) {
  constexpr sim::Primitive kActs[] = {sim::Primitive::kLock, sim::Primitive::kUnlock,
                                      sim::Primitive::kRead, sim::Primitive::kCall};
  const auto first = std::find_if(program.operations.begin(), program.operations.end(),
                                  [from](const Operation& op) { return op.task == from; });
  sim::Switch change{.act = {kActs[byte % 4], sim::kAnyDetail}, .to = to};
  change.operation = static_cast<uint16_t>(first - program.operations.begin());
  change.nth = static_cast<uint16_t>(1 + byte / 4 % 12);
  return change;
}

}  // namespace

RandomDesignRun::RandomDesignRun() {
  for (std::string_view text : kBeginnings) {
    auto parsed = program::ParseProgram(text, "beginning");
    IOMMUFD_CHECK(parsed.ok(), "the beginnings are programs");
    beginnings_.push_back(*std::move(parsed));
  }
  primitives_.assign(RandomDesign::PrimitiveNames().size(), 0);
}

Program RandomDesignRun::ProgramOf(std::span<const uint8_t> bytes) const {
  const uint8_t first = bytes.empty() ? 0 : bytes[0];
  Program result = beginnings_[first % beginnings_.size()];
  const std::optional<uint16_t> session = SessionIn(result);
  for (size_t i = 1;
       i + kBytesPerOperation <= bytes.size() && i < 1 + kMostOperations * kBytesPerOperation;
       i += kBytesPerOperation) {
    result.operations.push_back(OperationOf(bytes.subspan(i, kBytesPerOperation), session));
  }
  program::SortOperations(&result);
  const auto has = [&](uint8_t task) {
    return std::any_of(result.operations.begin(), result.operations.end(),
                       [task](const Operation& op) { return op.task == task; });
  };
  if (has(1) && has(2) && bytes.size() > 2) {
    result.switches.push_back(SwitchIn(result, 1, bytes[1], 2));
    result.switches.push_back(SwitchIn(result, 2, bytes[2], 1));
  }
  if (!bytes.empty() && bytes.back() % 2 == 0) {
    const auto operation = static_cast<uint16_t>(first % result.operations.size());
    const auto site = static_cast<sim::FaultSite>(bytes.back() / 2 % sim::Count<sim::FaultSite>());
    result.faults.push_back({operation, site, 1});
  }
  return result;
}

const program::Execution& RandomDesignRun::Execute(std::span<const uint8_t> bytes) {
  const size_t used = design_.Decode(bytes);
  const Program program = ProgramOf(bytes.subspan(used));
  const std::string problem = program::FirstProblem(program);
  IOMMUFD_CHECK(problem.empty(), problem.c_str());
  const program::Execution& run = executor_.Run(design_, program, {.step_limit = kStepLimit});
  ++executions_;
  ++ends_[static_cast<size_t>(run.end)];
  for (const spec::Violation& violation : run.violations) {
    ++violated_[static_cast<size_t>(violation.invariant)];
  }
  for (size_t i = 0; i < primitives_.size(); ++i) primitives_[i] += design_.ran()[i];
  return run;
}

// Uniform bytes end in an oops at the second step. Three steps in four are therefore of those that
// a machine survives, with operands that fit each other.
void RandomDesignRun::FillRandom(std::mt19937_64& random, std::vector<uint8_t>* bytes) {
  static const std::vector<uint8_t> gentle = GentlePrimitives();
  const auto byte = [&] { return static_cast<uint8_t>(random() >> 32); };
  bytes->clear();
  for (size_t hook = 0; hook < RandomDesign::kHooks; ++hook) {
    const uint8_t steps = byte() % (RandomDesign::kMostSteps + 1);
    bytes->push_back(steps);
    for (uint8_t i = 0; i < steps; ++i) {
      const bool any = byte() % 4 == 0;
      bytes->push_back(any ? byte() : gentle[byte() % gentle.size()]);
      bytes->push_back(byte());
      bytes->push_back(any ? byte() : static_cast<uint8_t>(byte() % 64 * 3));
    }
  }
  for (size_t i = byte() % 4 * kBytesPerOperation + 3; i > 0; --i) bytes->push_back(byte());
}

std::string RandomDesignRun::Summary() const {
  constexpr std::string_view kEnds[] = {"completed", "oops", "deadlock", "hung", "stopped"};
  std::string text = absl::StrCat("executions   ", executions_, "\nended in    ");
  for (size_t i = 0; i < ends_.size(); ++i) {
    absl::StrAppend(&text, " ", std::string(kEnds[i]), "(", ends_[i], ")");
  }
  absl::StrAppend(&text, "\nviolated    ");
  for (size_t i = 0; i < violated_.size(); ++i) {
    if (violated_[i] == 0) continue;
    absl::StrAppend(&text, " ", std::string(spec::IdOf(static_cast<spec::Invariant>(i))), "(",
                    violated_[i], ")");
  }
  absl::StrAppend(&text, "\nprimitives  ");
  for (size_t i = 0; i < primitives_.size(); ++i) {
    absl::StrAppend(&text, " ", std::string(RandomDesign::PrimitiveNames()[i]), "(", primitives_[i],
                    ")");
  }
  return text + "\n";
}

}  // namespace iommufd_check::cli
