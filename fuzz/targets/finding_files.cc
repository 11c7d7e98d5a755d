#include "fuzz/targets/finding_files.h"

#include <unistd.h>
#include <xxhash.h>

#include <cstdio>
#include <filesystem>
#include <iostream>
#include <optional>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "fuzz/cli/input_file.h"
#include "model/program/text/text_codec.h"

namespace iommufd_check::cli {
namespace {

// Of the program in the file; nothing where there is none that can be read.
std::optional<size_t> SizeInFile(const std::string& path) {
  std::error_code error;
  if (!std::filesystem::exists(path, error)) return std::nullopt;
  std::istringstream no_input;
  const absl::StatusOr<std::string> text = ReadInput(path, no_input);
  if (!text.ok()) return std::nullopt;
  const absl::StatusOr<program::Program> program = program::ParseProgram(*text, path);
  return program.ok() ? std::optional(SizeOf(*program)) : std::nullopt;
}

}  // namespace

std::string FindingFileName(const std::string& design, const program::Identity& identity) {
  const std::string text = program::TextOf(identity);
  const auto hash = static_cast<uint32_t>(XXH3_64bits(text.data(), text.size()));
  return absl::StrFormat("%s-%s-%s-%08x.prog", design, std::string(spec::IdOf(identity.invariant)),
                         program::OperationOf(identity), hash);
}

size_t SizeOf(const program::Program& program) {
  return program.operations.size() + program.faults.size() + program.switches.size();
}

std::string FindingFiles::PathOf(const program::Identity& identity) const {
  return folder_ + "/" + FindingFileName(design_, identity);
}

bool FindingFiles::Lacks(const program::Identity& identity, size_t size) {
  const auto known = sizes_.find(identity);
  if (known != sizes_.end()) return size < known->second;
  const std::optional<size_t> kept = SizeInFile(PathOf(identity));
  if (!kept) return true;
  sizes_[identity] = *kept;
  return size < *kept;
}

absl::StatusOr<std::string> FindingFiles::Keep(const program::Program& program,
                                               const program::Identity& identity) {
  const std::string path = PathOf(identity);
  sizes_.erase(identity);  // another process may have written since
  const size_t size = SizeOf(program);
  if (!Lacks(identity, size)) return path;
  const std::string whole = absl::StrCat(path, ".", getpid(), ".new");
  const absl::Status written = WriteOutput(whole, program::PrintProgram(program), std::cout);
  if (!written.ok()) return written;
  if (std::rename(whole.c_str(), path.c_str()) != 0) {
    return absl::PermissionDeniedError(path + ": cannot be written");
  }
  sizes_[identity] = size;
  return path;
}

}  // namespace iommufd_check::cli
