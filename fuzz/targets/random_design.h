// A design made of bytes: each hook is a table of steps over the kernel's primitives, in any order
// and with any operand. No revision looks like this; it exists because whatever a design does, the
// tool must answer with a report (fuzz_design.cc).
//
// Like any design it has no state of its own while it runs: the registers of a step table live for
// one call, and what a preserve hands over is what LUO hands back.
//
//   RandomDesign design;
//   design.Decode({data, size});
//   executor.Run(design, program);
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "model/liveupdate/design.h"

namespace iommufd_check::cli {

// One primitive with its operands; the meaning of all three is reduced to what there is.
struct RandomStep {
  uint8_t primitive = 0;
  uint8_t a = 0;
  uint8_t b = 0;
};

class RandomDesign : public liveupdate::Design {
 public:
  static constexpr size_t kHooks = 8;
  static constexpr size_t kMostSteps = 7;  // of one hook

  // Bytes that one design takes at most.
  static constexpr size_t kMostBytes = kHooks * (1 + 3 * kMostSteps);

  // Reads the tables from the front of `data` and returns how many bytes they took. Total.
  size_t Decode(std::span<const uint8_t> data);
  // How often each primitive ran since the last Decode of this design.
  static std::span<const std::string_view> PrimitiveNames();
  const std::vector<uint64_t>& ran() const { return ran_; }

  std::string_view name() const override { return "random"; }
  std::string_view summary() const override { return "steps from bytes"; }
  const liveupdate::IommufdLayout& iommufd_layout() const override {
    return liveupdate::kIommufdR6;
  }
  const liveupdate::DomainLayout& domain_layout() const override { return liveupdate::kDomainR7; }

  int Mark(liveupdate::Kernel& k, uint32_t hwpt_id, uint64_t token) override;
  int Preserve(liveupdate::Kernel& k, liveupdate::PreserveArguments* arguments) override;
  void Unpreserve(liveupdate::Kernel& k, const liveupdate::PreserveArguments& arguments) override;

  int MapInsert(iommufd::Kernel& k, iommufd::IoasHandle ioas) override;
  int MapFill(iommufd::Kernel& k, iommufd::IoasHandle ioas) override;
  int Unmap(iommufd::Kernel& k, iommufd::IoasHandle ioas) override;
  void AbortArea(iommufd::Kernel& k, iommufd::IoasHandle ioas) override;
  void FilePagesAllocated(iommufd::Kernel& k, iommufd::PagesHandle pages) override;

 private:
  enum Hook : size_t { kMark, kPreserve, kUnpreserve, kInsert, kFill, kUnmap, kAbort, kFilePages };
  struct Registers;

  int Run(Hook hook, iommufd::Kernel& k, Registers* registers);

  std::array<std::vector<RandomStep>, kHooks> tables_;
  std::array<int, sim::kMaxTasks> depth_{};  // of hooks that call system calls that call hooks
  std::vector<uint64_t> ran_;
};

}  // namespace iommufd_check::cli
