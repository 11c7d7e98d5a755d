// Functions whose prototypes differ from one version to the next, and of which only the answer
// matters. No header of the kernel is here, so there is nothing to keep in step.

#define ANSWERS(value, name) \
  long name(void) { return value; }

ANSWERS(0, kobject_uevent)
ANSWERS(0, kobject_uevent_env)
ANSWERS(0, sysfs_create_dir_ns)
ANSWERS(0, sysfs_remove_dir)
ANSWERS(0, sysfs_create_file_ns)
ANSWERS(0, sysfs_remove_file_ns)
ANSWERS(0, sysfs_create_groups)
ANSWERS(0, sysfs_remove_groups)
ANSWERS(0, sysfs_create_link)
ANSWERS(0, sysfs_create_link_nowarn)
ANSWERS(0, sysfs_remove_link)
ANSWERS(0, sysfs_add_link_to_group)
ANSWERS(0, sysfs_remove_link_from_group)
ANSWERS(0, sysfs_move_dir_ns)
ANSWERS(0, sysfs_rename_dir_ns)
ANSWERS(0, sysfs_emit)
ANSWERS(0, sysfs_emit_at)
ANSWERS(0, kernfs_get)
ANSWERS(0, kernfs_put)
ANSWERS(0, sg_next)
ANSWERS(0, __cpuhp_setup_state)

// The DMA API's own domains carry nothing here: no driver of the machine uses it.
ANSWERS(0, iommu_get_dma_cookie)
ANSWERS(0, iommu_get_msi_cookie)
ANSWERS(0, iommu_put_dma_cookie)
ANSWERS(0, iommu_setup_dma_ops)
ANSWERS(0, iommu_dma_init_fq)

const char param_ops_bool[64];

// The compiler calls these. Bytes at a time are enough: what moves is small.
void *memcpy(void *to, const void *from, unsigned long bytes) {
  void *result = to;
  __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(bytes) : : "memory");
  return result;
}
void *memset(void *to, int value, unsigned long bytes) {
  void *result = to;
  __asm__ volatile("rep stosb" : "+D"(to), "+c"(bytes) : "a"(value) : "memory");
  return result;
}
void *memmove(void *to, const void *from, unsigned long bytes) {
  char *last_to = (char *)to + bytes - 1;
  const char *last_from = (const char *)from + bytes - 1;
  if ((unsigned long)to - (unsigned long)from >= bytes) return memcpy(to, from, bytes);
  __asm__ volatile("std; rep movsb; cld" : "+D"(last_to), "+S"(last_from), "+c"(bytes) : : "memory");
  return to;
}
