// What a run has left behind when its process is gone, and what devices would find.
#include <csetjmp>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "absl/strings/str_cat.h"
#include "model/linux/host/machine.h"
#include "model/linux/host/machine_memory.h"

namespace iommufd_check::linux_host {

uint64_t Machine::UserPage(uint64_t address) const { return memory_->UserPage(config_, address); }

uint64_t Machine::StateDigest() const {
  const uint64_t digest = XXH3_64bits(image_->data, image_->data_bytes);
  return memory_->Digest(image_->page_high(), image_->descriptor_bytes, arena_.Digest(digest));
}

bool Machine::Look(const std::function<void()>& look) const {
  std::jmp_buf back;
  const FaultGuard guard(
      image_->text, image_->text_bytes,
      [](void* to, const Fault&) { std::longjmp(*static_cast<std::jmp_buf*>(to), 1); }, &back);
  if (setjmp(back) != 0) return false;
  look();
  return true;
}

uint64_t Machine::Translate(unsigned device, uint64_t iova, unsigned* permissions) const {
  unsigned long leaf = 0;
  Look([&] { leaf = image_->translate(device, iova); });
  *permissions = static_cast<unsigned>(leaf & 3);
  return *permissions == 0 ? 0 : (leaf & ((uint64_t{1} << 52) - 1)) >> 12;
}

const uint64_t* Machine::Words(uint64_t page) const { return memory_->Words(page); }

Machine::Observed Machine::Observe(unsigned nth) const {
  Observed observed;
  const struct linux_visitor visitor = {
      .self = &observed,
      .object =
          [](void* self, const struct linux_object* object) {
            static_cast<Observed*>(self)->objects.push_back(*object);
          },
      .area =
          [](void* self, const struct linux_area* area) {
            static_cast<Observed*>(self)->areas.push_back(*area);
          }};
  enum linux_context context = LINUX_GONE;
  observed.lost = !Look([&] { context = image_->observe(nth, &visitor); });
  observed.exists = context != LINUX_GONE;
  observed.fd_open = context == LINUX_OPEN;
  return observed;
}

std::vector<std::string> Machine::Remains() const {
  std::vector<std::string> lines;
  if (const Arena::Object* damaged = arena_.Damage()) {
    lines.push_back(absl::StrCat("written to ", damaged->live ? "beyond its end" : "after its end",
                                 ": object of ", file_.Describe(damaged->allocated)));
  }
  for (const Arena::Object& object : arena_.NewObjects()) {
    lines.push_back(
        absl::StrCat("leaked: ", object.bytes, " bytes of ", file_.Describe(object.allocated)));
  }
  for (const Arena::Object& object : arena_.MissingObjects()) {
    lines.push_back(absl::StrCat("freed though the boot allocated it: object of ",
                                 file_.Describe(object.allocated)));
  }
  if (const unsigned long pages = image_->pages_in_use(); pages != memory_->kept_in_use()) {
    lines.push_back(absl::StrCat("pages in use: ", pages, ", after boot ", memory_->kept_in_use()));
  }
  for (uint64_t page = memory_->first_user_page(); page < memory_->end_of_user_pages(); ++page) {
    const unsigned long references = image_->page_references(page);
    if (references == 1) continue;
    lines.push_back(absl::StrCat("page ", page - memory_->first_user_page(), " of the process has ",
                                 references, " references"));
  }
  if (image_->locked_pages() != 0) {
    lines.push_back(absl::StrCat("locked pages of the user: ", image_->locked_pages()));
  }
  if (image_->pinned_pages() != 0) {
    lines.push_back(absl::StrCat("pinned pages of the process: ", image_->pinned_pages()));
  }
  return lines;
}

}  // namespace iommufd_check::linux_host
