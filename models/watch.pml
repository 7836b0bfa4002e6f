/* Watch: waiting for a new version, so that no kill -9 loses a wake-up.
 * SPDX-License-Identifier: MIT
 *
 * The protocol is that of docs/decisions/0018-a-bell-beside-the-alarm.md. PUBLISHES versions are published, each by
 * another holder of the lock: first a batch of two, then one (with ANY_BATCHES either). WAITERS processes wait, from any
 * moment on, past the version that they find then. Up to DEATHS processes die at any step.
 *
 * READERS: so many of the waiters cannot write; with WAKE_READERS publishers ring without being asked. GIVES_UP: the
 * first waiter may reach its deadline, and a signal may interrupt its system call once, which the kernel then restarts.
 * SINGLE: so many of the waiters have no futex_waitv and wait at the bell alone; a death may lose their wake-up until they
 * look again. REMOVER: a process marks the object as being removed, and then as removed or as ready again. Left by earlier
 * deaths at the start: START=1, a high `watched`; START=2, an object that is being removed.
 *
 * Kernel: futex_waitv compares and enqueues one entry after another, in the order of its list. After a mismatch, or when
 * woken, it dequeues them one after another, and returns the last one that was woken, whatever else has happened.
 * FUTEX_WAKE of one may take any waiter. A process that dies with its pending pointer at the alarm, a word that is always 0,
 * wakes one waiter there. A store of the version stays in the store buffer until it drains: at any time, or at a locked
 * instruction, a system call, the release of the lock, a membarrier or a death. A death and the wake-up that it causes are
 * one step, and the lock is free afterwards: the kernel undoes semaphores later.
 *
 * Checked: when nothing happens any more, no live waiter waits past a version that has changed, or for a removed object; a
 * waiter whose list does not match finds another life word when it looks again, so a half removed object keeps nobody busy.
 * Not modelled: the payload (watch_payload.pml); versions that wrap; waiting for the lock (lock.pml); threads without
 * a robust list, which look again in slices; more objects than one in a list. Instead of the bell's value there is, for
 * each waiter, whether it has changed since the waiter read it.
 *
 * Wrong on purpose, to be rejected. Publisher: NO_PENDING_IN_PUBLISHER, PENDING_AFTER_STORE,
 * PENDING_CLEARED_BEFORE_WAKE, WAKE_BEFORE_STORE, WATCHED_GE_VERSION (compared with the new version, which a batch raises by
 * more than one), FLAG_CLEARED and FLAG_CLEARED_LATE (a flag that the publisher clears, before or after it rings, instead
 * of a number that only rises; the latter without a death). Waiter: NO_PENDING_IN_WAITER, PENDING_AFTER_SLEEP,
 * NO_RINGING_ON, PENDING_CLEARED_BEFORE_RINGING_ON, RINGS_ONE, RAISED_AFTER_LOOK, WATCHED_LOWERED (by a plain store),
 * NO_MEMBARRIER. The list: LIST_VERSION_ALARM and LIST_ALARM_VERSION (no bell, publishers wake at the version),
 * LIST_ALARM_BELL (an alarm is hidden by the bell), LIST_VERSION_FIRST, LIST_VERSION_BEFORE_ALARM. With REMOVER:
 * NO_PENDING_IN_REMOVER, REMOVAL_NOT_RUNG, LIFE_NOT_COMPARED (together with LIST_VERSION_ALARM without a death),
 * LIFE_BEFORE_ALARM, READY_COMPARED (instead of the life word that was read). With SINGLE: BELL_NOT_COUNTED,
 * BELL_AFTER_WAKE, BELL_READ_AFTER_LOOK.
 */
#ifndef PUBLISHES
#define PUBLISHES 2
#endif
#ifndef WAITERS
#define WAITERS 2
#endif
#ifndef READERS
#define READERS 0
#endif
#ifndef SINGLE
#define SINGLE 0
#endif
#ifndef DEATHS
#define DEATHS 1
#endif
#ifndef START
#define START 0
#endif
#define PUBLISHER WAITERS
#ifdef REMOVER
#define PROCESSES (WAITERS + 2)
#else
#define PROCESSES (WAITERS + 1)
#endif
#define reads_only(w) (w >= WAITERS - READERS)
#define is_single(w) (w >= WAITERS - SINGLE)

/* The life word. */
#define READY 0
#define REMOVING 1
#define REMOVED 2

/* What waiters compare; where they are woken, RUNG is the bell, or the version without one. */
#define BELL 0
#define ALARM 1
#define VERSION 2
#define LIFE 3
#define NOTHING 4

/* The list of futex_waitv, in its order. */
#if defined(LIST_VERSION_ALARM)
#define word_at(i) (i == 0 -> VERSION : (i == 1 -> ALARM : LIFE))
#define RUNG VERSION
#define WORDS 3
#elif defined(LIST_ALARM_VERSION)
#define word_at(i) (i + 1)
#define RUNG VERSION
#define WORDS 3
#elif defined(LIST_ALARM_BELL)
#define word_at(i) (i == 0 -> ALARM : (i == 1 -> BELL : i))
#elif defined(LIST_VERSION_FIRST)
#define word_at(i) (i == 0 -> VERSION : (i == 3 -> LIFE : i - 1))
#elif defined(LIST_VERSION_BEFORE_ALARM)
#define word_at(i) (i == 1 -> VERSION : (i == 2 -> ALARM : i))
#elif defined(LIFE_BEFORE_ALARM)
#define word_at(i) (i == 1 -> LIFE : (i > 1 -> i - 1 : i))
#else
#define word_at(i) i
#endif
#ifndef WORDS
#define WORDS 4
#endif
#if defined(REMOVER) && !defined(LIFE_NOT_COMPARED)
#define LENGTH WORDS
#else
#define LENGTH (WORDS - 1)  /* nobody changes the life word; it stands last */
#endif
#ifndef RUNG
#define RUNG BELL
#endif
#define wakes(word) (word == RUNG || word == ALARM)

byte version = 0;
byte watched = (START == 1 -> 9 : 0);
byte life = (START == 2 -> REMOVING : READY);

bit bell_changed[WAITERS];  /* since the waiter has read it */
byte seen[WAITERS];
byte life_read[WAITERS];
bit waits[WAITERS];         /* is inside wait() */

/* The kernel's. */
#define OUT 0
#define QUEUED 1
#define WOKEN 2
#define at(w, word) entry[3 * (w) + (word)]
byte entry[3 * WAITERS];
bit pending[PROCESSES];     /* the pointer is at the alarm; else where it was before */
bit gone[PROCESSES];        /* dead, or at the end */
byte deaths = 0;

/* The publisher's store buffer. */
byte buffer = 0;            /* 0, or the version in it */

inline drain() {
  if
  :: buffer -> version = buffer; buffer = 0
  :: else
  fi
}

#define WAKES_ONE(w, word) :: at(w, word) == QUEUED -> at(w, word) = WOKEN

inline wake_one(word) {
  if
  WAKES_ONE(0, word)
  WAKES_ONE(1, word)
#if WAITERS > 2
  WAKES_ONE(2, word)
#endif
  :: else
  fi
}

inline wake_all(word) {
  for (other : 0 .. WAITERS - 1) {
    if
    :: at(other, word) == QUEUED -> at(other, word) = WOKEN
    :: else
    fi
  };
  other = 0
}

inline change_bell() {
  for (other : 0 .. WAITERS - 1) { bell_changed[other] = waits[other] };
  other = 0
}

inline leave_wait(w) {
  waits[w] = 0; pending[w] = 0; bell_changed[w] = 0; seen[w] = 0; life_read[w] = 0
}

inline die(p) {
  deaths++;
  gone[p] = 1;
  if
  :: p == PUBLISHER -> drain()
  :: p < WAITERS -> at(p, BELL) = OUT; at(p, ALARM) = OUT; at(p, VERSION) = OUT
  :: else
  fi;
  if
  :: pending[p] -> pending[p] = 0; wake_one(ALARM)
  :: else
  fi;
  if
  :: p < WAITERS -> leave_wait(p)
  :: else
  fi
}

#define DIES(p) :: atomic { deaths < DEATHS && !gone[p] -> die(p) }

/* What memory and kernel may do at any moment. */
active proctype machine() {
end:
  do
  :: d_step { buffer -> drain() }
#if DEATHS > 0
  DIES(0) DIES(1) DIES(2)
#if PROCESSES > 3
  DIES(3)
#endif
#if PROCESSES > 4
  DIES(4)
#endif
  :: deaths < DEATHS -> deaths = DEATHS  /* no more deaths */
#endif
  od
}

/* When nothing happens any more. */
active proctype observer() {
  byte w;
  timeout ->
  for (w : 0 .. WAITERS - 1) { assert(!waits[w] || (version == seen[w] && life != REMOVED)) }
}

/* A locked instruction, and a system call. */
inline ring() {
#if !defined(BELL_AFTER_WAKE) && !defined(BELL_NOT_COUNTED)
  d_step { drain(); change_bell() };
#endif
  d_step { drain(); wake_all(RUNG) };
#ifdef BELL_AFTER_WAKE
  d_step { drain(); change_bell() }
#endif
}

#define SETS_PENDING
#if defined(NO_PENDING_IN_PUBLISHER) || defined(PENDING_AFTER_STORE)
#undef SETS_PENDING
#endif

#if defined(WAKE_READERS)
#define is_asked() true
#elif defined(WATCHED_GE_VERSION)
#define is_asked() (watched >= old + step)
#elif defined(FLAG_CLEARED) || defined(FLAG_CLEARED_LATE)
#define is_asked() watched
#else
#define is_asked() (watched > old)
#endif

inline ring_if_asked() {
  if
  :: is_asked() ->
#ifdef FLAG_CLEARED
    watched = 0;
#endif
#ifdef PENDING_CLEARED_BEFORE_WAKE
    pending[PUBLISHER] = 0;
#endif
    ring();
#ifdef FLAG_CLEARED_LATE
    watched = 0
#endif
  :: else
  fi
}

inline choose_step() {
#ifdef ANY_BATCHES
  if
  :: step = 1
  :: step = 2
  fi
#else
  step = (published == 1 -> 2 : 1)
#endif
}

/* One holder of the lock after the other. */
active proctype publishers() {
  byte published, old, step, other;
next_holder:
  {
    do
    :: published == PUBLISHES -> break
    :: else ->
      atomic {
        published++;
        old = version;
        choose_step();
#ifdef SETS_PENDING
        pending[PUBLISHER] = 1
#endif
      };
#ifdef WAKE_BEFORE_STORE
      ring_if_asked();
      d_step { buffer = old + step };
#else
      d_step { buffer = old + step };
#ifdef PENDING_AFTER_STORE
      pending[PUBLISHER] = 1;
#endif
      ring_if_asked();
#endif
      d_step { pending[PUBLISHER] = 0; drain(); old = 0; step = 0 }
    od;
    gone[PUBLISHER] = 1
  } unless {
    d_step { gone[PUBLISHER] -> old = 0; step = 0; other = 0 };
    if
    :: published < PUBLISHES -> gone[PUBLISHER] = 0; goto next_holder
    :: else
    fi
  }
}

#ifdef REMOVER
active proctype remover() {
  byte other;
  {
#ifndef NO_PENDING_IN_REMOVER
    pending[WAITERS + 1] = 1;
#endif
    life = REMOVING;
    if
    :: life = READY
    :: life = REMOVED;
#ifndef REMOVAL_NOT_RUNG
      ring()
#endif
    fi;
    d_step { pending[WAITERS + 1] = 0; gone[WAITERS + 1] = 1 }
  } unless { gone[WAITERS + 1] -> other = 0 }
}
#endif

inline read_bell(w) { bell_changed[w] = 0 }

inline raise(w) {
#if defined(FLAG_CLEARED) || defined(FLAG_CLEARED_LATE)
  watched = 1
#elif defined(WATCHED_LOWERED)
  highest = watched;
  if
  :: highest <= seen[w] -> watched = seen[w] + 1
  :: else
  fi
#else
  watched = (watched > seen[w] || reads_only(w) -> watched : seen[w] + 1)
#endif
}

#ifdef READY_COMPARED
#define is_life_as_before(w) (life == READY)
#else
#define is_life_as_before(w) (life == life_read[w])
#endif
#define matches(w, word)                                    \
  (word == BELL -> !bell_changed[w] : (word == ALARM -> true : \
   (word == VERSION -> version == seen[w] : is_life_as_before(w))))
#define is_woken(w) (at(w, RUNG) == WOKEN || at(w, ALARM) == WOKEN)

/* Returns the word through which it was woken, or NOTHING. */
inline futex_waitv(w) {
restarted:
  do
  :: i == LENGTH -> break
  :: else ->
    atomic {
      if
      :: matches(w, word_at(i)) ->
        if
        :: wakes(word_at(i)) -> at(w, word_at(i)) = QUEUED
        :: else
        fi;
        i++
      :: else -> assert(word_at(i) != LIFE || life != life_read[w]); break  /* goes round for a reason */
      fi
    }
  od;
  if
  :: i == LENGTH ->
end_asleep:
    if
    :: is_woken(w)
#ifdef GIVES_UP
    :: w == 0 -> gives_up = 1
    :: w == 0 && !interrupted -> interrupted = 1
#endif
    fi
  :: else
  fi;
  atomic { length = i; i = 0 };
  do
  :: i < length ->
    d_step {
      if
      :: wakes(word_at(i)) ->
        if
        :: at(w, word_at(i)) == WOKEN -> woken = word_at(i)
        :: else
        fi;
        at(w, word_at(i)) = OUT
      :: else
      fi;
      i++;
      do
      :: i < length && !wakes(word_at(i)) -> i++
      :: else -> break
      od
    }
  :: else -> break
  od;
  i = 0;
#ifdef GIVES_UP
  if
  :: interrupted == 1 ->
    interrupted = 2;
    if
    :: woken == NOTHING -> goto restarted
    :: else
    fi
  :: else
  fi
#endif
}

/* FUTEX_WAIT. */
inline futex_wait(w) {
  if
  :: atomic { matches(w, BELL) -> at(w, BELL) = QUEUED };
end_asleep_alone:
    d_step { at(w, BELL) == WOKEN -> at(w, BELL) = OUT }
  :: else
  fi
}

#if !defined(NO_PENDING_IN_WAITER) && !defined(PENDING_AFTER_SLEEP)
#define PENDING_FROM_LOOK
#endif

#define has_begun(w) (waits[w] || gone[w])

proctype waiter(byte w) {
  byte i, length, woken = NOTHING, other;
  bit gives_up;
#ifdef GIVES_UP
  byte interrupted;
#endif
#ifdef WATCHED_LOWERED
  byte highest;
#endif
#if READERS == 0 && SINGLE == 0 && !defined(GIVES_UP)
  w == 0 || has_begun(w - 1);  /* they are all alike */
#endif
  {
    d_step { seen[w] = version; waits[w] = 1 };
    do
    :: gives_up -> break
    :: else ->
#ifndef BELL_READ_AFTER_LOOK
      atomic { pending[w] = 0; read_bell(w) };  /* only a death tells these two apart */
#endif
#ifndef RAISED_AFTER_LOOK
      raise(w);
#endif
#ifndef NO_MEMBARRIER
      d_step { drain() };
#endif
      atomic {
        life_read[w] = life;
        if
        :: version != seen[w] || life == REMOVED -> break
        :: else
        fi;
#ifdef PENDING_FROM_LOOK
        pending[w] = !is_single(w)
#endif
      };
#ifdef RAISED_AFTER_LOOK
      raise(w);
#endif
#ifdef BELL_READ_AFTER_LOOK
      read_bell(w);
#endif
      if
      :: is_single(w) -> futex_wait(w)
      :: else ->
        futex_waitv(w);
#ifdef PENDING_AFTER_SLEEP
        pending[w] = 1;
#endif
#ifdef PENDING_CLEARED_BEFORE_RINGING_ON
        pending[w] = 0;
#endif
        if
#if defined(RINGS_ONE)
        :: woken == ALARM -> d_step { change_bell() }; atomic { wake_one(RUNG) }
#elif !defined(NO_RINGING_ON)
        :: woken == ALARM && reads_only(w) -> d_step { wake_all(RUNG) }
        :: woken == ALARM && !reads_only(w) -> ring()
#endif
        :: else
        fi;
        atomic { length = 0; woken = NOTHING }
      fi
    od;
    atomic { leave_wait(w) };
    gone[w] = 1
  } unless {
    d_step {
      gone[w] -> i = 0; length = 0; woken = NOTHING; other = 0; gives_up = 0;
#ifdef GIVES_UP
      interrupted = 0
#endif
    }
  }
}

init {
  byte p;
  atomic {
    for (p : 0 .. WAITERS - 1) { run waiter(p) }
  }
}
