// Files and their descriptors. The last fput does not release the file: that happens on the way
// back to user space, behind whatever the system call still does.
#include <linux/anon_inodes.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>

#include "model/linux/image/shim.h"

#define DESCRIPTORS 64
static struct file *descriptors[DESCRIPTORS];
static bool taken[DESCRIPTORS];
static struct miscdevice *iommu_device;
static struct list_head released[LINUX_TASKS];

// In their order, for who looks at the state.
#define OPENED 16
static struct file *opened[OPENED];
static unsigned opened_count;

struct own_file {
  struct file file;
  struct list_head released;
};

int misc_register(struct miscdevice *misc) {
  if (!strcmp(misc->name, "iommu")) iommu_device = misc;
  return 0;
}
void misc_deregister(struct miscdevice *misc) {
  if (iommu_device == misc) iommu_device = NULL;
}
int nonseekable_open(struct inode *inode, struct file *file) { return 0; }

int get_unused_fd_flags(unsigned int flags) {
  int fd;
  for (fd = 3; fd < DESCRIPTORS; fd++) {
    if (taken[fd]) continue;
    taken[fd] = true;
    return fd;
  }
  return -EMFILE;
}
void put_unused_fd(unsigned int fd) { taken[fd] = false; }
void fd_install(unsigned int fd, struct file *file) { descriptors[fd] = file; }

static struct file *make_file(const struct file_operations *operations, void *private) {
  struct own_file *own = kzalloc(sizeof(*own), GFP_KERNEL);
  if (!own) return NULL;
  own->file.f_op = operations;
  own->file.private_data = private;
  own->file.f_mode = FMODE_READ | FMODE_WRITE;
  atomic_long_set(&own->file.f_count, 1);
  return &own->file;
}
struct file *anon_inode_getfile(const char *name, const struct file_operations *operations,
                                void *private, int flags) {
  struct file *file = make_file(operations, private);
  return file ? file : ERR_PTR(-ENOMEM);
}

static struct file *file_of(int fd) { return fd >= 0 && fd < DESCRIPTORS ? descriptors[fd] : NULL; }
struct file *fget(unsigned int fd) {
  struct file *file = file_of(fd);
  if (file) get_file(file);
  return file;
}

struct file *opened_iommu(unsigned nth, bool *has_descriptor) {
  struct file *file = nth < OPENED ? opened[nth] : NULL;
  int fd;
  *has_descriptor = false;
  for (fd = 0; file && fd < DESCRIPTORS; fd++) *has_descriptor |= descriptors[fd] == file;
  return file;
}

static void release(struct file *file) {
  unsigned nth;
  for (nth = 0; nth < OPENED; nth++) {
    if (opened[nth] == file) opened[nth] = NULL;
  }
  if (file->f_op->release) file->f_op->release(NULL, file);
  kfree(container_of(file, struct own_file, file));
}
void fput(struct file *file) {
  struct list_head *list = &released[current->pid];
  HOST(step);
  if (!atomic_long_dec_and_test(&file->f_count)) return;
  if (!list->next) INIT_LIST_HEAD(list);
  list_add(&container_of(file, struct own_file, file)->released, list);
}
void __fput_sync(struct file *file) {
  if (atomic_long_dec_and_test(&file->f_count)) release(file);
}

// The file that was put last is released first.
void run_task_work(void) {
  struct list_head *list = &released[current->pid];
  while (list->next && !list_empty(list)) {
    struct own_file *own = list_first_entry(list, struct own_file, released);
    list_del(&own->released);
    release(&own->file);
  }
}

long open_iommu(void) {
  struct file *file;
  int fd, error;
  if (!iommu_device) return -ENODEV;
  fd = get_unused_fd_flags(0);
  if (fd < 0) return fd;
  file = make_file(iommu_device->fops, iommu_device);
  error = file ? iommu_device->fops->open(NULL, file) : -ENOMEM;
  if (error) {
    put_unused_fd(fd);
    kfree(file ? container_of(file, struct own_file, file) : NULL);
    return error;
  }
  fd_install(fd, file);
  if (opened_count < OPENED) opened[opened_count++] = file;
  return fd;
}

// The reference that the descriptor gives for the length of the call is a plain one: what releases
// the file while the call runs is a close of another task.
long do_ioctl(int fd, unsigned int request, void *argument) {
  struct file *file = fget(fd);
  long result;
  if (!file) return -EBADF;
  result = file->f_op->unlocked_ioctl(file, request, (unsigned long)argument);
  fput(file);
  return result;
}

long do_close(int fd) {
  struct file *file = file_of(fd);
  if (!file) return -EBADF;
  descriptors[fd] = NULL;
  taken[fd] = false;
  fput(file);
  return 0;
}
