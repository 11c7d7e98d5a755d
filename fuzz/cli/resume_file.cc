#include "fuzz/cli/resume_file.h"

#include <filesystem>
#include <iostream>
#include <system_error>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "fuzz/cli/input_file.h"

namespace iommufd_check::cli {
namespace {

constexpr double kSecondsBetweenSaves = 5;

}  // namespace

absl::Status ResumeFile::Load() {
  std::error_code error;
  if (path_.empty() || !std::filesystem::exists(path_, error)) return absl::OkStatus();
  const absl::StatusOr<std::string> text = ReadInput(path_, std::cin);
  if (!text.ok()) return text.status();
  absl::StatusOr<explore::Checkpoint> checkpoint = explore::Checkpoint::FromJson(*text, path_);
  if (!checkpoint.ok()) return checkpoint.status();
  checkpoint_ = *std::move(checkpoint);
  return absl::OkStatus();
}

absl::Status ResumeFile::Save() const {
  if (path_.empty()) return absl::OkStatus();
  const std::string fresh = path_ + ".new";
  const absl::Status written = WriteOutput(fresh, checkpoint_.ToJson(), std::cout);
  if (!written.ok()) return written;
  std::error_code error;
  std::filesystem::rename(fresh, path_, error);
  if (!error) return absl::OkStatus();
  return absl::PermissionDeniedError(
      absl::StrCat(path_, ": cannot be replaced; what is done is in ", fresh));
}

void ResumeFile::SaveNowAndThen(double seconds) {
  if (seconds - saved_at_ < kSecondsBetweenSaves) return;
  saved_at_ = seconds;
  Save().IgnoreError();
}

}  // namespace iommufd_check::cli
