// Design `reference`: our answer to the review, satisfying every invariant of model/spec.
//
// What it does differently from v1, and which invariant asks for it:
//   - liveupdate_mutex orders MARK, PRESERVE and UNPRESERVE; marks are frozen while preserved
//     (I12).
//   - One walk under xa_lock takes a `users` reference on each marked HWPT, so the set cannot
//     change and nothing it reaches can go away (I08, I10, I14); no sleeping lock is taken there
//     (I19).
//   - The gate of an IOAS is closed under domains_rwsem W and iova_rwsem W, once for all its marked
//     HWPTs, and only while no map is between the insertion of its area and its end; who comes
//     first waits for it (I01, I03, I04). So a map asks once, under the lock under which it
//     inserts, and what is behind the gate is at rest. Immutability is counted per preserved domain
//     (I07).
//   - Memory is checked behind the gate, under iova_rwsem R alone and once for each IOAS: runs of
//     the frames that iommufd has pinned, read back in batches, against what the memfd handler says
//     that it registered and with which seals (I14, I15). How that is written down only the handler
//     knows.
//   - Only immutability becomes visible before that check, and goes again when it fails; every
//     later step has its inverse and runs it on failure (I05); UNPRESERVE undoes what was recorded,
//     not what is marked now (I06).
//
// The wait for maps holds session->mutex and liveupdate_mutex, and earlier IOASes immutable. A map
// takes neither mutex, sleeps on its own IOAS and on memory, and is refused at once where the gate
// is closed, so it ends. It cannot be interrupted, and ends after 60 s like iommufd's wait for
// short references, so that memory that never comes (userfaultfd) costs an EBUSY.
//
// MARK: ENOENT; EBUSY while preserved; EADDRINUSE when another HWPT has the token; a marked HWPT
// may be marked again with the same or a new token. A mark dies with its HWPT. PRESERVE: EINVAL
// when nothing is marked. By marked HWPT, ascending by id, for each IOAS once: EBUSY when its maps
// do not end in time; of its areas, ascending by IOVA, EINVAL memory that is of no file, or of one
// without seals, or not what was handed over, ENOENT a memfd that is not in this session. After
// that ENOMEM. Nothing changes on error.
#pragma once

#include "model/liveupdate/revision.h"

namespace iommufd_check::liveupdate {

const Revision& Reference();

}  // namespace iommufd_check::liveupdate
