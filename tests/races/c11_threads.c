// C11 threads by POSIX threads: ThreadSanitizer knows only those, and librdkafka makes its threads and locks with the others. Preloaded, so
// that the sanitizer sees who waits for whom. glibc's types of both are the same.
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <threads.h>

static int status(int error) { return error == 0 ? thrd_success : thrd_error; }

struct start {
  thrd_start_t function;
  void* argument;
};

static void* run(void* start) {
  const struct start it = *(struct start*)start;
  free(start);
  return (void*)(intptr_t)it.function(it.argument);
}

int thrd_create(thrd_t* thread, thrd_start_t function, void* argument) {
  struct start* const start = malloc(sizeof *start);
  if (start == NULL) return thrd_nomem;
  *start = (struct start){function, argument};
  return status(pthread_create(thread, NULL, run, start));
}

int thrd_join(thrd_t thread, int* result) {
  void* value = NULL;
  const int error = pthread_join(thread, &value);
  if (result != NULL) *result = (int)(intptr_t)value;
  return status(error);
}

int thrd_detach(thrd_t thread) { return status(pthread_detach(thread)); }

int mtx_init(mtx_t* mutex, int type) {
  pthread_mutexattr_t attributes;
  pthread_mutexattr_init(&attributes);
  if (type & mtx_recursive) pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_RECURSIVE);
  const int error = pthread_mutex_init((pthread_mutex_t*)mutex, &attributes);
  pthread_mutexattr_destroy(&attributes);
  return status(error);
}

int mtx_lock(mtx_t* mutex) { return status(pthread_mutex_lock((pthread_mutex_t*)mutex)); }
int mtx_unlock(mtx_t* mutex) { return status(pthread_mutex_unlock((pthread_mutex_t*)mutex)); }
void mtx_destroy(mtx_t* mutex) { pthread_mutex_destroy((pthread_mutex_t*)mutex); }

int mtx_trylock(mtx_t* mutex) {
  const int error = pthread_mutex_trylock((pthread_mutex_t*)mutex);
  return error == EBUSY ? thrd_busy : status(error);
}

int cnd_init(cnd_t* condition) { return status(pthread_cond_init((pthread_cond_t*)condition, NULL)); }
int cnd_signal(cnd_t* condition) { return status(pthread_cond_signal((pthread_cond_t*)condition)); }
int cnd_broadcast(cnd_t* condition) { return status(pthread_cond_broadcast((pthread_cond_t*)condition)); }
void cnd_destroy(cnd_t* condition) { pthread_cond_destroy((pthread_cond_t*)condition); }

int cnd_wait(cnd_t* condition, mtx_t* mutex) {
  return status(pthread_cond_wait((pthread_cond_t*)condition, (pthread_mutex_t*)mutex));
}

int cnd_timedwait(cnd_t* condition, mtx_t* mutex, const struct timespec* until) {
  const int error = pthread_cond_timedwait((pthread_cond_t*)condition, (pthread_mutex_t*)mutex, until);
  return error == ETIMEDOUT ? thrd_timedout : status(error);
}
