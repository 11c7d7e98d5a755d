// iommufd-check convert: programs from text to bytes and back, and from older formats.
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "fuzz/cli/command.h"
#include "fuzz/cli/format_one.h"
#include "fuzz/cli/input_file.h"

namespace iommufd_check::cli {
namespace {

Form Other(Form form) { return form == Form::kText ? Form::kBytes : Form::kText; }

std::optional<Form> FormFromWord(const std::string& word) {
  if (word == "text") return Form::kText;
  if (word == "bytes") return Form::kBytes;
  return std::nullopt;
}

// From --to, else from the suffix of either name. Nothing when neither tells.
std::optional<Form> FormToWrite(const std::string& to, const std::string& in,
                                const std::string& out) {
  if (!to.empty()) return FormFromWord(to);
  const std::optional<Form> from_form = FormOfName(in);
  const std::optional<Form> to_form = FormOfName(out);
  if (to_form.has_value()) return to_form;
  if (from_form.has_value()) return Other(*from_form);
  return std::nullopt;
}

// What OUT holds. From text to text a program comes from format 1; a copy that looks like a
// conversion is a mistake.
absl::StatusOr<std::string> Converted(const std::string& contents, Form to,
                                      const std::string& path) {
  const Form from = FormOfName(path).value_or(Other(to));
  const bool is_old = from == Form::kText && IsFormatOne(contents);
  if (from == to && !is_old) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": is ", to == Form::kText ? "text" : "bytes",
                     " of the present format already, so there is nothing to convert"));
  }
  if (from == Form::kBytes || !is_old) {
    const absl::StatusOr<program::Program> program = DecodeProgram(contents, from, path);
    if (!program.ok()) return program.status();
    return EncodeProgram(*program, to);
  }
  const absl::StatusOr<std::string> text = FromFormatOne(contents, path);
  if (!text.ok() || to == Form::kText) return text;
  const absl::StatusOr<program::Program> program = DecodeProgram(*text, Form::kText, path);
  if (!program.ok()) return program.status();
  return EncodeProgram(*program, to);
}

ExitCode Convert(std::span<const std::string> arguments, const Streams& io) {
  std::string to;
  FlagSet flags;
  flags.Add("to", "text|bytes", "what OUT becomes, whatever the names say", &to);
  std::vector<std::string> files;
  if (const auto code = ParseArguments(kConvertCommand, flags, arguments, io, &files)) return *code;
  if (!to.empty() && !FormFromWord(to).has_value()) {
    return UsageError(kConvertCommand, absl::StrCat("--to=", to, " is neither text nor bytes"), io);
  }
  if (files.size() != 2) return UsageError(kConvertCommand, "give two files: IN and OUT", io);
  const std::optional<Form> form = FormToWrite(to, files[0], files[1]);
  if (!form.has_value()) {
    return UsageError(kConvertCommand,
                      "the names do not tell text (.prog) from bytes (.bin); say --to", io);
  }

  const absl::StatusOr<std::string> contents = ReadInput(files[0], io.in);
  if (!contents.ok()) return FileError(std::string(contents.status().message()), io);
  const absl::StatusOr<std::string> converted = Converted(*contents, *form, files[0]);
  if (!converted.ok()) return FileError(std::string(converted.status().message()), io);
  const absl::Status written = WriteOutput(files[1], *converted, io.out);
  if (!written.ok()) return FileError(std::string(written.message()), io);
  return ExitCode::kOk;
}

}  // namespace

const Command kConvertCommand{
    .name = "convert",
    .summary = "turn a program from text into bytes or back, or from an older format",
    .usage =
        "Usage: iommufd-check convert [--to=text|bytes] IN OUT\n"
        "\n"
        "Names ending in .prog are text, in .bin bytes as fuzzers mutate them. `-` is standard\n"
        "input or output. Nothing is lost either way. A text of format 1, whose switches count\n"
        "steps (A@37), becomes one of the present format when it is run: give two .prog names.\n"
        "\n"
        "Example:\n"
        "  iommufd-check convert crash.bin crash.prog\n"
        "  iommufd-check convert old.prog new.prog\n",
    .run = &Convert,
};

}  // namespace iommufd_check::cli
