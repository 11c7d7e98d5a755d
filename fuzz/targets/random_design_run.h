// Runs random designs: bytes name a design (random_design.h) and a program that gets it going.
//
//   RandomDesignRun run;
//   run.Execute(bytes);   // aborts when the tool fails a check of its own; else returns
//   std::puts(run.Summary().c_str());
#pragma once

#include <array>
#include <cstdint>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "fuzz/targets/random_design.h"
#include "model/program/execute/executor.h"

namespace iommufd_check::cli {

class RandomDesignRun {
 public:
  RandomDesignRun();

  // Any bytes: the first chooses how the program begins, then the design, then a few operations.
  const program::Execution& Execute(std::span<const uint8_t> bytes);

  // Bytes of a length and shape that make most of a run: short tables, a few operations.
  static void FillRandom(std::mt19937_64& random, std::vector<uint8_t>* bytes);

  // Executions, how they ended, violations by invariant, primitives by name.
  std::string Summary() const;

  uint64_t executions() const { return executions_; }
  const std::vector<uint64_t>& primitives_ran() const { return primitives_; }

 private:
  program::Program ProgramOf(std::span<const uint8_t> bytes) const;

  std::vector<program::Program> beginnings_;
  RandomDesign design_;
  program::Executor executor_;
  uint64_t executions_ = 0;
  std::array<uint64_t, 5> ends_{};  // by RunEnd
  std::array<uint64_t, spec::kInvariants> violated_{};
  std::vector<uint64_t> primitives_;
};

}  // namespace iommufd_check::cli
