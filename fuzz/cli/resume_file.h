// --resume=FILE: what is done of some explorations, kept on disk while they run.
//
//   ResumeFile resume(path);
//   if (absl::Status loaded = resume.Load(); !loaded.ok()) ...
//   RunWork(*work, {.checkpoint = resume.checkpoint()});
//   absl::Status saved = resume.Save();
#pragma once

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "model/explore/work/checkpoint.h"

namespace iommufd_check::cli {

class ResumeFile {
 public:
  // An empty path keeps nothing.
  explicit ResumeFile(std::string path) : path_(std::move(path)) {}

  // A file that does not exist is an exploration that has not begun.
  absl::Status Load();
  // Writes a new file and then takes the old one's place, so that there is always a whole one.
  absl::Status Save() const;
  // Saves when some seconds have passed since it last did. What fails is said by Save at the end.
  void SaveNowAndThen(double seconds);

  explore::Checkpoint* checkpoint() { return path_.empty() ? nullptr : &checkpoint_; }

 private:
  const std::string path_;
  explore::Checkpoint checkpoint_;
  double saved_at_ = 0;
};

}  // namespace iommufd_check::cli
