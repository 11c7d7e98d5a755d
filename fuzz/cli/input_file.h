// Programs from files, from standard input, and back.
#pragma once

#include <cstdint>
#include <istream>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "model/liveupdate/design.h"
#include "model/program/program.h"

namespace iommufd_check::cli {

enum class Form : uint8_t { kText, kBytes };

// By the suffix: ".bin" is bytes, ".prog" and ".txt" are text.
std::optional<Form> FormOfName(std::string_view path);

// More than any program has, and than the certificates of some thousand explorations.
inline constexpr size_t kMaxInputBytes = size_t{64} << 20;

// The whole file, or of `in` when the path is "-". ERRORS: one sentence that names the path; also
// when there is more of it than kMaxInputBytes.
absl::StatusOr<std::string> ReadInput(const std::string& path, std::istream& in);

// The program in `contents`; it is named `path` in messages. ERRORS: as ParseProgram; of bytes,
// when they are of another version.
absl::StatusOr<program::Program> DecodeProgram(const std::string& contents, Form form,
                                               const std::string& path);

// The same for a program that is to run. The design and the invariants that a text names exist;
// from bytes, which a fuzzer wrote, all expectations and an unknown design are dropped. A program
// without operations is refused: nothing done is never a pass.
absl::StatusOr<program::Program> DecodeRunnable(const std::string& contents, Form form,
                                                const std::string& path);

// Makes the program one for `design`: what a fuzzer wrote is cut to the widths of the design's
// structs. ERRORS: InvalidArgument for a text with an argument that the design cannot carry.
absl::Status FitToDesign(const liveupdate::Design& design, Form form, const std::string& path,
                         program::Program* program);

std::string EncodeProgram(const program::Program& program, Form form);

// To the file, or to `out` when the path is "-".
absl::Status WriteOutput(const std::string& path, const std::string& contents, std::ostream& out);

}  // namespace iommufd_check::cli
