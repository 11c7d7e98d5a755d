// What the oracle remembers: ids, intervals and versions of pages. A plain value.
//
// A page of a memfd is named by its offset and a version: removing it (hole punch, truncate) gives
// the offset a new version, so whoever pinned it before is seen to hold another page. A hole and
// the page that will fill it have the same version; whether it is filled yet is nobody's business
// here.
//
// 1. HWPTs, IOASes and devices of an iommufd share one space of ids from 1. Objects are named as in
//    object_id.h.
// 2. Areas of one IOAS do not overlap; each is pinned exactly while its IOAS has a HWPT.
//    Where pinned areas share pages they have the same versions of them.
// 3. A context that nobody refers to has no objects.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "model/mm/types.h"
#include "model/uapi/object_id.h"

namespace iommufd_check::spec::oracle {

using mm::Iova;

struct Area {
  Iova first = 0;
  Iova last = 0;
  uint64_t permissions = 0;
  bool finished = true;  // false: observed half-built; takes IOVA space and nothing else
  bool is_file = false;
  uint16_t memfd = 0;
  uint64_t start = 0;              // of the first byte: offset in the file, or user address
  uint64_t pages = 0;              // that the bytes touch
  std::vector<uint64_t> versions;  // of the pinned pages of a file
  bool writable = false;           // the pages: a copy may be
  // The areas with the same number share pages: they are copies of one. 0: none other does.
  uint32_t sharing = 0;

  uint64_t length() const { return last - first + 1; }
  uint64_t first_page() const { return start >> mm::kPageShift; }
  friend bool operator==(const Area&, const Area&) = default;
};

struct Ioas {
  std::map<Iova, Area> areas;  // by first IOVA
  friend bool operator==(const Ioas&, const Ioas&) = default;
};

struct Hwpt {
  uint32_t ioas = 0;
  std::optional<uint64_t> mark;  // the token
  bool preserved = false;        // by the preserve of the iommufd that is in force
  friend bool operator==(const Hwpt&, const Hwpt&) = default;
};

struct Device {
  uint16_t endpoint = 0;
  uint32_t attached = 0;  // HWPT, 0 when not attached
  friend bool operator==(const Device&, const Device&) = default;
};

struct Memfd {
  uint64_t size = 0;
  uint32_t seals = 0;
  bool frozen = false;
  std::map<uint64_t, uint64_t> versions;  // of pages that were removed; 0 of all others

  uint64_t VersionOf(uint64_t page) const;
  friend bool operator==(const Memfd&, const Memfd&) = default;
};

struct File {
  uint64_t token = 0;
  mm::FileRef file;
  uint64_t size = 0;   // of a memfd, when it was preserved
  uint32_t seals = 0;  // likewise
  friend bool operator==(const File&, const File&) = default;
};

struct Session {
  std::string name;
  bool closed = false;      // its descriptor is gone, its release is not finished
  std::vector<File> files;  // in preserve order
  friend bool operator==(const Session&, const Session&) = default;
};

struct Iommufd {
  bool context = false;  // it exists
  bool fd_open = false;
  // Between the steps of calls that overlap: those that keep the context.
  uint32_t holders = 0;
  friend bool operator==(const Iommufd&, const Iommufd&) = default;
};

struct State {
  std::array<Iommufd, uapi::kMaxIommufds> iommufds;
  std::map<uint32_t, Ioas> ioas;
  std::map<uint32_t, Hwpt> hwpts;
  std::map<uint32_t, Device> devices;
  std::map<uint16_t, Memfd> memfds;
  std::map<uint16_t, Session> sessions;
  uint64_t last_version = 0;
  // Between the steps of calls that overlap: HWPTs that are out of the table while their domain is
  // still in the IOAS (by IOAS).
  std::map<uint32_t, uint32_t> leaving;
  // Likewise: what copies have taken from their source and not inserted yet, by call. Their IOVAs
  // are distances from the one at which they will be.
  std::map<size_t, std::vector<Area>> taken;

  bool Exists(uint32_t id) const;
  uint32_t FreeId(uint16_t iommufd) const;
  uint16_t FreeSession() const;
  uint32_t HwptsOn(uint32_t ioas_id) const;  // also those that are leaving
  uint64_t AlignmentOf(uint32_t ioas_id) const { return AlignmentWith(HwptsOn(ioas_id)); }
  static uint64_t AlignmentWith(uint32_t hwpts) { return hwpts > 0 ? mm::kPageSize : 1; }
  bool IsPreserved(const mm::FileRef& file) const;
  bool IommufdPreserved(uint16_t iommufd) const;
  // The HWPTs that were marked when the iommufd was preserved, until it is not any more.
  bool HwptPreserved(uint32_t id) const;
  bool IoasPreserved(uint32_t id) const;
  friend bool operator==(const State&, const State&) = default;
};

// Every page of [first, end) gets a new version.
void RemovePages(State& state, Memfd& memfd, uint64_t first, uint64_t end);

// Gives `sharing` the lowest numbers, as areas follow each other, and 0 to who is left alone, so
// that equal states compare equal. To be called when areas that share came or went.
void NumberSharing(State& state);

// The last reference to a context destroys everything in it.
void ReleaseIfUnused(State& state, uint16_t iommufd);

}  // namespace iommufd_check::spec::oracle
