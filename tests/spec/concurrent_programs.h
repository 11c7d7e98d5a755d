// Random programs of two or three tasks over one small machine, for checks of what overlaps: two
// iommufds with three devices, three IOASes and HWPTs, two memfds, two sessions; nothing in them is
// a mistake of its own, so under a right design every schedule holds.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace iommufd_check::spec {

class ConcurrentPrograms {
 public:
  explicit ConcurrentPrograms(uint64_t seed) : random_(seed) {}

  // The text of the next one.
  std::string Next() {
    std::string text =
        "boot memfds=2 devices=3 iommufds=2\nmain:\n"
        "  ioas = ioas_alloc()\n  ioas2 = ioas_alloc()\n"
        "  dev = device_bind(index=0)\n"
        "  hwpt = hwpt_alloc(dev, ioas)\n  hwpt2 = hwpt_alloc(dev, ioas2)\n"
        "  dev2 = device_bind(index=2, iommufd=1)\n  ioas3 = ioas_alloc(iommufd=1)\n"
        "  hwpt3 = hwpt_alloc(dev2, ioas3)\n"
        "  memfd_seal(0, seals=seal|shrink|grow)\n"
        "  s = luo_create_session(name=\"vm\")\n  s2 = luo_create_session(name=\"other\")\n";
    for (const std::string_view line : kMaybe) {
      if (Below(3) != 0) text += "  " + std::string(line) + "\n";
    }
    const uint64_t tasks = 2 + Below(2);
    std::vector<uint64_t> lengths;
    for (uint64_t task = 0; task < tasks; ++task) {
      text += std::string(1, static_cast<char>('A' + task)) + ":\n";
      lengths.push_back(1 + Below(4));
      for (uint64_t i = 0; i < lengths.back(); ++i) text += "  " + Operation() + "\n";
    }
    if (Below(3) == 0) {
      const uint64_t task = Below(tasks);
      text += "fault " + std::string(1, static_cast<char>('A' + task)) + "." +
              std::to_string(1 + Below(lengths[task])) + " " +
              std::string(kSites[Below(kSites.size())]) + " nth=" + std::to_string(1 + Below(2)) +
              "\n";
    }
    return text;
  }

  uint64_t Below(uint64_t limit) { return random_() % limit; }

 private:
  std::string Operation() { return std::string(kOperations[Below(kOperations.size())]); }

  static constexpr std::string_view kMaybeLines[] = {
      "lu_mark(hwpt, token=7)",
      "lu_mark(hwpt2, token=8)",
      "device_attach(dev, hwpt)",
      "map_file(ioas, memfd=0, iova=0x1000, length=0x1000)",
      "map_file(ioas, memfd=0, start=0x1000, iova=0x4000, length=0x2000)",
      "map(ioas2, iova=0x1000, length=0x1000)",
      "luo_preserve(s, memfd=0, token=1)",
      "luo_preserve(s, iommufd, token=2)",
      "lu_mark(hwpt3, token=7)",
      "map_file(ioas3, memfd=0, iova=0x1000, length=0x1000)",
  };
  static constexpr std::string_view kOperationLines[] = {
      "ioas_alloc()",
      "device_bind(index=0)",
      "device_bind(index=1)",
      "device_bind(index=1)",
      "device_unbind(dev)",
      "device_attach(dev, hwpt)",
      "device_attach(dev, hwpt2)",
      "device_detach(dev)",
      "hwpt_alloc(dev, ioas)",
      "hwpt_alloc(dev, ioas2)",
      "map(ioas, iova=0x2000, length=0x1000)",
      "map(ioas, iova=0x8001, length=0x1000)",
      "map(ioas2, iova=auto, length=0x1000)",
      "map(ioas2, iova=auto, length=0x1000)",
      "map_file(ioas, memfd=0, iova=0x1000, length=0x1000)",
      "map_file(ioas, memfd=0, iova=0x2000, length=0x2000)",
      "map_file(ioas, memfd=1, iova=auto, length=0x1000)",
      "map_file(ioas2, memfd=1, iova=0x2000, length=0x4000)",
      "ioas_copy(ioas2, ioas, src_iova=0x1000, iova=auto, length=0x1000)",
      "ioas_copy(ioas2, ioas, src_iova=0x1000, iova=0x5000, length=0x3000)",
      "ioas_copy(ioas, ioas, src_iova=0x4000, iova=0x9000, length=0x2000)",
      "ioas_copy(ioas, ioas2, src_iova=0x1000, iova=0x2000, length=0x1000, prot=r)",
      "unmap(ioas)",
      "unmap(ioas2)",
      "unmap(ioas, iova=0x1000, length=0x4000)",
      "unmap(ioas, iova=0x1000, length=0x1000)",
      "unmap(ioas2, iova=0x1000, length=0x1000)",
      "destroy(hwpt)",
      "destroy(hwpt2)",
      "destroy(ioas2)",
      "destroy(6)",
      "close_iommufd()",
      "close_iommufd(iommufd=1)",
      "ioas_alloc(iommufd=1)",
      "device_bind(index=1, iommufd=1)",
      "map_file(ioas3, memfd=1, iova=0x2000, length=0x1000)",
      "unmap(ioas3)",
      "destroy(hwpt3)",
      "lu_mark(hwpt3, token=7)",
      "luo_preserve(s, iommufd=1, token=4)",
      "luo_preserve(s2, iommufd=1, token=4)",
      "memfd_seal(1, seals=shrink|grow|seal)",
      "memfd_punch_hole(0, offset=0, length=0x1000)",
      "memfd_punch_hole(1, offset=0, length=0x2000)",
      "memfd_truncate(1, size=0x2000)",
      "luo_create_session(name=\"vm\")",
      "luo_create_session(name=\"new\")",
      "luo_create_session(name=\"newer\")",
      "luo_preserve(s, memfd=0, token=1)",
      "luo_preserve(s2, memfd=0, token=1)",
      "luo_preserve(s, memfd=1, token=3)",
      "luo_preserve(s, iommufd, token=2)",
      "luo_preserve(s, iommufd, token=2)",
      "luo_preserve(s2, iommufd, token=2)",
      "luo_close_session(s)",
      "luo_close_session(s2)",
      "lu_mark(hwpt, token=7)",
      "lu_mark(hwpt, token=9)",
      "lu_mark(hwpt2, token=9)",
  };
  static constexpr std::string_view kSiteNames[] = {"object_alloc",
                                                    "area_alloc",
                                                    "pages_alloc",
                                                    "pages_list_alloc",
                                                    "copy_to_user",
                                                    "memfd_pin_folios",
                                                    "account",
                                                    "domain_alloc",
                                                    "iommu_map",
                                                    "iommu_alloc_pages",
                                                    "claim_dma_owner",
                                                    "iommu_domain_preserve",
                                                    "iommu_preserve_pages",
                                                    "kho_alloc_preserve",
                                                    "kho_preserve_folio",
                                                    "kcalloc",
                                                    "session_alloc",
                                                    "luo_block_grow",
                                                    "luo_file_insert",
                                                    "luo_file_alloc",
                                                    "flb_preserve",
                                                    "reserve_record",
                                                    "get_object",
                                                    "device_attach",
                                                    "copy_from_user",
                                                    "object_id_alloc",
                                                    "group_alloc",
                                                    "group_slot",
                                                    "attach_handle",
                                                    "reserve_iova",
                                                    "domain_slot",
                                                    "pfn_batch",
                                                    "get_unused_fd",
                                                    "session_getfile"};
  const std::vector<std::string_view> kMaybe{std::begin(kMaybeLines), std::end(kMaybeLines)};
  const std::vector<std::string_view> kOperations{std::begin(kOperationLines),
                                                  std::end(kOperationLines)};
  const std::vector<std::string_view> kSites{std::begin(kSiteNames), std::end(kSiteNames)};

  std::mt19937_64 random_;
};

}  // namespace iommufd_check::spec
