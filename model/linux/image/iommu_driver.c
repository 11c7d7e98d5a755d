// The driver of the machine's IOMMU: it reads and writes page tables in memory as the unit of the
// model does (model/iommu/table_format.h: three levels, 39 bits, 4 KiB pages, bit 0 read, bit 1
// write), so that one walker reads both.
#include <linux/iommu.h>

#include "model/linux/image/shim.h"

#define LEVELS 3
#define ENTRIES 512
#define ADDRESS_MASK (((1UL << 52) - 1) & PAGE_MASK)
#define APERTURE_LAST ((1UL << 39) - 1)

struct own_domain {
  struct iommu_domain domain;
  unsigned long *top;
};

static struct iommu_device unit;
static struct iommu_domain *attached[LINUX_DEVICES];

static struct own_domain *own(struct iommu_domain *domain) {
  return container_of(domain, struct own_domain, domain);
}
static unsigned long *table_at(unsigned long entry) {
  return (unsigned long *)(machine.memory + (entry & ADDRESS_MASK));
}
static unsigned int index_of(unsigned long iova, int level) {
  return (iova >> (PAGE_SHIFT + 9 * level)) & (ENTRIES - 1);
}

// The leaf of the IOVA, or null: where tables end, and `flags` are 0 or an allocation fails.
static unsigned long *leaf_of(unsigned long *table, unsigned long iova, gfp_t flags) {
  int level;
  for (level = LEVELS - 1; level > 0; level--) {
    unsigned long *entry = &table[index_of(iova, level)];
    if (!*entry) {
      unsigned long below = flags ? get_zeroed_page(flags) : 0;
      if (!below) return NULL;
      *entry = (below - uml_physmem) | 3;
    }
    table = table_at(*entry);
  }
  return &table[index_of(iova, 0)];
}

static void free_tables(unsigned long *table, int level) {
  int i;
  for (i = 0; i < ENTRIES && level > 0; i++) {
    if (table[i]) free_tables(table_at(table[i]), level - 1);
  }
  free_page((unsigned long)table);
}

static int map_pages(struct iommu_domain *domain, unsigned long iova, phys_addr_t address,
                     size_t page_size, size_t count, int prot, gfp_t flags, size_t *mapped) {
  for (; count > 0; count--) {
    unsigned long *leaf = leaf_of(own(domain)->top, iova, flags);
    if (!leaf) return -ENOMEM;
    if (*leaf) return -EEXIST;
    *leaf = address | (prot & IOMMU_READ ? 1 : 0) | (prot & IOMMU_WRITE ? 2 : 0);
    iova += page_size;
    address += page_size;
    *mapped += page_size;
  }
  return 0;
}

static size_t unmap_pages(struct iommu_domain *domain, unsigned long iova, size_t page_size,
                          size_t count, struct iommu_iotlb_gather *gather) {
  size_t unmapped = 0;
  for (; count > 0; count--) {
    unsigned long *leaf = leaf_of(own(domain)->top, iova + unmapped, 0);
    if (!leaf || !*leaf) break;
    *leaf = 0;
    unmapped += page_size;
  }
  return unmapped;
}

static phys_addr_t iova_to_phys(struct iommu_domain *domain, dma_addr_t iova) {
  const unsigned long *leaf = leaf_of(own(domain)->top, iova, 0);
  return leaf && *leaf ? (*leaf & ADDRESS_MASK) + offset_in_page(iova) : 0;
}

static int attach(struct iommu_domain *domain, struct device *device) {
  HOST(step);
  attached[device_number(device)] = domain;
  return 0;
}

static void free_domain(struct iommu_domain *domain) {
  free_tables(own(domain)->top, LEVELS - 1);
  kfree(own(domain));
}
static bool enforce_cache_coherency(struct iommu_domain *domain) { return true; }

static const struct iommu_domain_ops paging_ops = {
    .attach_dev = attach,
    .map_pages = map_pages,
    .unmap_pages = unmap_pages,
    .iova_to_phys = iova_to_phys,
    .enforce_cache_coherency = enforce_cache_coherency,
    .free = free_domain,
};
static const struct iommu_domain_ops blocked_ops = {.attach_dev = attach};
static struct iommu_domain blocked = {.type = IOMMU_DOMAIN_BLOCKED, .ops = &blocked_ops};

static struct iommu_domain *alloc_paging(struct device *device) {
  struct own_domain *domain = kzalloc(sizeof(*domain), GFP_KERNEL);
  if (!domain) return NULL;
  domain->top = (unsigned long *)get_zeroed_page(GFP_KERNEL);
  if (!domain->top) {
    kfree(domain);
    return NULL;
  }
  domain->domain.geometry.aperture_end = APERTURE_LAST;
  domain->domain.geometry.force_aperture = true;
  return &domain->domain;
}

static bool capable_of(struct device *device, enum iommu_cap capability) {
  return capability == IOMMU_CAP_CACHE_COHERENCY ||
         capability == IOMMU_CAP_ENFORCE_CACHE_COHERENCY;
}
static struct iommu_device *probe(struct device *device) { return &unit; }

static const struct iommu_ops unit_ops = {
    .capable = capable_of,
    .domain_alloc_paging = alloc_paging,
    .probe_device = probe,
    .device_group = generic_device_group,
    .blocked_domain = &blocked,
    .default_domain_ops = &paging_ops,
    .pgsize_bitmap = PAGE_SIZE,
};

int iommu_driver_boot(void) {
  int error = iommu_device_sysfs_add(&unit, NULL, NULL, "unit0");
  return error ? error : iommu_device_register(&unit, &unit_ops, NULL);
}

unsigned long domain_top(struct iommu_domain *domain) {
  return ((unsigned long)own(domain)->top - uml_physmem) >> PAGE_SHIFT;
}

unsigned long translate(unsigned device, unsigned long iova) {
  struct iommu_domain *domain = device < machine.devices ? attached[device] : NULL;
  const unsigned long *leaf;
  if (!domain || domain == &blocked || iova > APERTURE_LAST) return 0;
  leaf = leaf_of(own(domain)->top, iova, 0);
  return leaf ? *leaf : 0;
}
