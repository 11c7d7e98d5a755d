// The image's one visible symbol, and its boot: initcalls in their order, then the IOMMU.
#include <linux/init.h>
#include <linux/radix-tree.h>
#include <linux/version.h>

#include "model/linux/image/shim.h"

const struct linux_host *host;
struct linux_machine machine;

// Of image.lds.
extern const initcall_entry_t first_initcall[], last_initcall[];
extern char first_data[], last_data[];
extern const char first_text[], last_text[];

static int run_initcalls(void) {
  const initcall_entry_t *call;
  int error = 0;
  for (call = first_initcall; call < last_initcall && !error; call++) {
    error = initcall_from_entry((initcall_entry_t *)call)();
  }
  return error;
}

static int boot(const struct linux_machine *given) {
  int error;
  machine = *given;
  memory_boot();
  tasks_boot();
  enter_task(0);
  radix_tree_init();
  error = run_initcalls();
  if (!error) error = devices_boot();
  if (!error) error = iommu_driver_boot();
  leave_task();
  return error;
}

static void return_to_user(void) {
  run_task_work();
  if (!any_task_is_atomic()) run_grace_period();
  leave_task();
}

// Positions of the linker's symbols are known only when the image is loaded.
static struct linux_image image = {
    .linux_version = LINUX_VERSION_CODE,
    .stack_bytes = THREAD_SIZE,
    .descriptor_bytes = sizeof(struct page),
    .boot = boot,
    .enter = enter_task,
    .open_iommu = open_iommu,
    .ioctl = do_ioctl,
    .close = do_close,
    .device_bind = vfio_bind,
    .device_unbind = vfio_unbind,
    .device_attach = vfio_attach,
    .device_detach = vfio_detach,
    .return_to_user = return_to_user,
    .page_references = page_references,
    .pages_in_use = pages_in_use,
    .locked_pages = locked_pages,
    .pinned_pages = pinned_pages,
    .page_high = page_high,
    .observe = observe,
    .translate = translate,
};

const struct linux_image *linux_image(unsigned interface, const struct linux_host *given) {
  if (interface != LINUX_INTERFACE) return NULL;
  host = given;
  image.data = first_data;
  image.data_bytes = last_data - first_data;
  image.text = first_text;
  image.text_bytes = last_text - first_text;
  return &image;
}
