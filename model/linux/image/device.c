// The device model as far as the IOMMU core asks for it: one bus, with our devices on it, and a
// sysfs that takes everything.
#include <linux/device.h>
#include <linux/device/bus.h>
#include <linux/fwnode.h>
#include <linux/notifier.h>
#include <linux/platform_device.h>
#include <linux/property.h>

#include "model/linux/image/shim.h"

#define NOTIFIERS 4
typeof(platform_bus_type) platform_bus_type = {.name = "platform"};
struct kobject *kernel_kobj;

static struct device *devices[LINUX_DEVICES];
static struct notifier_block *notifiers[NOTIFIERS];

static void forget(struct device *device) {}

int devices_boot(void) {
  static const char *const names[LINUX_DEVICES] = {"dev0", "dev1", "dev2", "dev3",
                                                   "dev4", "dev5", "dev6", "dev7"};
  unsigned i;
  for (i = 0; i < machine.devices; i++) {
    struct device *device = own_memory(sizeof(*device));
    device->init_name = names[i];
    device->bus = &platform_bus_type;
    device->release = forget;
    device_initialize(device);
    if (device_add(device)) return -ENOMEM;
    devices[i] = device;
  }
  return 0;
}

struct device *device_at(unsigned device) {
  return device < machine.devices ? devices[device] : NULL;
}

unsigned device_number(struct device *device) {
  unsigned i = 0;
  while (i < machine.devices && devices[i] != device) i++;
  return i;
}

int bus_register_notifier(const struct bus_type *bus, struct notifier_block *block) {
  unsigned i;
  for (i = 0; i < NOTIFIERS; i++) {
    if (notifiers[i]) continue;
    notifiers[i] = block;
    return 0;
  }
  return -ENOMEM;
}
int bus_for_each_dev(const struct bus_type *bus, struct device *start, void *data,
                     int (*visit)(struct device *, void *)) {
  unsigned i;
  int result = 0;
  for (i = 0; i < machine.devices && !result; i++) {
    if (devices[i]) result = visit(devices[i], data);
  }
  return result;
}

static void release_device(struct kobject *kobject) {
  struct device *device = kobj_to_dev(kobject);
  if (device->release) {
    device->release(device);
  } else if (device->class && device->class->dev_release) {
    device->class->dev_release(device);
  }
}
static const struct kobj_type device_type = {.release = release_device};

void device_initialize(struct device *device) {
  kobject_init(&device->kobj, &device_type);
  mutex_init(&device->mutex);
}
int device_add(struct device *device) {
  unsigned i;
  get_device(device);
  for (i = 0; device->bus && i < NOTIFIERS; i++) {
    if (!notifiers[i]) continue;
    notifiers[i]->notifier_call(notifiers[i], BUS_NOTIFY_ADD_DEVICE, device);
  }
  return 0;
}
void device_unregister(struct device *device) {
  put_device(device);
  put_device(device);
}
struct device *get_device(struct device *device) {
  if (device) kobject_get(&device->kobj);
  return device;
}
void put_device(struct device *device) {
  if (device) kobject_put(&device->kobj);
}

int class_register(const struct class *class) { return 0; }
int __devm_add_action(struct device *device, void (*action)(void *), void *data,
                      const char *name) {
  return 0;
}
struct fwnode_handle *__dev_fwnode(struct device *device) { return NULL; }
struct fwnode_handle *fwnode_handle_get(struct fwnode_handle *node) { return node; }
int device_property_read_u32_array(const struct device *device, const char *name, u32 *values,
                                   size_t count) {
  return -EINVAL;
}
