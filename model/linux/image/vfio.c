// What VFIO does with a device of its own: bind, attach, detach and unbind through the functions
// that iommufd exports to it. A device that is attached is not attached elsewhere: VFIO would
// replace, which programs cannot say yet.
#include <linux/file.h>
#include <linux/iommufd.h>

#include "model/linux/image/shim.h"

static struct bound {
  struct iommufd_ctx *context;
  struct iommufd_device *device;
  bool attached;
} bound[LINUX_DEVICES];

int vfio_bind(int fd, unsigned device, unsigned *id) {
  struct iommufd_ctx *context = iommufd_ctx_from_fd(fd);
  struct bound *slot;
  if (IS_ERR(context)) return PTR_ERR(context);
  slot = device_at(device) ? &bound[device] : NULL;
  if (!slot || slot->context) {
    iommufd_ctx_put(context);
    return slot ? -EBUSY : -ENODEV;
  }
  slot->device = iommufd_device_bind(context, device_at(device), id);
  if (IS_ERR(slot->device)) {
    iommufd_ctx_put(context);
    return PTR_ERR(slot->device);
  }
  slot->context = context;
  return 0;
}

static struct bound *bound_at(unsigned device) {
  return device_at(device) && bound[device].context ? &bound[device] : NULL;
}

int vfio_detach(unsigned device) {
  struct bound *slot = bound_at(device);
  if (!slot) return -ENOENT;
  if (slot->attached) iommufd_device_detach(slot->device);
  slot->attached = false;
  return 0;
}

int vfio_unbind(unsigned device) {
  struct bound *slot = bound_at(device);
  struct iommufd_ctx *context;
  if (!slot) return -ENOENT;
  vfio_detach(device);
  iommufd_device_unbind(slot->device);
  context = slot->context;
  slot->context = NULL;
  iommufd_ctx_put(context);
  return 0;
}

int vfio_attach(unsigned device, unsigned pt_id) {
  struct bound *slot = bound_at(device);
  int error;
  if (!slot) return -ENOENT;
  if (slot->attached) return -EBUSY;
  error = iommufd_device_attach(slot->device, &pt_id);
  slot->attached = !error;
  return error;
}
