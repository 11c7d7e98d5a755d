// What an image and its host say to each other, in C: the only symbol that an image shows is
// linux_image, which exchanges the two tables below.
//
// An image is Linux's own code with a shim around it (README.md). It has no thread, no clock and no
// memory but what the host gives. The host calls struct linux_image on a stack that begins at a
// multiple of its size, stack_bytes; whatever the image calls of struct linux_host on the way may
// run other tasks on their stacks before it returns, unless it says that it does not.
//
// Both are built for one machine, so a change of this file changes LINUX_INTERFACE, and a host
// refuses images that were built before it.
#pragma once

#ifdef __cplusplus
extern "C" {
#endif

#define LINUX_INTERFACE 3u

// Tasks are numbered from 0 and share one process.
#define LINUX_TASKS 8u
#define LINUX_DEVICES 8u

// The word inside a lock of the kernel in which the host keeps whose it is. 0: nobody's yet, as
// locks are that are initialised by the compiler.
typedef unsigned int linux_lock_word;

enum linux_lock_kind { LINUX_SPIN, LINUX_MUTEX, LINUX_RWSEM };

// Calls that the host may make fail.
enum linux_call {
  LINUX_ALLOCATE,  // of objects
  LINUX_PAGES,     // of whole pages
  LINUX_COPY_FROM_USER,
  LINUX_COPY_TO_USER,
  LINUX_PIN,  // of pages of the process
  LINUX_CALLS,
};

// What the kernel's own checks found. `file` and `line` are of the kernel's source or the shim's.
enum linux_splat { LINUX_WARN, LINUX_SLEEP_IN_ATOMIC, LINUX_BUG };

// Where: an address in the image, of the instruction behind the call in question.
typedef const void* linux_site;

struct linux_host {
  void* self;  // the first argument of each call

  // A step, after which the call fails (not 0) or goes on.
  int (*fails)(void* self, enum linux_call call, linux_site site);
  // Zeroed memory, never null and no step; `site` names it when it leaks.
  void* (*allocate)(void* self, unsigned long bytes, unsigned long alignment, linux_site site);
  // A step.
  void (*release)(void* self, const void* object, linux_site site);
  // Bytes that were asked for; no step.
  unsigned long (*size_of)(void* self, const void* object, linux_site site);

  // `name` as in the source ("&ioas->mutex"), which with the kind is the lock's class. No step.
  void (*lock_init)(void* self, linux_lock_word* word, enum linux_lock_kind kind, const char* name);
  // Steps. `shared`: as a reader.
  void (*lock)(void* self, linux_lock_word* word, enum linux_lock_kind kind, int shared,
               linux_site site);
  void (*unlock)(void* self, linux_lock_word* word, enum linux_lock_kind kind, int shared,
                 linux_site site);

  // A step: until somebody wakes `task`, or with `has_timeout` until nobody else can run. Returns 0
  // after the time-out.
  int (*sleep)(void* self, unsigned task, int has_timeout);
  // Wakes the task, which sleeps or has announced that it will. No step.
  void (*wake)(void* self, unsigned task);
  // A step that does nothing.
  void (*step)(void* self);

  // The page of the process at that user address, or 0 where none is; pages are numbered from the
  // beginning of `memory`. No step.
  unsigned long (*user_page)(void* self, unsigned long address);

  // Not a step.
  void (*report)(void* self, enum linux_splat splat, const char* file, int line, const char* what);
  void (*log)(void* self, const char* text);
  // The run is over: the kernel is wrong, or the machine is too small for the run. Neither returns.
  void (*oops)(void* self, const char* what, linux_site site);
  void (*exhausted)(void* self, const char* what);
};

// The machine that the image finds.
struct linux_machine {
  char* memory;       // physical pages, page 0 first
  void* descriptors;  // zeroed, descriptor_bytes for each page
  unsigned long pages;
  unsigned long kernel_pages;  // the first that are the kernel's to allocate; the rest are the
                               // process's
  unsigned long devices;       // behind the IOMMU, a group each
};

// What the kernel's structs say of an object that user space has an id for.
enum linux_object_kind { LINUX_IOAS, LINUX_HWPT, LINUX_DEVICE, LINUX_OTHER };
struct linux_object {
  enum linux_object_kind kind;
  unsigned id;
  unsigned users;
  unsigned target;  // of a HWPT its IOAS; of a device the HWPT that it is attached to; 0: none
  unsigned device;  // of a device
  unsigned long alignment;  // of an IOAS: of its IOVAs
  unsigned long top;        // of a HWPT: the page of its topmost table
};
struct linux_area {
  unsigned ioas;
  unsigned long first, last;  // IOVAs
  unsigned permissions;       // 1 read, 2 write
  int finished;               // what follows is known of these only
  unsigned long address;      // of its first byte in the process
  unsigned long pages;        // that its bytes touch
  int writable;
  const void* backing;  // which pages it has; areas that share them have the same
};
// Sees the objects of an iommufd by id, and the areas of an IOAS behind it by IOVA.
struct linux_visitor {
  void* self;
  void (*object)(void* self, const struct linux_object* object);
  void (*area)(void* self, const struct linux_area* area);
};
enum linux_context { LINUX_GONE, LINUX_CLOSED, LINUX_OPEN };

struct linux_image {
  unsigned linux_version;  // KERNEL_VERSION
  unsigned long stack_bytes;
  unsigned long descriptor_bytes;
  // All that changes: to copy it back is to reset the image, with what host and memory have.
  char* data;
  unsigned long data_bytes;
  // Of code that is the kernel's or the shim's.
  const char* text;
  unsigned long text_bytes;

  // Once, before all other calls, as task 0. 0 or a negative errno.
  int (*boot)(const struct linux_machine* machine);
  // The caller's stack is that of a task from now on, until return_to_user.
  void (*enter)(unsigned task);

  // System calls. Negative errno, or what the call returns.
  long (*open_iommu)(void);
  long (*ioctl)(int fd, unsigned request, void* argument);
  long (*close)(int fd);
  // What VFIO does with a device. Negative errno: EBADF, ENODEV, EBUSY and those of iommufd.
  int (*device_bind)(int fd, unsigned device, unsigned* id);
  int (*device_unbind)(unsigned device);
  int (*device_attach)(unsigned device, unsigned pt_id);
  int (*device_detach)(unsigned device);
  // The way back to user space of a system call: files that were put last are released, and when no
  // task is inside a section of an RCU reader, what waits for that is run.
  void (*return_to_user)(void);

  // What a test of the machine would look at. No steps.
  unsigned long (*page_references)(unsigned long page);  // of a page of the process; 1 at rest
  unsigned long (*pages_in_use)(void);                   // that the kernel allocated
  unsigned long (*locked_pages)(void);                   // accounted to the process's user
  unsigned long (*pinned_pages)(void);                   // accounted to the process
  unsigned long (*page_high)(void);                      // pages below it may have been written
  // The iommufd that was opened as the nth of the run, from 0: whether its context exists and a
  // descriptor is open for it. No steps, so no task may be inside a call.
  enum linux_context (*observe)(unsigned nth, const struct linux_visitor* visitor);
  // What DMA of the device finds at that IOVA: the physical address with 1 read, 2 write in the low
  // bits, or 0.
  unsigned long (*translate)(unsigned device, unsigned long iova);
};

// Returns null when the two were built for different interfaces. `host` stays where it is.
__attribute__((visibility("default"))) const struct linux_image* linux_image(
    unsigned interface, const struct linux_host* host);

#ifdef __cplusplus
}
#endif
