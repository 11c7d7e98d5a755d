#include "model/liveupdate/designs/registry.h"

#include "model/liveupdate/designs/reference.h"
#include "model/liveupdate/designs/v1.h"

namespace iommufd_check::liveupdate {

const std::vector<Design*>& AllDesigns() {
  static V1 v1;
  static V1On72 v1_72;
  static Reference reference;
  static const std::vector<Design*> designs{&v1, &v1_72, &reference};
  return designs;
}

Design* FindDesign(std::string_view name) {
  for (Design* design : AllDesigns()) {
    if (design->name() == name) return design;
  }
  return nullptr;
}

}  // namespace iommufd_check::liveupdate
