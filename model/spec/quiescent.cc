#include "model/spec/quiescent.h"

#include "model/spec/invariants/families.h"
#include "model/spec/invariants/refs.h"

namespace iommufd_check::spec {

void CheckQuiescent(const Snapshot& now, Findings* findings) {
  CheckRegistration(now, findings);
  CheckImmutability(now, findings);
  CheckMarks(now, findings);
  CheckReferences(now, findings);
  CheckPreserved(now, findings);
}

void CheckPreserved(const Snapshot& now, Findings* findings) {
  for (const SessionView& session : now.sessions) {
    for (size_t i = 0; i < session.files.size(); ++i) {
      if (!IsIommufd(session.files[i])) continue;
      CheckRecords(now, session.files[i], findings);
      CheckMemory(now, session, i, findings);
    }
  }
}

}  // namespace iommufd_check::spec
