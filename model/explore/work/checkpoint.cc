#include "model/explore/work/checkpoint.h"

#include <vector>

#include "absl/strings/str_cat.h"
#include "model/explore/work/certificate_json.h"
#include "model/sim/check.h"

namespace iommufd_check::explore {

absl::StatusOr<Checkpoint> Checkpoint::FromJson(const std::string& text, const std::string& name) {
  const absl::StatusOr<std::vector<Certificate>> parts = CertificatesFromJson(text, name);
  if (!parts.ok()) return parts.status();
  Checkpoint checkpoint;
  for (const Certificate& part : *parts) {
    if (part.done.size() != 1 || !part.finished) {
      return absl::InvalidArgumentError(
          absl::StrCat(name, ": a certificate of ", part.done.size(),
                       " parts, but --resume keeps one for each part; give a file that it wrote, "
                       "or a new name"));
    }
    checkpoint.Keep(part);
  }
  return checkpoint;
}

std::string Checkpoint::ToJson() const {
  std::vector<Certificate> all;
  for (const auto& [key, part] : parts_) all.push_back(part);
  return RenderJson(all);
}

const Certificate* Checkpoint::Find(const Certificate& blank, uint32_t part) const {
  const auto found = parts_.find({blank.identity, part});
  if (found == parts_.end() || found->second.parts != blank.parts) return nullptr;
  return &found->second;
}

void Checkpoint::Keep(const Certificate& part) {
  IOMMUFD_CHECK(part.done.size() == 1 && part.finished, "a checkpoint is made of whole parts");
  parts_.insert_or_assign({part.identity, part.done.front()}, part);
}

}  // namespace iommufd_check::explore
