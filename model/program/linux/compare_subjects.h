// One program on the reference model and on an image, operation by operation.
//
//   SubjectComparison comparison(machine.get(), known);
//   absl::StatusOr<Comparison> found = comparison.Compare(program);
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "model/program/execute/executor.h"
#include "model/program/linux/image_executor.h"

namespace iommufd_check::program {

// A difference that is known: of this operation, where the model answers one thing and the image
// another. Answers are errnos by name, `0`, or `*` for any.
struct KnownDifference {
  std::string operation;
  std::string model;
  std::string image;
  std::string reason;  // a sentence
};

// Reads a table: a line each, `operation model image: reason`; `#` begins a comment. ERRORS:
// InvalidArgument, with the line.
absl::StatusOr<std::vector<KnownDifference>> ParseKnownDifferences(std::string_view text,
                                                                   std::string_view file_name);

struct SubjectDifference {
  uint16_t operation = 0;  // spec::kExitOperation: the exit
  std::string text;        // one clause
  // Where it is explained: the row of the table. What comes after it is not compared.
  std::optional<size_t> known;
};

struct Comparison {
  uint64_t operations = 0;                      // that were compared
  std::optional<SubjectDifference> difference;  // the first
};

class SubjectComparison {
 public:
  // REQUIRES: both outlive this.
  SubjectComparison(linux_host::Machine* machine, std::span<const KnownDifference> known)
      : image_(machine), known_(known) {}

  // ERRORS: as ImageExecutor::Run.
  absl::StatusOr<Comparison> Compare(const Program& program);

  // A program with fewer operations that shows a difference of the same operation with the same
  // text, as small as leaving out one at a time gets.
  Program Smaller(Program program, const SubjectDifference& difference);

 private:
  std::optional<SubjectDifference> AnswerDifference(const Program& program, size_t index,
                                                    const OperationResult& model,
                                                    const OperationResult& image) const;

  Executor model_;
  ImageExecutor image_;
  const std::span<const KnownDifference> known_;
};

}  // namespace iommufd_check::program
