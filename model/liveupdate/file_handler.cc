#include "model/liveupdate/file_handler.h"

#include "model/liveupdate/design.h"
#include "model/liveupdate/memfd_luo.h"
#include "model/sim/check.h"

namespace iommufd_check::liveupdate {
namespace {

mm::MemfdHandle MemfdOf(FileRef file) {
  IOMMUFD_CHECK(file.kind == FileRef::Kind::kMemfd, "the handler of memfds gets memfds");
  return mm::MemfdAt(file.index);
}

ContextHandle ContextOf(FileRef file) {
  IOMMUFD_CHECK(file.kind == FileRef::Kind::kIommufd, "the handler of iommufds gets iommufds");
  return iommufd::IommufdAt(file.index);
}

int PreserveIommufd(Kernel& k, SessionHandle session, FileRef file, uint64_t* data) {
  PreserveArguments arguments{session, ContextOf(file), 0};
  Emit(k, sim::Note::kPreserveBegin, arguments.ctx);
  const int error = k.design.Preserve(k, &arguments);
  Emit(k, sim::Note::kPreserveEnd, arguments.ctx, error);
  *data = arguments.serialized_data;
  return error;
}

void UnpreserveIommufd(Kernel& k, SessionHandle session, FileRef file, uint64_t data) {
  const ContextHandle ctx = ContextOf(file);
  Emit(k, sim::Note::kUnpreserveBegin, ctx);
  k.design.Unpreserve(k, PreserveArguments{session, ctx, data});
  Emit(k, sim::Note::kUnpreserveEnd, ctx);
}

constexpr FileHandler kMemfdHandler = {
    .get =
        [](Kernel& k, FileRef file) {
          get_file(k, MemfdOf(file));  // its descriptor stays open to the end of the process
          return true;
        },
    .put = [](Kernel& k, FileRef file) { fput(k, MemfdOf(file)); },
    .preserve = [](Kernel& k, SessionHandle, FileRef file,
                   uint64_t* data) { return memfd_luo_preserve(k, MemfdOf(file), data); },
    .unpreserve = [](Kernel& k, SessionHandle, FileRef file,
                     uint64_t data) { memfd_luo_unpreserve(k, MemfdOf(file), data); },
    .has_flb = false};

constexpr FileHandler kIommufdHandler = {
    .get = [](Kernel& k, FileRef file) { return fget(k, ContextOf(file)); },
    .put = [](Kernel& k, FileRef file) { fput(k, ContextOf(file)); },
    .preserve = &PreserveIommufd,
    .unpreserve = &UnpreserveIommufd,
    .has_flb = true};

}  // namespace

const FileHandler& HandlerOf(FileRef file) {
  switch (file.kind) {
    case FileRef::Kind::kMemfd:
      return kMemfdHandler;
    case FileRef::Kind::kIommufd:
      return kIommufdHandler;
    case FileRef::Kind::kNone:
      break;
  }
  IOMMUFD_CHECK(false, "a file that is open is of some kind");
  return kMemfdHandler;
}

}  // namespace iommufd_check::liveupdate
