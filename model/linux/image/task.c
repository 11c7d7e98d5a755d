// Tasks of the one process: what `current` is, and whom memory is accounted to.
#include <linux/cred.h>
#include <linux/kthread.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/sched/user.h>

#include "model/linux/image/shim.h"

static struct task_struct *tasks[LINUX_TASKS];
static struct mm_struct *process_mm;
static struct user_struct *process_user;

static void make_task(unsigned number, struct cred *cred, struct signal_struct *signal) {
  struct task_struct *task = own_memory(sizeof(*task));
  tasks[number] = task;
  task->pid = number;
  task->tgid = 0;
  task->mm = process_mm;
  task->group_leader = tasks[0];
  task->signal = signal;
  RCU_INIT_POINTER(task->cred, cred);
  RCU_INIT_POINTER(task->real_cred, cred);
  refcount_set(&task->usage, 1);
}

void tasks_boot(void) {
  struct cred *cred = own_memory(sizeof(*cred));
  struct signal_struct *signal = own_memory(sizeof(*signal));
  unsigned number;
  process_mm = own_memory(sizeof(*process_mm));
  atomic_set(&process_mm->mm_count, 1);
  atomic_set(&process_mm->mm_users, 1);
  process_user = own_memory(sizeof(*process_user));
  refcount_set(&process_user->__count, 1);
  cred->user = process_user;
  signal->rlim[RLIMIT_MEMLOCK].rlim_cur = RLIM_INFINITY;
  signal->rlim[RLIMIT_MEMLOCK].rlim_max = RLIM_INFINITY;
  for (number = 0; number < LINUX_TASKS; number++) make_task(number, cred, signal);
}

// `current` is found through the lower end of the stack. A task outside the kernel has none.
void enter_task(unsigned number) {
  struct thread_info *info = current_thread_info();
  memset(info, 0, sizeof(*info));
  info->task = tasks[number];
  tasks[number]->stack = info;
}
void leave_task(void) { current->stack = NULL; }

bool any_task_is_atomic(void) {
  unsigned number;
  for (number = 0; number < LINUX_TASKS; number++) {
    const struct thread_info *info = tasks[number]->stack;
    if (info && info->preempt_count) return true;
  }
  return false;
}

unsigned long locked_pages(void) { return atomic_long_read(&process_user->locked_vm); }
unsigned long pinned_pages(void) { return atomic64_read(&process_mm->pinned_vm); }

bool capable(int capability) { return false; }

void __mmdrop(struct mm_struct *mm) { OOPS("the process's memory is dropped while it runs"); }
void mmput(struct mm_struct *mm) {
  if (atomic_dec_and_test(&mm->mm_users)) OOPS("the process's memory is put while it runs");
}
void __put_task_struct(struct task_struct *task) { OOPS("a task is put while it runs"); }
void __put_task_struct_rcu_cb(struct rcu_head *head) { OOPS("a task is put while it runs"); }
void free_uid(struct user_struct *user) {
  if (refcount_dec_and_test(&user->__count)) OOPS("the user is freed while its process runs");
}
void kthread_use_mm(struct mm_struct *mm) { current->mm = mm; }
void kthread_unuse_mm(struct mm_struct *mm) { current->mm = NULL; }

int __account_locked_vm(struct mm_struct *mm, unsigned long pages, bool more,
                        struct task_struct *task, bool unlimited) {
  if (more) {
    mm->locked_vm += pages;
    return 0;
  }
  WARN_ON(mm->locked_vm < pages);
  mm->locked_vm -= pages;
  return 0;
}
