// What iommufd's own structs say, for whoever compares states: the one file that knows them.
#include "iommufd_private.h"
#include "io_pagetable.h"

#include "model/linux/image/shim.h"

static void see_area(const struct linux_visitor *visitor, unsigned ioas, struct iopt_area *area) {
  struct linux_area seen = {
      .ioas = ioas,
      .first = iopt_area_iova(area),
      .last = iopt_area_last_iova(area),
      .permissions = (area->iommu_prot & IOMMU_READ ? 1 : 0) |
                     (area->iommu_prot & IOMMU_WRITE ? 2 : 0),
      .finished = area->pages != NULL,
  };
  if (area->pages) {
    seen.address = (unsigned long)area->pages->uptr + iopt_area_start_byte(area, seen.first);
    seen.pages = iopt_area_last_index(area) - iopt_area_index(area) + 1;
    seen.writable = area->pages->writable;
    seen.backing = area->pages;
  }
  visitor->area(visitor->self, &seen);
}

static void see_ioas(const struct linux_visitor *visitor, struct linux_object *seen,
                     struct iommufd_ioas *ioas) {
  struct iopt_area *area;
  seen->kind = LINUX_IOAS;
  seen->alignment = ioas->iopt.iova_alignment;
  visitor->object(visitor->self, seen);
  for (area = iopt_area_iter_first(&ioas->iopt, 0, ULONG_MAX); area;
       area = iopt_area_iter_next(area, 0, ULONG_MAX)) {
    see_area(visitor, seen->id, area);
  }
}

static unsigned attached_to(struct iommufd_device *device) {
  struct iommufd_device *each;
  list_for_each_entry(each, &device->igroup->device_list, group_item) {
    if (each == device) return device->igroup->hwpt->obj.id;
  }
  return 0;
}

static void see_object(const struct linux_visitor *visitor, struct iommufd_object *object) {
  struct linux_object seen = {
      .kind = LINUX_OTHER, .id = object->id, .users = refcount_read(&object->users)};
  struct iommufd_hwpt_paging *hwpt;
  struct iommufd_device *device;
  switch (object->type) {
    case IOMMUFD_OBJ_IOAS:
      see_ioas(visitor, &seen, container_of(object, struct iommufd_ioas, obj));
      return;
    case IOMMUFD_OBJ_HWPT_PAGING:
      hwpt = container_of(object, struct iommufd_hwpt_paging, common.obj);
      seen.kind = LINUX_HWPT;
      seen.target = hwpt->ioas->obj.id;
      seen.top = domain_top(hwpt->common.domain);
      break;
    case IOMMUFD_OBJ_DEVICE:
      device = container_of(object, struct iommufd_device, obj);
      seen.kind = LINUX_DEVICE;
      seen.target = attached_to(device);
      seen.device = device_number(device->dev);
      break;
    default:
      break;
  }
  visitor->object(visitor->self, &seen);
}

// No lock is taken: nobody else runs.
enum linux_context observe(unsigned nth, const struct linux_visitor *visitor) {
  bool has_descriptor;
  struct file *file = opened_iommu(nth, &has_descriptor);
  struct iommufd_ctx *context;
  void *entry;
  if (!file) return LINUX_GONE;
  context = file->private_data;
  {
    XA_STATE(at, &context->objects, 0);
    xas_for_each(&at, entry, ULONG_MAX) {
      if (!xa_is_zero(entry)) see_object(visitor, entry);
    }
  }
  return has_descriptor ? LINUX_OPEN : LINUX_CLOSED;
}
