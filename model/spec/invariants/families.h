// The families of invariants of quiescent points, one file each. A point is quiescent when no task
// is inside a system call.
#pragma once

#include "model/spec/findings.h"
#include "model/spec/snapshot.h"

namespace iommufd_check::spec {

void CheckRegistration(const Snapshot& now, Findings* findings);  // I02, I25: registration.cc
void CheckImmutability(const Snapshot& now, Findings* findings);  // I07: immutability.cc
void CheckReferences(const Snapshot& now, Findings* findings);    // I08, I09, I18, I24
void CheckMarks(const Snapshot& now, Findings* findings);         // I11: records.cc
// Of a preserved iommufd, which is file `index` of the session.
void CheckRecords(const Snapshot& now, const FileView& file, Findings* findings);  // I10, I11
void CheckMemory(const Snapshot& now, const SessionView& session, size_t index,
                 Findings* findings);  // I14 to I17: memory.cc

}  // namespace iommufd_check::spec
