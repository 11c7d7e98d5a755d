// Stands before every source that becomes part of an image (the build gives it with -include).
//
// An image is a shared object whose symbols nobody else sees, so that the kernel's strlen and sort
// never meet those of the process that loads it; hidden ones are also reached without a table.
#pragma once

#ifndef __ASSEMBLY__
#pragma GCC visibility push(hidden)
#endif

// The simulated machine isolates the interrupts of its devices, as one with remapping does: else
// iommufd_device_bind would refuse every device.
#define arch_is_isolated_msi() true
