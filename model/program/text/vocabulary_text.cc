#include "model/program/text/vocabulary_text.h"

#include <array>
#include <vector>

#include "model/sim/check.h"
#include "model/sim/errno.h"
#include "model/sim/vocabulary.h"

namespace iommufd_check::program {
namespace {

constexpr std::array<std::string_view, 4> kProts = {"none", "r", "w", "rw"};
static_assert(kProts.size() == kMaxProt + 1);

constexpr std::array<std::string_view, 6> kSeals = {"seal",  "shrink",       "grow",
                                                    "write", "future_write", "exec"};
static_assert((uint64_t{1} << kSeals.size()) - 1 == kMaxSeals);

constexpr std::array<BootField, 6> kBootFields = {{
    {"memfds", &Boot::memfds, Boot::kMaxMemfds},
    {"memfd_pages", &Boot::memfd_pages, Boot::kMaxPages},
    {"buffers", &Boot::buffers, Boot::kMaxBuffers},
    {"buffer_pages", &Boot::buffer_pages, Boot::kMaxPages},
    {"devices", &Boot::devices, Boot::kMaxDevices},
    {"iommufds", &Boot::iommufds, Boot::kMaxIommufds},
}};

}  // namespace

std::string_view ProtName(uint64_t prot) {
  IOMMUFD_CHECK(prot <= kMaxProt, "a protection has two bits");
  return kProts[prot];
}

std::string SealsText(uint64_t seals) {
  IOMMUFD_CHECK(seals <= kMaxSeals, "only known seals have a name");
  std::string text;
  for (size_t bit = 0; bit < kSeals.size(); ++bit) {
    if (!((seals >> bit) & 1)) continue;
    if (!text.empty()) text += '|';
    text += kSeals[bit];
  }
  return text.empty() ? "none" : text;
}

std::optional<uint64_t> SealFromName(std::string_view name) {
  for (size_t bit = 0; bit < kSeals.size(); ++bit) {
    if (kSeals[bit] == name) return uint64_t{1} << bit;
  }
  return std::nullopt;
}

std::span<const std::string_view> SealNames() { return kSeals; }

std::string_view KindWord(ArgumentKind kind) {
  for (int i = 0; i < static_cast<int>(ResultKind::kCount); ++i) {
    const auto result = static_cast<ResultKind>(i);
    if (kind != ArgumentKind::kObject && Accepts(kind, result)) return Name(result);
  }
  return "";
}

std::string_view VariableStem(ResultKind result) {
  IOMMUFD_CHECK(result != ResultKind::kNone, "only an operation with a result has a variable");
  return uapi::StemOf(result);
}

std::span<const BootField> BootFields() { return kBootFields; }

std::span<const std::string_view> OperationNames() {
  static const std::vector<std::string_view> names = [] {
    std::vector<std::string_view> list;
    list.reserve(static_cast<size_t>(OpCode::kCount));
    for (const OpCode code : uapi::AllOperations()) {
      list.push_back(SpecOf(code).name);
    }
    return list;
  }();
  return names;
}

std::span<const std::string_view> FaultSiteNames() {
  static const std::vector<std::string_view> names = [] {
    std::vector<std::string_view> list;
    list.reserve(sim::Count<sim::FaultSite>());
    for (int i = 0; i < sim::Count<sim::FaultSite>(); ++i) {
      list.push_back(sim::Name(static_cast<sim::FaultSite>(i)));
    }
    return list;
  }();
  return names;
}

std::span<const std::string_view> ErrnoNames() {
  constexpr int kLastErrno = 133;  // EHWPOISON
  static const std::vector<std::string_view> names = [] {
    std::vector<std::string_view> list;
    for (int number = 0; number <= kLastErrno; ++number) {
      const std::string_view name = sim::ErrnoName(number);
      if (sim::ErrnoFromName(name) == number) list.push_back(name);
    }
    return list;
  }();
  return names;
}

}  // namespace iommufd_check::program
