// What the files of the shim share. They are compiled with the kernel's headers and by the command
// line of one of its own objects, so that every layout is right; none contains code of the kernel.
#pragma once

#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "model/linux/image/interface.h"

// The kernel declares what the shim defines in headers that not every file of it needs.
#pragma GCC diagnostic ignored "-Wmissing-prototypes"
#pragma GCC diagnostic ignored "-Wmissing-declarations"

extern const struct linux_host* host;
extern struct linux_machine machine;

#define HOST(call, ...) host->call(host->self, ##__VA_ARGS__)
// Of the function that this stands in.
#define CALLER ((linux_site)__builtin_return_address(0))
#define OOPS(what)            \
  do {                        \
    HOST(oops, what, CALLER); \
    unreachable();            \
  } while (0)

// Memory of the shim's own, which never fails and is not a step.
void* own_memory(unsigned long bytes);

void memory_boot(void);
void tasks_boot(void);
int devices_boot(void);
int iommu_driver_boot(void);
void enter_task(unsigned task);
void leave_task(void);
bool any_task_is_atomic(void);

// A sleeping function is called here.
void may_sleep(const char* file, int line);

// The nth file of /dev/iommu, null once it is released; and whether a descriptor leads to it.
struct file* opened_iommu(unsigned nth, bool* has_descriptor);
enum linux_context observe(unsigned nth, const struct linux_visitor* visitor);
long open_iommu(void);
long do_ioctl(int fd, unsigned int request, void* argument);
long do_close(int fd);
void run_task_work(void);
void run_grace_period(void);

int vfio_bind(int fd, unsigned device, unsigned* id);
int vfio_unbind(unsigned device);
int vfio_attach(unsigned device, unsigned pt_id);
int vfio_detach(unsigned device);

struct device* device_at(unsigned device);
unsigned device_number(struct device* device);
struct iommu_domain;
unsigned long domain_top(struct iommu_domain* domain);
unsigned long translate(unsigned device, unsigned long iova);

unsigned long page_references(unsigned long page);
unsigned long pages_in_use(void);
unsigned long page_high(void);
unsigned long locked_pages(void);
unsigned long pinned_pages(void);
