#include "model/program/designs.h"

#include "model/liveupdate/designs/registry.h"

namespace iommufd_check::program {

std::vector<std::string> DesignNames() {
  std::vector<std::string> names;
  for (const liveupdate::Design* design : liveupdate::AllDesigns()) {
    names.emplace_back(design->name());
  }
  return names;
}

liveupdate::Design* DesignNamed(std::string_view name) { return liveupdate::FindDesign(name); }

}  // namespace iommufd_check::program
