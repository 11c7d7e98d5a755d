#include "model/liveupdate/luo.h"

#include <algorithm>
#include <utility>

#include "model/iommufd/ioctl.h"
#include "model/liveupdate/file_handler.h"
#include "model/liveupdate/iommu_core.h"
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

// FLBs follow the files of the handler they are linked to.
int GetFileFlbs(Kernel& k, FileRef file) {
  const sim::Scope scope(k, sim::Fn::kLuoFlbFilePreserveOne);
  if (!HandlerOf(file).has_flb) return 0;
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
  if (!HandlerOf(file).has_flb) return;
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

// From the id on: each step has its inverse, run in reverse on failure.
int PreserveFile(Kernel& k, SessionHandle session, LuoFile file) {
  int error = InsertId(k, file.file);
  if (error != 0) return error;
  error = GetFileFlbs(k, file.file);
  if (error == 0) {
    error = fail(k, sim::FaultSite::kFileAlloc, session);
    if (error == 0) error = HandlerOf(file.file).preserve(k, session, file.file, &file.data);
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
  if (!HandlerOf(file.file).get(k, file.file)) return -sim::kEBADF;
  FindHandler(k);
  error = fail(k, sim::FaultSite::kFileInsert, session);
  if (error == 0) error = PreserveFile(k, session, file);
  if (error != 0) {
    HandlerOf(file.file).put(k, file.file);
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
    HandlerOf(file.file).unpreserve(k, session, file.file, file.data);
    PutFileFlbs(k, file.file);
    EraseId(k, file.file);
    Update(k, session, &Session::files, [](std::vector<LuoFile>& list) { list.pop_back(); });
    HandlerOf(file.file).put(k, file.file);
  }
  mutex_unlock(k, session, &Session::mutex);
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

// luo_session_release: nothing of it happens while sessions are being serialized.
void Release(Kernel& k, SessionHandle session) {
  const sim::Scope scope(k, sim::Fn::kLuoSessionRelease, session);
  down_read(k.t, k.lu.serialize_rwsem);
  UnpreserveFiles(k, session);
  RemoveSession(k, session);
  up_read(k.t, k.lu.serialize_rwsem);
}

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

int luo_preserve_fd(Kernel& k, SessionHandle session, FileRef file, uint64_t token) {
  if (const int lost = copy_from_user(k, Ref(session))) return lost;
  down_read(k.t, k.lu.serialize_rwsem);
  mutex_lock(k, session, &Session::mutex);
  const int error = PreserveLocked(k, session, {token, file, 0});
  mutex_unlock(k, session, &Session::mutex);
  up_read(k.t, k.lu.serialize_rwsem);
  return error;
}

int luo_close_session(Kernel& k, SessionHandle session) {
  if (!close_fd(k, session)) return -sim::kEBADF;
  fput(k, session);
  return 0;
}

int luo_get_token_outgoing(Kernel& k, SessionHandle session, mm::MemfdHandle memfd, uint64_t* token,
                           uint64_t* data) {
  const sim::Scope scope(k, sim::Fn::kLiveupdateGetTokenOutgoing, session);
  lockdep_assert_held(k, session, &Session::mutex);
  const FileRef wanted{FileRef::Kind::kMemfd, memfd.index};
  for (const LuoFile& file : Read(k, session, &Session::files)) {
    if (file.file == wanted) {
      *token = file.token;
      *data = file.data;
      return 0;
    }
  }
  return -sim::kENOENT;
}

}  // namespace iommufd_check::liveupdate
