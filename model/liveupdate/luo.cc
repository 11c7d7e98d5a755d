#include "model/liveupdate/luo.h"

#include <algorithm>
#include <utility>

#include "model/iommufd/ioctl.h"
#include "model/liveupdate/design.h"
#include "model/liveupdate/iommu_core.h"
#include "model/liveupdate/memfd_luo.h"
#include "model/sim/check.h"

namespace iommufd_check::liveupdate {
namespace {

constexpr sim::ObjectRef kLuoRef{sim::ObjectKind::kLuo, 0};
constexpr sim::ObjectRef kFlbRef{sim::ObjectKind::kFlb, 0};

int InsertId(Kernel& k, FileRef file) {
  spin_lock(k.t, k.lu.files_xa_lock);
  const bool taken = Update(k.t, k.lu.preserved_ids, kLuoRef, [&](std::vector<FileRef>& ids) {
    if (std::find(ids.begin(), ids.end(), file) != ids.end()) return true;
    ids.push_back(file);
    return false;
  });
  spin_unlock(k.t, k.lu.files_xa_lock);
  return taken ? -sim::kEBUSY : 0;
}

void EraseId(Kernel& k, FileRef file) {
  spin_lock(k.t, k.lu.files_xa_lock);
  Update(k.t, k.lu.preserved_ids, kLuoRef,
         [&](std::vector<FileRef>& ids) { std::erase(ids, file); });
  spin_unlock(k.t, k.lu.files_xa_lock);
}

// FLBs follow the files of the handler they are linked to: only iommufd's has one.
int GetFileFlbs(Kernel& k, FileRef file) {
  const sim::Scope scope(k, sim::Fn::kLuoFlbFilePreserveOne);
  if (file.kind != FileRef::Kind::kIommufd) return 0;
  down_read(k.t, k.lu.register_rwlock);
  mutex_lock(k.t, k.lu.flb_lock);
  int error = 0;
  if (Read(k.t, k.lu.flb, kFlbRef).count == 0) error = flb_preserve(k);
  if (error == 0) Update(k.t, k.lu.flb, kFlbRef, [](FlbOutgoing& flb) { ++flb.count; });
  mutex_unlock(k.t, k.lu.flb_lock);
  up_read(k.t, k.lu.register_rwlock);
  return error;
}

void PutFileFlbs(Kernel& k, FileRef file) {
  const sim::Scope scope(k, sim::Fn::kLuoFlbFileUnpreserveOne);
  if (file.kind != FileRef::Kind::kIommufd) return;
  down_read(k.t, k.lu.register_rwlock);
  mutex_lock(k.t, k.lu.flb_lock);
  const uint32_t left =
      Update(k.t, k.lu.flb, kFlbRef, [](FlbOutgoing& flb) { return --flb.count; });
  if (left == 0) flb_unpreserve(k);
  mutex_unlock(k.t, k.lu.flb_lock);
  up_read(k.t, k.lu.register_rwlock);
}

// luo_preserve_file, the search of a handler: can_preserve of each is called under the lock. Both
// of this machine's handlers are registered for good and accept the files that LUO is given here.
void FindHandler(Kernel& k) {
  down_read(k.t, k.lu.register_rwlock);
  up_read(k.t, k.lu.register_rwlock);
}

// False: the descriptor is not open (any more).
bool GetFile(Kernel& k, const LuoFile& file) {
  if (file.file.kind == FileRef::Kind::kIommufd) return fget(k, k.s.contexts, file.iommufd);
  if (file.file.kind == FileRef::Kind::kMemfd) memfd_get_file(k.t, k.mm, file.memfd);
  return file.file.kind == FileRef::Kind::kMemfd;
}

void PutFile(Kernel& k, const LuoFile& file) {
  if (file.file.kind == FileRef::Kind::kMemfd) return memfd_put_file(k.t, k.mm, file.memfd);
  iommufd_put_file(k, file.iommufd);
}

int HandlerPreserve(Kernel& k, SessionHandle session, LuoFile* file) {
  if (file->file.kind == FileRef::Kind::kMemfd) {
    return memfd_luo_preserve(k, file->memfd, &file->data);
  }
  PreserveArguments arguments{session, file->iommufd, 0};
  Emit(k, sim::Note::kPreserveBegin, file->iommufd);
  const int error = k.design.Preserve(k, &arguments);
  Emit(k, sim::Note::kPreserveEnd, file->iommufd, error);
  file->data = arguments.serialized_data;
  return error;
}

void HandlerUnpreserve(Kernel& k, SessionHandle session, const LuoFile& file) {
  if (file.file.kind == FileRef::Kind::kMemfd) {
    return memfd_luo_unpreserve(k, file.memfd, file.data);
  }
  Emit(k, sim::Note::kUnpreserveBegin, file.iommufd);
  k.design.Unpreserve(k, PreserveArguments{session, file.iommufd, file.data});
  Emit(k, sim::Note::kUnpreserveEnd, file.iommufd);
}

// From the id on: each step has its inverse, run in reverse on failure.
int PreserveFile(Kernel& k, SessionHandle session, LuoFile file) {
  int error = InsertId(k, file.file);
  if (error != 0) return error;
  error = GetFileFlbs(k, file.file);
  if (error == 0) {
    error = fail(k, sim::FaultSite::kFileAlloc, session);
    if (error == 0) error = HandlerPreserve(k, session, &file);
    if (error == 0) {
      Update(k, session, &Session::files,
             [&](std::vector<LuoFile>& files) { files.push_back(file); });
      return 0;
    }
    PutFileFlbs(k, file.file);
  }
  EraseId(k, file.file);
  return error;
}

int PreserveLocked(Kernel& k, SessionHandle session, LuoFile file) {
  const sim::Scope scope(k, sim::Fn::kLuoPreserveFile, session);
  for (const LuoFile& other : Read(k, session, &Session::files)) {
    if (other.token == file.token) return -sim::kEEXIST;
  }
  int error = fail(k, sim::FaultSite::kBlockGrow, session);
  if (error != 0) return error;
  if (file.file.kind == FileRef::Kind::kNone) return -sim::kEBADF;
  error = fail(k, sim::FaultSite::kFdLookup, session);
  if (error != 0) return error;
  if (!GetFile(k, file)) return -sim::kEBADF;
  FindHandler(k);
  error = fail(k, sim::FaultSite::kFileInsert, session);
  if (error == 0) error = PreserveFile(k, session, file);
  if (error != 0) {
    PutFile(k, file);
    return error;
  }
  return fail(k, sim::FaultSite::kCopyToUser, session);
}

// luo_session_remove and luo_session_free.
void RemoveSession(Kernel& k, SessionHandle session) {
  down_write(k.t, k.lu.sessions_rwsem);
  Update(k.t, k.lu.session_list, kLuoRef,
         [&](std::vector<SessionHandle>& list) { std::erase(list, session); });
  up_write(k.t, k.lu.sessions_rwsem);
  lock_destroy(k, session, &Session::mutex);
  Emit(k, sim::Note::kObjectFreed, session);
  k.lu.sessions.Free(session);
}

void UnpreserveFiles(Kernel& k, SessionHandle session) {
  mutex_lock(k, session, &Session::mutex);
  for (;;) {
    const std::vector<LuoFile> files = Read(k, session, &Session::files);
    if (files.empty()) break;
    const LuoFile file = files.back();
    HandlerUnpreserve(k, session, file);
    PutFileFlbs(k, file.file);
    EraseId(k, file.file);
    Update(k, session, &Session::files, [](std::vector<LuoFile>& list) { list.pop_back(); });
    PutFile(k, file);
  }
  mutex_unlock(k, session, &Session::mutex);
}

// luo_session_release: nothing of it happens while sessions are being serialized.
void ReleaseSession(Kernel& k, SessionHandle session) {
  const sim::Scope scope(k, sim::Fn::kLuoSessionRelease, session);
  down_read(k.t, k.lu.serialize_rwsem);
  UnpreserveFiles(k, session);
  RemoveSession(k, session);
  up_read(k.t, k.lu.serialize_rwsem);
}

// luo_session_insert: on the list under its name, which nobody else has.
int InsertSession(Kernel& k, const std::string& name, SessionHandle* out) {
  down_write(k.t, k.lu.sessions_rwsem);
  int error = fail(k, sim::FaultSite::kBlockGrow, kLuoRef);
  for (SessionHandle other : Read(k.t, k.lu.session_list, kLuoRef)) {
    if (error == 0 && Read(k, other, &Session::name) == name) error = -sim::kEEXIST;
  }
  if (error == 0) {
    const SessionHandle h = k.lu.sessions.Create(Session{});
    Get(k, h).name.Raw() = name;
    lock_init(k, h, &Session::mutex, sim::LockClass::kLuoSessionMutex);
    Update(k.t, k.lu.session_list, kLuoRef,
           [&](std::vector<SessionHandle>& list) { list.push_back(h); });
    *out = h;
  }
  up_write(k.t, k.lu.sessions_rwsem);
  return error;
}

// luo_session_getfile, an anonymous inode's file.
int GetSessionFile(Kernel& k, SessionHandle session) {
  mutex_lock(k, session, &Session::mutex);
  const int error = fail(k, sim::FaultSite::kSessionGetfile, session);
  mutex_unlock(k, session, &Session::mutex);
  return error;
}

// luo_session_create. LOCKS: luo_session_serialize_rwsem R.
int CreateLocked(Kernel& k, const std::string& name, SessionHandle* out) {
  if (name.empty() || name.size() >= kSessionNameBytes) return -sim::kEINVAL;
  int error = fail(k, sim::FaultSite::kSessionAlloc, kLuoRef);
  if (error == 0) error = InsertSession(k, name, out);
  if (error != 0) return error;
  error = GetSessionFile(k, *out);
  if (error != 0) RemoveSession(k, *out);
  return error;
}

}  // namespace

int luo_create_session(Kernel& k, const std::string& name, SessionHandle* out) {
  if (const int lost = copy_from_user(k, kLuoRef)) return lost;
  const sim::Scope scope(k, sim::Fn::kLuoSessionCreate);
  if (const int full = fail(k, sim::FaultSite::kGetUnusedFd, kLuoRef)) return full;
  SessionHandle h;
  down_read(k.t, k.lu.serialize_rwsem);
  const int error = CreateLocked(k, name, &h);
  up_read(k.t, k.lu.serialize_rwsem);
  if (error != 0) return error;
  if (const int lost = fail(k, sim::FaultSite::kCopyToUser, h)) {
    luo_close_session(k, h);
    return lost;
  }
  *out = h;
  return 0;
}

int luo_preserve_fd(Kernel& k, SessionHandle session, FileRef file, mm::MemfdHandle memfd,
                    uint64_t token) {
  if (const int lost = copy_from_user(k, Ref(session))) return lost;
  LuoFile wanted;
  wanted.token = token;
  wanted.file = file;
  wanted.memfd = memfd;
  wanted.iommufd = k.ctx;
  down_read(k.t, k.lu.serialize_rwsem);
  mutex_lock(k, session, &Session::mutex);
  const int error = PreserveLocked(k, session, wanted);
  mutex_unlock(k, session, &Session::mutex);
  up_read(k.t, k.lu.serialize_rwsem);
  return error;
}

int luo_close_session(Kernel& k, SessionHandle session) {
  if (!close_fd(k, k.lu.sessions, session)) return -sim::kEBADF;
  luo_put_session(k, session);
  return 0;
}

void luo_get_session(Kernel& k, SessionHandle session) { refcount_inc(k, session, &Session::file); }

void luo_put_session(Kernel& k, SessionHandle session) {
  if (!refcount_dec_and_test(k, session, &Session::file)) return;
  task_work_add(k.t, [&k, session] { ReleaseSession(k, session); });
}

int luo_get_token_outgoing(Kernel& k, SessionHandle session, mm::MemfdHandle memfd, uint64_t* token,
                           uint64_t* data) {
  const sim::Scope scope(k, sim::Fn::kLiveupdateGetTokenOutgoing, session);
  lockdep_assert_held(k, session, &Session::mutex);
  for (const LuoFile& file : Read(k, session, &Session::files)) {
    if (file.file.kind == FileRef::Kind::kMemfd && file.memfd == memfd) {
      *token = file.token;
      *data = file.data;
      return 0;
    }
  }
  return -sim::kENOENT;
}

}  // namespace iommufd_check::liveupdate
