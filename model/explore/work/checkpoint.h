// The parts of explorations that are done, to go on later where a sitting ended.
//
//   absl::StatusOr<Checkpoint> checkpoint = Checkpoint::FromJson(text, "state.json");
//   RunWork(*work, {.checkpoint = &*checkpoint});
//   Save(checkpoint->ToJson());
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "model/explore/work/certificate.h"

namespace iommufd_check::explore {

class Checkpoint {
 public:
  // `name` is the file's, for messages. FAULTS: InvalidArgument.
  static absl::StatusOr<Checkpoint> FromJson(const std::string& text, const std::string& name);
  std::string ToJson() const;

  // What is known of a part of the exploration that `blank` stands for; null: nothing.
  const Certificate* Find(const Certificate& blank, uint32_t part) const;
  // REQUIRES: the certificate is of one part, which ran to its end.
  void Keep(const Certificate& part);

 private:
  std::map<std::pair<uint64_t, uint32_t>, Certificate> parts_;  // by identity and part
};

}  // namespace iommufd_check::explore
