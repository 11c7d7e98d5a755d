// iommufd-check merge: the certificates of shards become those of the whole.
#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "fuzz/cli/command.h"
#include "fuzz/report/certificate_printer.h"

namespace iommufd_check::cli {
namespace {

using explore::Certificate;

// Adds one certificate to those of its exploration. What is wrong, in one sentence, or empty.
std::string Add(const Certificate& certificate, std::vector<Certificate>* wholes) {
  const auto whole = std::find_if(wholes->begin(), wholes->end(), [&](const Certificate& other) {
    return other.identity == certificate.identity && other.program == certificate.program;
  });
  if (whole == wholes->end()) {
    wholes->push_back(certificate);
    return "";
  }
  const std::string problem = whole->WhyNotMergeable(certificate);
  if (problem.empty()) whole->Merge(certificate);
  return problem;
}

ExitCode Merge(std::span<const std::string> arguments, const Streams& io) {
  bool json = false;
  std::string previous;
  std::string programs;
  FlagSet flags;
  flags.Add("json", "", "print the certificates as one JSON list", &json);
  flags.Add("previous", "FILE", "also say what differs from these certificates (JSON)", &previous);
  flags.Add("programs", "DIR", "write each finding's program there, do not print it", &programs);
  std::vector<std::string> files;
  if (const auto code = ParseArguments(kMergeCommand, flags, arguments, io, &files)) return *code;
  if (files.empty()) return UsageError(kMergeCommand, "no certificate to merge", io);
  CertificatePrinter printer({.json = json, .programs = programs}, &io.out, &io.err);
  if (const absl::Status read = printer.ReadPrevious(previous, io.in); !read.ok()) {
    return FileError(std::string(read.message()), io);
  }
  std::vector<Certificate> wholes;
  for (const std::string& file : files) {
    const auto certificates = ReadCertificates(file, io.in);
    if (!certificates.ok()) return FileError(std::string(certificates.status().message()), io);
    for (const Certificate& certificate : *certificates) {
      const std::string problem = Add(certificate, &wholes);
      if (!problem.empty()) return FileError(absl::StrCat(file, ": ", problem), io);
    }
  }
  if (wholes.empty()) return UsageError(kMergeCommand, "no certificate in these files", io);
  for (Certificate& whole : wholes) {
    // A part that no shard brought is work that was not done.
    if (whole.done.size() != whole.parts && whole.finished) {
      whole.finished = false;
      whole.ended_by = absl::StrCat(whole.parts - whole.done.size(), " parts missing");
    }
    if (const absl::Status added = printer.Add(whole); !added.ok()) {
      return FileError(std::string(added.message()), io);
    }
  }
  return printer.Finish();
}

}  // namespace

const Command kMergeCommand{
    .name = "merge",
    .summary = "put the certificates of shards together",
    .usage =
        "Usage: iommufd-check merge [--flags] FILE...\n"
        "\n"
        "Reads what `explore`, `sweep` or `verdict` printed with --json and --shard=I/N, and\n"
        "prints the certificates of the whole: the same as if it had not been sharded.\n"
        "Exits 1 on a violation, 3 when a part is missing or did not come to its end.\n"
        "\n"
        "Example:\n"
        "  iommufd-check merge shard-*.json\n",
    .run = &Merge,
};

}  // namespace iommufd_check::cli
