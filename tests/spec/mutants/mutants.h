// One design for each invariant that breaks it: a revision with a step changed, and a program on
// which the change shows. A check that never fires on its mutant proves nothing.
//
// Those of an invariant stand in a file of its name, which ends with their rows.
#pragma once

#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "model/liveupdate/designs/reference.h"
#include "model/liveupdate/designs/v1.h"

namespace iommufd_check::spec {

using iommufd::AreaHandle;
using iommufd::Context;
using iommufd::HwptHandle;
using iommufd::IoasHandle;
using liveupdate::ContextHandle;
using liveupdate::Facts;
using liveupdate::Gate;
using liveupdate::Hwpts;
using liveupdate::PhysAddr;
using liveupdate::PreserveArguments;
using liveupdate::Reference;
using liveupdate::Revision;
using liveupdate::StepKernel;
using liveupdate::Steps;
using liveupdate::V1;
using liveupdate::V1On72;
namespace iopt = iommufd::iopt;

struct MutantCase {
  Revision mutant;
  std::string program;          // text
  std::string operation;        // label of the operation that breaks it, or "exit"
  std::string detail;           // of the violation, whole
  std::string also;             // ids of what breaks besides, ascending, separated by a blank
  Revision base = Reference();  // what the mutant was made of
  std::string invariant = "";   // id of the one that the mutant is there for; AllMutants says it
};

// For messages of GoogleTest.
inline void PrintTo(const MutantCase& row, std::ostream* os) {
  *os << row.invariant << " " << row.mutant.name();
}

using MutantCases = std::vector<MutantCase>;

// Of each invariant, in the file of its row: i04_in_flight_exclusion.cc.
#define X(id, ...) MutantCases MutantsOf##id();
#include "model/spec/invariants.def"
#undef X

// All of them.
const MutantCases& AllMutants();

// A HWPT that is marked with 7, and a session: main.1 to main.5.
inline const std::string kOneMarked =
    "boot memfds=1 devices=1\n"
    "main:\n"
    "  ioas = ioas_alloc()\n"
    "  dev = device_bind(index=0)\n"
    "  hwpt = hwpt_alloc(dev, ioas)\n"
    "  lu_mark(hwpt, token=7)\n"
    "  s = luo_create_session(name=\"vm\")\n";

// A second one on the same IOAS: main.6 and main.7.
inline const std::string kTwoMarked = kOneMarked +
                                      "  hwpt2 = hwpt_alloc(dev, ioas)\n"
                                      "  lu_mark(hwpt2, token=8)\n";

// One marked, and another of a second iommufd: main.4 marks, main.8 creates.
inline const std::string kTwoIommufds =
    "boot memfds=1 devices=2 iommufds=2\n"
    "main:\n"
    "  ioas = ioas_alloc()\n"
    "  dev = device_bind(index=0)\n"
    "  hwpt = hwpt_alloc(dev, ioas)\n"
    "  lu_mark(hwpt, token=7)\n"
    "  s = luo_create_session(name=\"vm\")\n"
    "  ioas2 = ioas_alloc(iommufd=1)\n"
    "  dev2 = device_bind(index=1, iommufd=1)\n"
    "  hwpt2 = hwpt_alloc(dev2, ioas2)\n";

// A sealed page of a memfd mapped below the one, and the memfd preserved: main.6 to main.8.
inline const std::string kOneMapped = kOneMarked +
                                      "  memfd_seal(0, seals=seal|grow|shrink)\n"
                                      "  map_file(ioas, memfd=0, iova=0x1000, length=0x1000)\n"
                                      "  luo_preserve(s, memfd=0, token=1)\n";

}  // namespace iommufd_check::spec
