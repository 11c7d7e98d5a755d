// LUO's handlers: what it does with files of one kind (struct liveupdate_file_handler,
// luo_kho.md section 3). Both of this machine's are registered for good.
//
// To add one: a kind of mm::FileRef and its row in file_handler.cc.
#pragma once

#include "model/liveupdate/kernel.h"

namespace iommufd_check::liveupdate {

struct FileHandler {
  // fget() by the descriptor. False: it is not open (any more).
  bool (*get)(Kernel& k, mm::FileRef file);
  void (*put)(Kernel& k, mm::FileRef file);
  // 0 or a negative errno. *data: what is kept of the file, a physical address.
  int (*preserve)(Kernel& k, SessionHandle session, mm::FileRef file, uint64_t* data);
  void (*unpreserve)(Kernel& k, SessionHandle session, mm::FileRef file, uint64_t data);
  bool has_flb;  // the FLB "iommu" lives as long as its preserved files
};

// REQUIRES: `file` names one.
const FileHandler& HandlerOf(mm::FileRef file);

}  // namespace iommufd_check::liveupdate
