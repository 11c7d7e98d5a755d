// The observable state of an image, in the words of the specification.
#pragma once

#include "model/linux/host/machine.h"
#include "model/program/program.h"
#include "model/spec/snapshot.h"

namespace iommufd_check::program {

// False: the kernel's structs led astray, and *snapshot is of no use. Overwrites it: iommufds,
// objects, areas, and what each domain maps, which the referee's reader reads from the page tables
// in the image's memory. Memfds are as at boot, since images have no operation on them. REQUIRES:
// no task is inside a call; the run opened the program's iommufds in their order.
bool ObserveImage(const linux_host::Machine& machine, const Boot& boot, spec::Snapshot* snapshot);

// The memfds that a process finds.
void AddMemfdsOfBoot(const Boot& boot, spec::Snapshot* snapshot);

}  // namespace iommufd_check::program
