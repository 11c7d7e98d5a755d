#include "model/liveupdate/designs/registry.h"

#include "model/liveupdate/designs/reference.h"
#include "model/liveupdate/designs/v1.h"

namespace iommufd_check::liveupdate {

const std::vector<Revision*>& AllDesigns() {
  static Revision v1 = V1();
  static Revision v1_72 = V1On72();
  static Revision reference = Reference();
  static const std::vector<Revision*> designs{&v1, &v1_72, &reference};
  return designs;
}

Revision* FindDesign(std::string_view name) {
  for (Revision* design : AllDesigns()) {
    if (design->name() == name) return design;
  }
  return nullptr;
}

}  // namespace iommufd_check::liveupdate
