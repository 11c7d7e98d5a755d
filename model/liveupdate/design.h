// A design: one revision of iommufd's live-update code (designs.md).
//
// A design is the mark ioctl, LUO's preserve / unpreserve callbacks for iommufd files, and gates in
// iommufd's own paths (iommufd::Hooks). It has no state of its own: everything it remembers is in
// the World, so that an execution is a function of (design, program) alone.
//
// To add one: a table of steps (revision.h) in designs/, one line in designs/registry.cc.
#pragma once

#include <string_view>

#include "model/liveupdate/kernel.h"
#include "model/liveupdate/layout.h"
#include "model/uapi/contract.h"

namespace iommufd_check::liveupdate {

// liveupdate_file_op_args of a call on an iommufd file.
struct PreserveArguments {
  SessionHandle session;
  ContextHandle ctx;
  uint64_t serialized_data = 0;  // out of preserve, in of unpreserve: physical address
};

class Design : public iommufd::Hooks {
 public:
  virtual std::string_view name() const = 0;
  virtual std::string_view summary() const = 0;
  virtual const IommufdLayout& iommufd_layout() const = 0;
  virtual const DomainLayout& domain_layout() const = 0;
  // What its user interface promises where revisions differ.
  virtual uapi::Contract contract() const { return {}; }

  // The mark ioctl. LOCKS: none held.
  virtual int Mark(Kernel& k, uint32_t hwpt_id, uint64_t token) = 0;
  // LUO's preserve. LOCKS: session->mutex held by LUO.
  virtual int Preserve(Kernel& k, PreserveArguments* arguments) = 0;
  // LUO's unpreserve. LOCKS: as Preserve.
  virtual void Unpreserve(Kernel& k, const PreserveArguments& arguments) = 0;
};

}  // namespace iommufd_check::liveupdate
