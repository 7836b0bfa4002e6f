/* Lock: a robust lock with seats, whose owners, waiters and newcomers may die or close their handles.
 * SPDX-License-Identifier: MIT
 *
 * Models include/shm/sync/robust_lock.hpp, lifecycle/seat.hpp and the closing of a handle in session/connection.hpp.
 *
 * CONTENDERS processes start seated and lock LOCKS times each. The first may give up waiting (deadline or error); the
 * others never do. With CLOSES the last has a second thread, which closes the handle at any moment and ends the
 * process, as exit() does. NEWCOMERS arrive at any moment. A newcomer takes the first free seat, possibly a dead
 * owner's, under a new generation. It then locks once, tries once, or never touches the lock, and leaves or stays.
 * There are SEATS seats. At the start there are START wake tokens, left by earlier deaths. Up to DEATHS processes die
 * at any step; the kernel then frees their seats, opens the door and posts a token. A plain store of 0 to the lock
 * word stays in the store buffer of its process until it drains: at any time, or at a CAS on the word, a semop, a
 * membarrier or a death.
 *
 * Closing: the thread that closes takes write access away from the mapping, then reads the lock word, then leaves the
 * seat and posts a token in one semop. It leaves the seat to the kernel instead if the word names this handle, or if
 * another thread of the process is between its first look at a taken lock and the end of acquire(). A thread that
 * touches the memory afterwards kills the process; until then it may still be inside a system call or a section.
 *
 * Checked: at most one live process is inside; no process sleeps forever (a sleeper in an end state is an error, and
 * all others have left the lock by then); the next owner after a death inside finds the death noted.
 * Not modelled: spinning; removed objects and lost sets (door.pml); fork and exec; a refused membarrier, where waits
 * are short. Generations do not wrap. The lock word holds the generation alone, which determines the seat.
 *
 * Wrong on purpose, to be rejected: NO_GENERATION, NO_TOKEN_ON_DEATH, NO_TOKEN_ON_SITTING, KEEP_TOKEN (by a waiter
 * that gives up), NO_BARRIER, FORGET_OTHERS, LOOK_BEFORE_ANNOUNCING, TAKE_OVER_UNNOTED; DRAIN_BEFORE_SEAT (a
 * newcomer drains surplus tokens before it has a seat; START=2). With CLOSES: LEAVE_SEAT_BEFORE_DETACH,
 * LOOK_BEFORE_DETACH (at the lock word), LEAVE_WHILE_HOLDING, LEAVE_WHILE_WAITING, NO_TOKEN_ON_LEAVING,
 * ADDRESSES_REUSED (the thread that closes attaches the segment again, to retire it, and the kernel chooses the
 * addresses that it had).
 */
#ifndef CONTENDERS
#define CONTENDERS 2
#endif
#ifndef NEWCOMERS
#define NEWCOMERS 1
#endif
#ifndef LOCKS
#define LOCKS 1
#endif
#ifndef DEATHS
#define DEATHS 2
#endif
#ifndef START
#define START 0
#endif
#ifndef SEATS
#define SEATS CONTENDERS
#endif
#define PROCESSES (CONTENDERS + NEWCOMERS)
#define NO_SEAT 255

byte word = 0;                  /* 0, or the owner's generation */
bit waiters = 0;
bit owner_died = 0;             /* noted for the next owner */
byte tokens = START;
byte door = 0;                  /* 0, or 1 + the process inside */
bit taken[SEATS];               /* the semaphores */
byte entry[SEATS];              /* the generation of the present occupant */
byte last_generation = 0;
byte seat_of[PROCESSES + 1];    /* by generation; the word holds both */

byte seat[PROCESSES];           /* what the kernel undoes */
bit pending[PROCESSES];         /* a store of 0 to word that no other process sees yet */
bit dead[PROCESSES];
bit inside[PROCESSES];
bit crashed = 0;                /* a process died inside, and no owner has been told */
byte deaths = 0;

/* Of the process that closes its handle beside a running thread. */
bit closed = 0;                 /* the memory can no longer be written */
bit waiting = 0;                /* its locking thread is in the slow part of acquire(): a count in its own memory */
bit calling = 0;                /* the next step of that thread is a system call, and touches no memory */

inline drain(p) {
  if
  :: pending[p] -> word = 0; pending[p] = 0
  :: else
  fi
}

inline post(p) {
  d_step {
    drain(p);
    if
    :: tokens == 0 -> tokens = 1
    :: else
    fi
  }
}

inline leave_seat(p) {
  taken[seat[p]] = 0; seat[p] = NO_SEAT
}

inline die(p) {
  dead[p] = 1;
  drain(p);
  crashed = crashed | inside[p]; inside[p] = 0;
  door = (door == p + 1 -> 0 : door);
  if
  :: seat[p] != NO_SEAT ->
    leave_seat(p);
#ifndef NO_TOKEN_ON_DEATH
    tokens++
#endif
  :: else
  fi
}

/* What memory and kernel may do to a process at any moment. */
#define HAPPENS_TO(p)                                                                     \
  :: d_step { pending[p] -> drain(p) }                                                    \
  :: d_step { deaths < DEATHS && (seat[p] != NO_SEAT || door == p + 1) ->                 \
       deaths++; die(p) }

active proctype machine() {
end:
  do
  HAPPENS_TO(0) HAPPENS_TO(1) HAPPENS_TO(2)
#if PROCESSES > 3
  HAPPENS_TO(3)
#endif
#if PROCESSES > 4
  HAPPENS_TO(4)
#endif
  :: deaths < DEATHS -> deaths = DEATHS  /* no more deaths: none will wake a sleeper */
  od
}

/* The seat's semaphore first, then its entry. */
inline look_at_owner() {
  alive = taken[seat_of[seen]];
#ifndef NO_GENERATION
  if
  :: alive -> alive = (entry[seat_of[seen]] == seen)
  :: else
  fi
#endif
}

inline take(p) {
  d_step {
    drain(p);
    if
    :: word == 0 -> word = me; got = 1
    :: else
    fi
  }
}

inline take_over(p) {
  d_step {
    if
    :: word == seen -> word = me; got = 1; told = 1
    :: else
    fi
  }
}

/* Of the process with a second thread only. */
#ifdef CLOSES
#define may_close(p) (p == CONTENDERS - 1)
#define note(p, which, value) which = (may_close(p) -> value : which)
#else
#define may_close(p) false
#define note(p, which, value) skip
#endif

/* got: whether it got the lock; told: from a dead owner. */
inline acquire(p, may_leave) {
  got = 0; told = 0; owed = 0;
  do
  :: true ->
    take(p);
    if
    :: got -> break
    :: else
    fi;
#ifdef LOOK_BEFORE_ANNOUNCING
    seen = word;
#endif
    atomic { waiters = 1; note(p, waiting, 1) };
#ifndef NO_BARRIER
    q = 0;
    do
    :: q < PROCESSES -> d_step { drain(q); q++ }
    :: else -> q = 0; break
    od;
#endif
#ifndef LOOK_BEFORE_ANNOUNCING
    seen = word;
#endif
    if
    :: seen == 0
    :: else ->
      look_at_owner();
      if
      :: !alive ->
        take_over(p);
        if
        :: got -> owed = 1; break  /* others may sleep, too */
        :: else
        fi
      :: else ->
#ifdef CLOSES
        note(p, calling, 1);
#endif
        if
        :: atomic { tokens > 0 -> tokens--; owed = 1; seen = 0; alive = 0; note(p, calling, 0) };
          if
          :: may_leave -> break  /* refused */
          :: true
          fi
        :: may_leave -> break    /* deadline */
        fi
      fi
    fi
  od;
  atomic { seen = 0; alive = 0 };
  if
  :: owed && got ->
#ifndef FORGET_OTHERS
    waiters = 1
#endif
  :: owed && !got ->
#ifndef KEEP_TOKEN
    post(p)
#endif
  :: else
  fi;
  atomic { owed = 0; note(p, waiting, 0) }
}

inline enter(p) {
#ifndef TAKE_OVER_UNNOTED
  if
  :: told -> owner_died = 1; told = 0
  :: else
  fi;
#endif
  d_step {
    inside[p] = 1;
    for (q : 0 .. PROCESSES - 1) { assert(q == p || !inside[q]) };
    q = 0;
    assert(!crashed || owner_died)
  }
}

inline release(p) {
  d_step { inside[p] = 0; pending[p] = 1; got = 0 };
  if
  :: waiters ->
    d_step { owed = waiters; waiters = 0; note(p, calling, owed) };
    if
    :: owed -> atomic { post(p); note(p, calling, 0) }; owed = 0
    :: else
    fi
  :: else
  fi
}

/* Gives the seat back, and posts a token in the same semop. */
inline leave(p) {
  d_step {
    drain(p);
    leave_seat(p);
#ifndef NO_TOKEN_ON_LEAVING
    tokens++
#endif
  }
}

/* The reading of the tokens is old by the time they are drained. */
inline drain_surplus() {
  if
  :: surplus > 1 -> d_step { tokens = (tokens >= surplus - 1 -> tokens - (surplus - 1) : tokens); surplus = 0 }
  :: else -> surplus = 0
  fi
}

inline sit_down(p) {
  atomic { door == 0 -> door = p + 1 };
  surplus = tokens;
#ifdef DRAIN_BEFORE_SEAT
  drain_surplus();
#endif
  d_step {
    for (q : 0 .. SEATS - 1) {
      if
      :: !taken[q] && seat[p] == NO_SEAT -> taken[q] = 1; seat[p] = q
      :: else
      fi
    };
    q = 0
  };
  if
  :: seat[p] == NO_SEAT -> door = 0; goto gone  /* no free seat */
  :: else
  fi;
#ifndef DRAIN_BEFORE_SEAT
  drain_surplus();
#endif
  d_step { last_generation++; me = last_generation; seat_of[me] = seat[p] };
  entry[seat[p]] = me;
#ifndef NO_TOKEN_ON_SITTING
  post(p);
#endif
  door = 0
}

proctype contender(byte p; byte me; bit may_leave) {
  byte locks, seen, q;
  bit got, told, owed, alive;
  {
    do
    :: locks == LOCKS -> break
    :: else ->
      locks++;
      acquire(p, may_leave);
      if
      :: got -> enter(p); release(p)
      :: else
      fi
    od;
    if
    :: true  /* stays */
    :: !may_close(p) -> leave(p)
    fi
  } unless {
    d_step {
      dead[p] || (may_close(p) && closed && !calling) ->
      if
      :: !dead[p] -> die(p)  /* it touches the memory */
      :: else
      fi
    }
  }
}

#ifdef CLOSES
/* The thread that closes the handle and ends the process. */
proctype closer(byte p; byte me) {
  bit holding;
  {
#ifdef LEAVE_SEAT_BEFORE_DETACH
    holding = word == me;
    if
    :: holding || waiting
    :: else -> leave(p)
    fi;
    d_step { drain(p); closed = 1 }
#else
#ifdef LOOK_BEFORE_DETACH
    holding = word == me;
#endif
    d_step { drain(p); closed = 1 };
#ifndef LOOK_BEFORE_DETACH
    holding = word == me;
#endif
    if
#ifndef LEAVE_WHILE_HOLDING
    :: holding
#endif
#ifndef LEAVE_WHILE_WAITING
    :: waiting
#endif
    :: else -> leave(p)
    fi
#endif
    ;
#ifdef ADDRESSES_REUSED
    d_step { closed = 0 };  /* attached again where the thread still reads and writes */
    d_step { drain(p); closed = 1 };
#endif
    d_step { die(p) }
  } unless { dead[p] }
}
#endif

proctype newcomer(byte p) {
  byte me, seen, q, surplus;
  bit got, told, owed, alive;
  {
    sit_down(p);
    if
    :: true
    :: true -> acquire(p, 0); enter(p); release(p)
    :: true ->
      take(p);
      seen = word;
      if
      :: got || seen == 0
      :: else ->
        look_at_owner();
        if
        :: !alive -> take_over(p); waiters = waiters | got
        :: else
        fi
      fi;
      seen = 0;
      if
      :: got -> enter(p); release(p)
      :: else
      fi
    fi;
    if
    :: leave(p)
    :: true  /* stays */
    fi;
gone:
    skip
  } unless { dead[p] }
}

init {
  byte p;
  d_step {
    for (p : 0 .. PROCESSES - 1) { seat[p] = NO_SEAT };
    for (p : 0 .. CONTENDERS - 1) {
      seat[p] = p; taken[p] = 1; last_generation++; entry[p] = last_generation; seat_of[last_generation] = p
    };
    p = 0
  };
  atomic {
    do
    :: p < CONTENDERS ->
      run contender(p, p + 1, p == 0);
#ifdef CLOSES
      if
      :: may_close(p) -> run closer(p, p + 1)
      :: else
      fi;
#endif
      p++
    :: p >= CONTENDERS && p < PROCESSES -> run newcomer(p); p++
    :: else -> break
    od
  }
}
