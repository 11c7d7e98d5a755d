#include "fuzz/cli/input_file.h"

#include <array>
#include <filesystem>
#include <fstream>
#include <span>
#include <system_error>
#include <vector>

#include "absl/strings/str_cat.h"
#include "fuzz/cli/names.h"
#include "model/liveupdate/designs/registry.h"
#include "model/program/bytes/byte_codec.h"
#include "model/program/text/text_codec.h"
#include "model/program/widths.h"
#include "model/spec/invariants.h"

namespace iommufd_check::cli {
namespace {

// Names that the text codec cannot check, since it knows neither designs nor invariants.
absl::Status CheckNames(const program::Program& program, const std::string& path) {
  if (!program.design.empty() && liveupdate::FindDesign(program.design) == nullptr) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": ", UnknownDesign(program.design)));
  }
  const auto check = [&](const std::string& id) {
    if (spec::InvariantFromName(id).has_value()) return absl::OkStatus();
    return absl::InvalidArgumentError(absl::StrCat(path, ": ", UnknownInvariant(id)));
  };
  for (const program::ExpectedViolation& expected : program.expected) {
    if (absl::Status status = check(expected.invariant); !status.ok()) return status;
  }
  for (const std::string& id : program.also) {
    if (absl::Status status = check(id); !status.ok()) return status;
  }
  return absl::OkStatus();
}

// What bytes expect was written by nobody.
void DropExpectations(program::Program* program) {
  if (liveupdate::FindDesign(program->design) == nullptr) program->design.clear();
  program->expected.clear();
  program->also.clear();
  for (program::Operation& operation : program->operations) operation.expected_errno.reset();
}

// Iterators over the buffer would throw when reading fails. Some files never end.
absl::StatusOr<std::string> ReadAll(std::istream& in, const std::string& path) {
  std::string contents;
  std::array<char, 4096> block;
  do {
    in.read(block.data(), block.size());
    contents.append(block.data(), static_cast<size_t>(in.gcount()));
    if (contents.size() > kMaxInputBytes) {
      return absl::InvalidArgumentError(
          absl::StrCat(path, ": longer than ", kMaxInputBytes >> 20, " MiB, which no input is"));
    }
  } while (in);
  if (in.bad()) return absl::PermissionDeniedError(absl::StrCat(path, ": cannot be read"));
  return contents;
}

}  // namespace

std::optional<Form> FormOfName(std::string_view path) {
  if (path.ends_with(".bin")) return Form::kBytes;
  if (path.ends_with(".prog") || path.ends_with(".txt")) return Form::kText;
  return std::nullopt;
}

absl::StatusOr<std::string> ReadInput(const std::string& path, std::istream& in) {
  if (path == "-") return ReadAll(in, path);
  std::error_code error;
  // An ifstream opens a directory without complaint, hence the questions before.
  if (!std::filesystem::exists(path, error)) {
    return absl::NotFoundError(absl::StrCat(path, ": no such file"));
  }
  if (std::filesystem::is_directory(path, error)) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": is a directory, not a program"));
  }
  std::ifstream file(path, std::ios::binary);
  if (!file) return absl::PermissionDeniedError(absl::StrCat(path, ": cannot be read"));
  return ReadAll(file, path);
}

absl::StatusOr<program::Program> DecodeProgram(const std::string& contents, Form form,
                                               const std::string& path) {
  if (form == Form::kText) return program::ParseProgram(contents, path);
  const std::span bytes(reinterpret_cast<const uint8_t*>(contents.data()), contents.size());
  if (const std::string problem = program::VersionProblem(bytes); !problem.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": ", problem));
  }
  return program::DecodeBytes(bytes);
}

absl::StatusOr<program::Program> DecodeRunnable(const std::string& contents, Form form,
                                                const std::string& path) {
  absl::StatusOr<program::Program> decoded = DecodeProgram(contents, form, path);
  if (!decoded.ok()) return decoded;
  if (form == Form::kBytes) {
    DropExpectations(&*decoded);
  } else if (absl::Status status = CheckNames(*decoded, path); !status.ok()) {
    return status;
  }
  if (decoded->operations.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": a program without operations would run nothing; add one"));
  }
  return decoded;
}

absl::Status FitToDesign(const liveupdate::Design& design, Form form, const std::string& path,
                         program::Program* program) {
  if (form == Form::kBytes) {
    program::MaskToWidths(design, program);
    return absl::OkStatus();
  }
  const std::string problem = program::WidthProblem(*program, design);
  if (problem.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(path, ": ", problem));
}

std::string EncodeProgram(const program::Program& program, Form form) {
  if (form == Form::kText) return program::PrintProgram(program);
  const std::vector<uint8_t> bytes = program::EncodeBytes(program);
  return std::string(bytes.begin(), bytes.end());
}

absl::Status WriteOutput(const std::string& path, const std::string& contents, std::ostream& out) {
  if (path == "-") {
    out << contents;
    return absl::OkStatus();
  }
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << contents;
  file.close();
  if (!file) return absl::PermissionDeniedError(absl::StrCat(path, ": cannot be written"));
  return absl::OkStatus();
}

}  // namespace iommufd_check::cli
