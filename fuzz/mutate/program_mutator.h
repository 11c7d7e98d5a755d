// Structure-aware mutation: bytes -> program -> edits -> bytes.
//
// What comes out decodes to a program within the limits, is at most `max_size` long, and depends on
// what went in alone: the parent, the seed, the design and the limits. Expectations, title and
// design that a program carries are dropped: they mean nothing to a fuzzer.
//
//   ProgramMutator mutator(&executor, design, {.tasks = 3});
//   size = mutator.Mutate(data, size, max_size, seed);
//   size = mutator.CrossOver(a, b, out, max_size, seed);
//
// Threads: as its executor, which runs parents.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "fuzz/mutate/draw.h"
#include "fuzz/mutate/limits.h"
#include "model/liveupdate/design.h"
#include "model/program/execute/executor.h"
#include "model/program/program.h"

namespace iommufd_check::cli {

class ProgramMutator {
 public:
  // Both must outlive this. The design cuts arguments to the widths of its structs.
  ProgramMutator(program::Executor* executor, liveupdate::Design* design, const Limits& limits)
      : executor_(*executor), design_(*design), limits_(limits) {}

  // In place; the new size. 0 only where `max_size` is too small for any program.
  size_t Mutate(uint8_t* data, size_t size, size_t max_size, unsigned seed);

  // A program with parts of both to `out`; its size.
  size_t CrossOver(std::span<const uint8_t> first, std::span<const uint8_t> second, uint8_t* out,
                   size_t max_size, unsigned seed);

 private:
  program::Program Read(std::span<const uint8_t> bytes) const;
  size_t Write(const program::Program& program, uint8_t* out, size_t max_size) const;
  bool Edit(program::Program* program, Draw& draw);
  program::Program Fresh(Draw& draw);
  program::Program Child(const program::Program& parent, Draw& draw);

  program::Executor& executor_;
  liveupdate::Design& design_;
  const Limits limits_;
};

}  // namespace iommufd_check::cli
