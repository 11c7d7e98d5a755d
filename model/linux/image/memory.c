// Objects, caches and physical pages. The host owns the objects; pages are handed out here, since
// their descriptors have the kernel's layout.
#include "model/linux/image/shim.h"

struct page *mem_map;
unsigned long uml_physmem;
unsigned long task_size;

static unsigned long next_page = 1;  // never handed out yet; a page 0 would look like none
static unsigned long free_pages_list;  // the last freed, plus 1; each names the one before it
static unsigned long used_pages;

struct kmem_cache {
  unsigned int size, alignment;
  void (*constructor)(void *);
};
typeof(kmalloc_caches) kmalloc_caches;

void *own_memory(unsigned long bytes) { return HOST(allocate, bytes, 64, CALLER); }

void memory_boot(void) {
  unsigned long i;
  uml_physmem = (unsigned long)machine.memory;
  task_size = 1UL << 47;
  mem_map = machine.descriptors;
  for (i = machine.kernel_pages; i < machine.pages; i++) atomic_set(&mem_map[i]._refcount, 1);
}

unsigned long page_references(unsigned long page) { return atomic_read(&mem_map[page]._refcount); }
unsigned long pages_in_use(void) { return used_pages; }
unsigned long page_high(void) { return next_page; }

static void *allocate(size_t bytes, size_t alignment, gfp_t flags, linux_site site) {
  if (flags & __GFP_DIRECT_RECLAIM) may_sleep(__FILE__, __LINE__);
  if (HOST(fails, LINUX_ALLOCATE, site) && !(flags & __GFP_NOFAIL)) return NULL;
  return HOST(allocate, bytes, alignment, site);
}

// As kmalloc promises: a power of two is aligned to itself.
static size_t alignment_of(size_t bytes) {
  return is_power_of_2(bytes) && bytes >= 16 && bytes <= PAGE_SIZE ? bytes : 16;
}

void *__kmalloc_noprof(size_t bytes, gfp_t flags) {
  return allocate(bytes, alignment_of(bytes), flags, CALLER);
}
void *__kmalloc_cache_noprof(struct kmem_cache *cache, gfp_t flags, size_t bytes) {
  return allocate(bytes, alignment_of(bytes), flags, CALLER);
}
void *__kmalloc_node_noprof(DECL_BUCKET_PARAMS(bytes, bucket), gfp_t flags, int node) {
  return allocate(bytes, alignment_of(bytes), flags, CALLER);
}
void *__kvmalloc_node_noprof(DECL_BUCKET_PARAMS(bytes, bucket), gfp_t flags, int node) {
  return allocate(bytes, alignment_of(bytes), flags, CALLER);
}

void kfree(const void *object) {
  if (!ZERO_OR_NULL_PTR(object)) HOST(release, object, CALLER);
}
void kvfree(const void *object) {
  if (!ZERO_OR_NULL_PTR(object)) HOST(release, object, CALLER);
}
void kfree_const(const void *object) {
  if (!ZERO_OR_NULL_PTR(object)) HOST(release, object, CALLER);
}

void *krealloc_noprof(const void *object, size_t bytes, gfp_t flags) {
  void *larger = allocate(bytes, alignment_of(bytes), flags, CALLER);
  if (ZERO_OR_NULL_PTR(object) || !larger) return larger;
  memcpy(larger, object, min_t(size_t, bytes, HOST(size_of, object, CALLER)));
  HOST(release, object, CALLER);
  return larger;
}

struct kmem_cache *__kmem_cache_create_args(const char *name, unsigned int size,
                                            struct kmem_cache_args *args, slab_flags_t flags) {
  struct kmem_cache *cache = own_memory(sizeof(*cache));
  cache->size = size;
  cache->alignment = max(args->align, 16u);
  cache->constructor = args->ctor;
  return cache;
}

// Objects keep nothing from one life to the next, so that the constructor is always due.
static void *from_cache(struct kmem_cache *cache, gfp_t flags, linux_site site) {
  void *object = allocate(cache->size, cache->alignment, flags, site);
  if (object && cache->constructor) cache->constructor(object);
  return object;
}
void *kmem_cache_alloc_noprof(struct kmem_cache *cache, gfp_t flags) {
  return from_cache(cache, flags, CALLER);
}
void *kmem_cache_alloc_lru_noprof(struct kmem_cache *cache, struct list_lru *lru, gfp_t flags) {
  return from_cache(cache, flags, CALLER);
}
void kmem_cache_free(struct kmem_cache *cache, void *object) { HOST(release, object, CALLER); }

static unsigned long *words_of(unsigned long page) {
  return (unsigned long *)(machine.memory + (page << PAGE_SHIFT));
}

// Pages are given back in the order in which they came, last first, as the kernel's per-cpu lists
// do; so no neighbour follows from another.
static unsigned long take_pages(gfp_t flags, unsigned int order, linux_site site) {
  unsigned long page, i;
  if (flags & __GFP_DIRECT_RECLAIM) may_sleep(__FILE__, __LINE__);
  if (HOST(fails, LINUX_PAGES, site)) return 0;
  if (!order && free_pages_list) {
    page = free_pages_list - 1;
    free_pages_list = words_of(page)[0];
  } else {
    page = ALIGN(next_page, 1UL << order);
    if (page + (1UL << order) > machine.kernel_pages) HOST(exhausted, "the machine has no more pages");
    next_page = page + (1UL << order);
  }
  used_pages += 1UL << order;
  for (i = page; i < page + (1UL << order); i++) atomic_set(&mem_map[i]._refcount, 1);
  memset(words_of(page), flags & __GFP_ZERO ? 0 : 0xa5, PAGE_SIZE << order);
  return (unsigned long)words_of(page);
}

unsigned long get_free_pages_noprof(gfp_t flags, unsigned int order) {
  return take_pages(flags, order, CALLER);
}
unsigned long get_zeroed_page_noprof(gfp_t flags) {
  return take_pages(flags | __GFP_ZERO, 0, CALLER);
}

void free_pages(unsigned long address, unsigned int order) {
  unsigned long page, i;
  if (!address) return;
  HOST(step);
  page = (address - uml_physmem) >> PAGE_SHIFT;
  for (i = page; i < page + (1UL << order); i++) {
    if (atomic_read(&mem_map[i]._refcount) != 1) OOPS("page freed twice");
    atomic_set(&mem_map[i]._refcount, 0);
    memset(words_of(i), 0x6b, PAGE_SIZE);
    words_of(i)[0] = free_pages_list;
    free_pages_list = i + 1;
  }
  used_pages -= 1UL << order;
}
