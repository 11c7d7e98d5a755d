// Wait queues, time-outs, RCU and workqueues.
#include <linux/rcupdate.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "model/linux/image/shim.h"

void __init_waitqueue_head(struct wait_queue_head *queue, const char *name,
                           struct lock_class_key *key) {
  spin_lock_init(&queue->lock);
  INIT_LIST_HEAD(&queue->head);
}

void init_wait_entry(struct wait_queue_entry *entry, int flags) {
  entry->flags = flags;
  entry->private = current;
  entry->func = NULL;
  INIT_LIST_HEAD(&entry->entry);
}

// Between two steps a task runs alone: the queue's own lock would add nothing.
long prepare_to_wait_event(struct wait_queue_head *queue, struct wait_queue_entry *entry,
                           int state) {
  if (list_empty(&entry->entry)) list_add_tail(&entry->entry, &queue->head);
  WRITE_ONCE(current->__state, state);
  HOST(step);
  return 0;
}

void finish_wait(struct wait_queue_head *queue, struct wait_queue_entry *entry) {
  WRITE_ONCE(current->__state, TASK_RUNNING);
  list_del_init(&entry->entry);
}

int __wake_up(struct wait_queue_head *queue, unsigned int mode, int most, void *key) {
  struct wait_queue_entry *entry, *next;
  int woken = 0;
  HOST(step);
  list_for_each_entry_safe(entry, next, &queue->head, entry) {
    struct task_struct *task = entry->private;
    if (!(READ_ONCE(task->__state) & mode)) continue;
    WRITE_ONCE(task->__state, TASK_RUNNING);
    list_del_init(&entry->entry);
    HOST(wake, task->pid);
    if (++woken == most) break;
  }
  return woken;
}

long schedule_timeout(long timeout) {
  int woken;
  may_sleep(__FILE__, __LINE__);
  if (READ_ONCE(current->__state) == TASK_RUNNING) return timeout;
  woken = HOST(sleep, current->pid, timeout != MAX_SCHEDULE_TIMEOUT);
  WRITE_ONCE(current->__state, TASK_RUNNING);
  return woken ? max(timeout - 1, 1L) : 0;
}

// Callbacks wait for a moment at which no task is inside a section that RCU protects: for that all
// preempt counts must be seen, so it is the host's way back to user space that looks.
static struct rcu_head *first_callback;
static struct rcu_head **last_callback = &first_callback;

void call_rcu(struct rcu_head *head, rcu_callback_t callback) {
  head->func = callback;
  head->next = NULL;
  *last_callback = head;
  last_callback = &head->next;
  HOST(step);
}

void run_grace_period(void) {
  while (first_callback) {
    struct rcu_head *head = first_callback;
    first_callback = head->next;
    if (!first_callback) last_callback = &first_callback;
    head->func(head);
  }
}

void synchronize_rcu(void) {
  may_sleep(__FILE__, __LINE__);
  HOST(step);
}

struct workqueue_struct {
  int unused;
};
#undef alloc_workqueue
struct workqueue_struct *alloc_workqueue(const char *name, unsigned int flags, int most, ...) {
  return kzalloc(sizeof(struct workqueue_struct), GFP_KERNEL);
}
void destroy_workqueue(struct workqueue_struct *queue) { kfree(queue); }
void __flush_workqueue(struct workqueue_struct *queue) { may_sleep(__FILE__, __LINE__); }
