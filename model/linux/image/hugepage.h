// Stands before io_pagetable.c, whose choice of an IOVA looks for huge pages: the machine has those
// of 2 MiB, which user-mode Linux does not. The headers come first, for that one file's text to
// see the option and nothing else to change with it.
#pragma once

#include <linux/err.h>
#include <linux/errno.h>
#include <linux/iommu.h>
#include <linux/iommufd.h>
#include <linux/lockdep.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <uapi/linux/iommufd.h>

#define CONFIG_TRANSPARENT_HUGEPAGE 1
#undef HPAGE_SIZE
#define HPAGE_SIZE (1UL << 21)
