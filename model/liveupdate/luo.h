// The Live Update Orchestrator: sessions and the files preserved in them (luo_kho.md sections 2-5).
//
// LOCKS (outer to inner): luo_session_serialize_rwsem R > { luo_sessions_rwsem ; session->mutex >
// luo_register_rwlock > flb->outgoing.lock > kho radix mutex }. Handler callbacks run under
// session->mutex, and without luo_register_rwlock, which FLB callbacks run under.
#pragma once

#include <string>

#include "model/liveupdate/kernel.h"

namespace iommufd_check::liveupdate {

inline constexpr size_t kSessionNameBytes = 64;  // with the NUL

// CREATE_SESSION: EINVAL name empty or not terminated within 64 bytes, ENOMEM, EEXIST duplicate,
// EFAULT, EMFILE. FAULTS: copy_from_user, get_unused_fd, session_alloc, luo_block_grow,
// session_getfile, copy_to_user.
int luo_create_session(Kernel& k, const std::string& name, SessionHandle* out);

// PRESERVE_FD, errno order of luo_kho.md section 3. A reply that cannot be written leaves the file
// preserved (L4). FAULTS: copy_from_user, luo_block_grow, fd_lookup, luo_file_insert,
// luo_file_alloc, copy_to_user, and those of FLB and handler.
int luo_preserve_fd(Kernel& k, SessionHandle session, mm::FileRef file, uint64_t token);

// close(2) of the session: unpreserves all files, last first.
int luo_close_session(Kernel& k, SessionHandle session);

// liveupdate_get_token_outgoing: the token of a memfd in this session, or ENOENT.
// LOCKS: session->mutex held. *data receives what the memfd's handler serialized.
int luo_get_token_outgoing(Kernel& k, SessionHandle session, mm::MemfdHandle memfd, uint64_t* token,
                           uint64_t* data);

}  // namespace iommufd_check::liveupdate
