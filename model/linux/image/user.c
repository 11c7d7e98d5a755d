// The process's memory: copies to and from it, and pins of its pages.
#include <linux/uaccess.h>

#include "model/linux/image/shim.h"

// Arguments of system calls lie in memory of the process that the host runs in.
unsigned long raw_copy_from_user(void *to, const void __user *from, unsigned long bytes) {
  if (HOST(fails, LINUX_COPY_FROM_USER, CALLER)) return bytes;
  memcpy(to, (__force const void *)from, bytes);
  return 0;
}
unsigned long raw_copy_to_user(void __user *to, const void *from, unsigned long bytes) {
  if (HOST(fails, LINUX_COPY_TO_USER, CALLER)) return bytes;
  memcpy((__force void *)to, from, bytes);
  return 0;
}
unsigned long __clear_user(void __user *to, unsigned long bytes) {
  if (HOST(fails, LINUX_COPY_TO_USER, CALLER)) return bytes;
  memset((__force void *)to, 0, bytes);
  return 0;
}
int check_zeroed_user(const void __user *from, size_t bytes) {
  const char *bytes_of = (__force const char *)from;
  size_t i;
  for (i = 0; i < bytes; i++) {
    if (bytes_of[i]) return 0;
  }
  return 1;
}

// As much as there is: a call that is not the first of a range may return less than it was asked
// for, and 0 is never the answer.
static long pin(unsigned long address, unsigned long count, struct page **pages, linux_site site) {
  unsigned long i;
  if (HOST(fails, LINUX_PIN, site)) return -EFAULT;
  for (i = 0; i < count; i++) {
    const unsigned long page = HOST(user_page, address + (i << PAGE_SHIFT));
    if (!page) break;
    pages[i] = mem_map + page;
    atomic_add(GUP_PIN_COUNTING_BIAS, &pages[i]->_refcount);
  }
  return i ? (long)i : -EFAULT;
}
int pin_user_pages_fast(unsigned long address, int count, unsigned int flags,
                        struct page **pages) {
  return pin(address, count, pages, CALLER);
}
long pin_user_pages_remote(struct mm_struct *mm, unsigned long address, unsigned long count,
                           unsigned int flags, struct page **pages, int *locked) {
  return pin(address, count, pages, CALLER);
}

void unpin_user_page(struct page *page) {
  if (atomic_read(&page->_refcount) < GUP_PIN_COUNTING_BIAS) OOPS("unpin of a page without pins");
  atomic_sub(GUP_PIN_COUNTING_BIAS, &page->_refcount);
}
void unpin_user_pages(struct page **pages, unsigned long count) {
  unsigned long i;
  HOST(step);
  for (i = 0; i < count; i++) unpin_user_page(pages[i]);
}
void unpin_user_page_range_dirty_lock(struct page *page, unsigned long count, bool dirty) {
  unsigned long i;
  HOST(step);
  for (i = 0; i < count; i++) unpin_user_page(page + i);
}
int set_page_dirty_lock(struct page *page) { return 0; }
