#include "model/program/linux/compare_subjects.h"

#include <string_view>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "model/liveupdate/designs/registry.h"
#include "model/sim/check.h"
#include "model/sim/errno.h"

namespace iommufd_check::program {
namespace {

std::string NameOf(int result) { return result == 0 ? "0" : std::string(sim::ErrnoName(result)); }

bool Names(const std::string& pattern, int result) {
  return pattern == "*" || pattern == NameOf(result);
}

absl::Status BadLine(std::string_view file_name, size_t line, const std::string& text) {
  return absl::InvalidArgumentError(absl::StrCat(std::string(file_name), ":", line, ": ", text));
}

std::string ResultText(const OperationResult& result) {
  if (result.result != 0) return NameOf(result.result);
  return absl::StrFormat("0 (id %d, iova 0x%x, unmapped 0x%x)", result.created_id, result.iova,
                         result.unmapped);
}

bool SameAnswer(const OperationResult& a, const OperationResult& b) {
  return a.result == b.result && a.created_id == b.created_id && a.iova == b.iova &&
         a.unmapped == b.unmapped;
}

}  // namespace

absl::StatusOr<std::vector<KnownDifference>> ParseKnownDifferences(std::string_view text,
                                                                   std::string_view file_name) {
  std::vector<KnownDifference> known;
  size_t number = 0;
  for (absl::string_view line : absl::StrSplit(absl::string_view(text.data(), text.size()), '\n')) {
    ++number;
    line = absl::StripAsciiWhitespace(line);
    if (line.empty() || line[0] == '#') continue;
    const std::pair<std::string, std::string> halves =
        absl::StrSplit(line, absl::MaxSplits(':', 1));
    const std::vector<std::string> words = absl::StrSplit(halves.first, ' ', absl::SkipEmpty());
    const std::string reason(absl::StripAsciiWhitespace(halves.second));
    if (words.size() != 3) {
      return BadLine(file_name, number, "is not 'operation model image: reason'");
    }
    if (reason.empty()) return BadLine(file_name, number, "says no reason");
    if (!OpCodeFromName(words[0]).has_value()) {
      return BadLine(file_name, number, absl::StrCat("'", words[0], "' is no operation"));
    }
    for (const std::string& answer : {words[1], words[2]}) {
      if (answer == "*" || sim::ErrnoFromName(answer).has_value()) continue;
      return BadLine(file_name, number, absl::StrCat("'", answer, "' is no errno, 0 or *"));
    }
    known.push_back({words[0], words[1], words[2], reason});
  }
  return known;
}

std::optional<SubjectDifference> SubjectComparison::AnswerDifference(
    const Program& program, size_t index, const OperationResult& model,
    const OperationResult& image) const {
  if (SameAnswer(model, image)) return std::nullopt;
  const std::string_view name = SpecOf(program.operations[index].code).name;
  SubjectDifference difference{.operation = static_cast<uint16_t>(index)};
  difference.text =
      absl::StrCat("the model answers ", ResultText(model), ", the image ", ResultText(image));
  for (size_t row = 0; row < known_.size(); ++row) {
    if (known_[row].operation != name) continue;
    if (!Names(known_[row].model, model.result) || !Names(known_[row].image, image.result))
      continue;
    difference.known = row;
    break;
  }
  return difference;
}

absl::StatusOr<Comparison> SubjectComparison::Compare(const Program& program) {
  liveupdate::Design* reference = liveupdate::FindDesign("reference");
  IOMMUFD_CHECK(reference != nullptr, "there is a reference");
  const absl::StatusOr<const ImageExecution*> image = image_.Run(program);
  if (!image.ok()) return image.status();
  const Execution& model = model_.Run(*reference, program, {.judged = false, .digested = false});
  Comparison comparison;
  for (size_t i = 0; i < program.operations.size(); ++i) {
    const OperationResult& answer = (*image)->results[i];
    if (!answer.ran) continue;
    ++comparison.operations;
    comparison.difference = AnswerDifference(program, i, model.results[i], answer);
    if (comparison.difference.has_value()) return comparison;
  }
  // Answers are equal; what else the image shows is against the oracle, which the model agrees
  // with.
  if (!(*image)->findings.empty()) {
    const ImageFinding& first = (*image)->findings.front();
    comparison.difference = SubjectDifference{.operation = first.operation, .text = first.text};
  }
  return comparison;
}

Program SubjectComparison::Smaller(Program program, const SubjectDifference& difference) {
  const auto shows = [&](const Program& smaller) {
    const absl::StatusOr<Comparison> found = Compare(smaller);
    if (!found.ok() || !found->difference.has_value()) return false;
    return found->difference->text == difference.text;
  };
  for (size_t i = program.operations.size(); i-- > 0;) {
    Program smaller = WithoutOperation(program, i);
    if (shows(smaller)) program = std::move(smaller);
  }
  return program;
}

}  // namespace iommufd_check::program
