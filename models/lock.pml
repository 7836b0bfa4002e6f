/* Lock with seats: holders, waiters and newcomers that die; include/shm/sync/robust_lock.hpp and lifecycle/seat.hpp.
 * SPDX-License-Identifier: MIT
 *
 * CONTENDERS who sit already lock LOCKS times each: the first leaves the wait when it likes (deadline or
 * refusal), the others never; the last may leave its seat while it holds the lock. NEWCOMERS arrive at any
 * moment: they sit down on the first free seat, the dead one's perhaps, under a new generation, and then lock
 * once, try once, or never touch the lock; then they leave cleanly or stay for ever. There are SEATS seats. Up
 * to DEATHS processes die at any step; the kernel then takes their seats, leaves the door open and posts a token.
 * A plain store of 0 into the lock waits in its process's store buffer until it drains: by itself, by a CAS on
 * the same word, by a semop or a death (what is seen through the kernel's lock is ordered), or by a membarrier.
 *
 * Checked: at most one living process is inside; nobody sleeps for ever (an end state with a sleeper is
 * invalid, and all others have left the lock by then); whoever gets in after a death inside finds it noted.
 * Abstracted: spinning; object removed (door.pml); fork and exec; refused membarrier, where nobody sleeps long;
 * generations do not wrap. The word holds the generation alone, which determines its seat.
 *
 * Wrong on purpose, to be rejected: NO_GENERATION, NO_TOKEN_ON_DEATH, NO_TOKEN_ON_SITTING, NO_TOKEN_ON_LEAVING,
 * KEEP_TOKEN (by whoever leaves the wait), NO_BARRIER, FORGET_OTHERS, DRAIN_ALL (tokens, when sitting down),
 * LOOK_BEFORE_ANNOUNCING, TAKE_OVER_UNNOTED.
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
#ifndef SEATS
#define SEATS CONTENDERS
#endif
#define PROCESSES (CONTENDERS + NEWCOMERS)
#define NO_SEAT 255

byte word = 0;                  /* 0, or the holder's generation */
bit waiters = 0;
bit owner_died = 0;             /* noted for whoever gets the lock */
byte tokens = 0;
byte door = 0;                  /* 0, or 1 + who is inside */
bit taken[SEATS];               /* the semaphores */
byte entry[SEATS];              /* the generation of the present occupant */
byte last_generation = 0;
byte seat_of[PROCESSES + 1];    /* what the word says beside the generation */

byte seat[PROCESSES];           /* what the kernel undoes */
bit pending[PROCESSES];         /* a store of 0 into word that nobody else sees yet */
bit dead[PROCESSES];
bit inside[PROCESSES];
bit crashed = 0;                /* somebody died inside, and nobody has been told */
byte deaths = 0;

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
  deaths++; dead[p] = 1;
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
  :: d_step { deaths < DEATHS && (seat[p] != NO_SEAT || door == p + 1) -> die(p) }

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
  :: deaths < DEATHS -> deaths = DEATHS  /* nobody else dies: who sleeps now is not saved by that */
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

/* One life inside the lock: got tells whether, told from whom. */
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
    waiters = 1;
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
        if
        :: atomic { tokens > 0 -> tokens--; owed = 1; seen = 0; alive = 0 };
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
  owed = 0
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
    d_step { owed = waiters; waiters = 0 };
    if
    :: owed -> post(p); owed = 0
    :: else
    fi
  :: else
  fi
}

inline leave(p) {
  d_step {
    drain(p);
    leave_seat(p);
#ifndef NO_TOKEN_ON_LEAVING
    tokens = (word == me -> tokens + 1 : tokens);
#endif
    crashed = crashed | inside[p];
    inside[p] = 0
  }
}

inline sit_down(p) {
  atomic { door == 0 -> door = p + 1 };
  surplus = tokens;
#ifdef DRAIN_ALL
  d_step { tokens = (tokens >= surplus -> tokens - surplus : tokens); surplus = 0 };
#else
  if
  :: surplus > 1 -> d_step { tokens = (tokens >= surplus - 1 -> tokens - (surplus - 1) : tokens); surplus = 0 }
  :: else -> surplus = 0
  fi;
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
  d_step { last_generation++; me = last_generation; seat_of[me] = seat[p] };
  entry[seat[p]] = me;
#ifndef NO_TOKEN_ON_SITTING
  post(p);
#endif
  door = 0
}

proctype contender(byte p; byte me; bit may_leave; bit may_leave_holding) {
  byte locks, seen, q;
  bit got, told, owed, alive;
  {
    do
    :: locks == LOCKS -> break
    :: else ->
      locks++;
      acquire(p, may_leave);
      if
      :: got ->
        enter(p);
        if
        :: may_leave_holding -> break
        :: true -> release(p)
        fi
      :: else
      fi
    od;
    leave(p)
  } unless { dead[p] }
}

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
    :: p < CONTENDERS -> run contender(p, p + 1, p == 0, p == CONTENDERS - 1); p++
    :: p >= CONTENDERS && p < PROCESSES -> run newcomer(p); p++
    :: else -> break
    od
  }
}
