// Mutexes, semaphores and spinlocks: the host holds them. Of the kernel's own fields only one word
// is used, in which the host remembers which lock it is.
#include <linux/mutex.h>
#include <linux/rwsem.h>
#include <linux/spinlock.h>

#include "model/linux/image/shim.h"

// Reads the word, so that it is the kernel's access that goes astray when the lock is none.
static linux_lock_word *touched(void *word) {
  READ_ONCE(*(linux_lock_word *)word);
  return word;
}
static linux_lock_word *word_of_mutex(struct mutex *lock) { return touched(&lock->owner); }
static linux_lock_word *word_of_rwsem(struct rw_semaphore *lock) { return touched(&lock->count); }

void may_sleep(const char *file, int line) {
  if (preempt_count()) HOST(report, LINUX_SLEEP_IN_ATOMIC, file, line, "sleeping function called");
}
void __might_sleep(const char *file, int line) { may_sleep(file, line); }
void __might_fault(const char *file, int line) { may_sleep(file, line); }

void __mutex_init(struct mutex *lock, const char *name, struct lock_class_key *key) {
  HOST(lock_init, word_of_mutex(lock), LINUX_MUTEX, name);
}
void mutex_lock(struct mutex *lock) {
  may_sleep(__FILE__, __LINE__);
  HOST(lock, word_of_mutex(lock), LINUX_MUTEX, 0, CALLER);
}
void mutex_unlock(struct mutex *lock) {
  HOST(unlock, word_of_mutex(lock), LINUX_MUTEX, 0, CALLER);
}

void __init_rwsem(struct rw_semaphore *lock, const char *name, struct lock_class_key *key) {
  HOST(lock_init, word_of_rwsem(lock), LINUX_RWSEM, name);
}
void down_read(struct rw_semaphore *lock) {
  may_sleep(__FILE__, __LINE__);
  HOST(lock, word_of_rwsem(lock), LINUX_RWSEM, 1, CALLER);
}
void up_read(struct rw_semaphore *lock) {
  HOST(unlock, word_of_rwsem(lock), LINUX_RWSEM, 1, CALLER);
}
void down_write(struct rw_semaphore *lock) {
  may_sleep(__FILE__, __LINE__);
  HOST(lock, word_of_rwsem(lock), LINUX_RWSEM, 0, CALLER);
}
void up_write(struct rw_semaphore *lock) {
  HOST(unlock, word_of_rwsem(lock), LINUX_RWSEM, 0, CALLER);
}

// The compiler's initialiser leaves ~0 where the host's word is.
static linux_lock_word *word_of_spin(raw_spinlock_t *lock) {
  if (lock->owner_cpu == ~0u) lock->owner_cpu = 0;
  return &lock->owner_cpu;
}
static void spin(raw_spinlock_t *lock, linux_site site) {
  HOST(lock, word_of_spin(lock), LINUX_SPIN, 0, site);
  preempt_count_inc();
}
static void unspin(raw_spinlock_t *lock, linux_site site) {
  preempt_count_dec();
  HOST(unlock, word_of_spin(lock), LINUX_SPIN, 0, site);
}
void __raw_spin_lock_init(raw_spinlock_t *lock, const char *name, struct lock_class_key *key,
                          short inner) {
  lock->owner_cpu = 0;
  HOST(lock_init, word_of_spin(lock), LINUX_SPIN, name);
}
void _raw_spin_lock(raw_spinlock_t *lock) { spin(lock, CALLER); }
void _raw_spin_lock_bh(raw_spinlock_t *lock) { spin(lock, CALLER); }
void _raw_spin_lock_irq(raw_spinlock_t *lock) { spin(lock, CALLER); }
unsigned long _raw_spin_lock_irqsave(raw_spinlock_t *lock) {
  spin(lock, CALLER);
  return 0;
}
void _raw_spin_unlock(raw_spinlock_t *lock) { unspin(lock, CALLER); }
void _raw_spin_unlock_bh(raw_spinlock_t *lock) { unspin(lock, CALLER); }
void _raw_spin_unlock_irq(raw_spinlock_t *lock) { unspin(lock, CALLER); }
void _raw_spin_unlock_irqrestore(raw_spinlock_t *lock, unsigned long flags) {
  unspin(lock, CALLER);
}
