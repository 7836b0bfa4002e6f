/* Lock: unlocking is a plain store, and the sleeper pays for the order with a membarrier.
 * SPDX-License-Identifier: MIT
 *
 * PROCESSES contend LOCKS times each, and up to DEATHS of them die at any step. A plain store waits in
 * its process's store buffer; whoever dies or makes a locked operation drains its own, a membarrier
 * drains all. Checked: at most one living process is inside; nobody waits for ever (an end state with a
 * sleeper is invalid); who takes over from the dead knows it. Seats are not reused here.
 *
 * Wrong on purpose, to be rejected: NO_BARRIER, NO_TOKEN_ON_DEATH, FORGET_OTHERS.
 */
#ifndef PROCESSES
#define PROCESSES 3
#endif
#ifndef LOCKS
#define LOCKS 2
#endif
#ifndef DEATHS
#define DEATHS 2
#endif

byte word = 0;            /* 0, or 1 + the holder */
bit waiters = 0;
byte tokens = 0;
bit pending[PROCESSES];   /* a store of 0 into word that nobody else sees yet */
bit dead[PROCESSES];
bit inside[PROCESSES];
byte deaths = 0;

inline drain(p) {
  if
  :: pending[p] -> word = 0; pending[p] = 0
  :: else
  fi
}

/* Anywhere between two steps. The kernel drains the buffer before it reverses semaphores. */
inline may_die(p) {
  if
  :: true
  :: atomic { deaths < DEATHS ->
       deaths++; drain(p); inside[p] = 0; dead[p] = 1;
#ifndef NO_TOKEN_ON_DEATH
       tokens++;
#endif
       goto died
     }
  fi
}

inline post() {
  atomic {
    if
    :: tokens == 0 -> tokens = 1
    :: else
    fi
  }
}

proctype store_buffer(byte p) {
end:
  do
  :: atomic { pending[p] -> word = 0; pending[p] = 0 }
  od
}

proctype contender(byte p; bit timed) {
  byte locks = 0, seen, q;
  bit slept, told;
  do
  :: locks == LOCKS -> break
  :: else ->
    locks++;
    slept = 0; told = 0;
again:
    atomic {
      drain(p);
      if
      :: word == 0 -> word = p + 1; goto taken
      :: else
      fi
    };
    may_die(p);
    waiters = 1;
    may_die(p);
#ifndef NO_BARRIER
    q = 0;
    do
    :: q < PROCESSES -> atomic { drain(q); q++ }
    :: else -> break
    od;
    may_die(p);
#endif
    seen = word;
    if
    :: seen == 0 -> goto again
    :: else
    fi;
    if
    :: dead[seen - 1] ->
      atomic {
        if
        :: word == seen -> word = p + 1; told = 1; slept = 1
        :: else -> goto again
        fi
      };
      goto taken
    :: else
    fi;
    may_die(p);
    if
    :: atomic { tokens > 0 -> tokens-- }; slept = 1; may_die(p); goto again
    :: timed ->
      if
      :: slept -> post()
      :: else
      fi;
      goto next
    fi;
taken:
    may_die(p);
#ifndef FORGET_OTHERS
    if
    :: slept -> waiters = 1
    :: else
    fi;
    may_die(p);
#endif
    inside[p] = 1;
    for (q : 0 .. PROCESSES - 1) { assert(q == p || !inside[q]) };
    may_die(p);
    atomic { inside[p] = 0; pending[p] = 1 };
    may_die(p);
    seen = waiters;
    may_die(p);
    if
    :: seen ->
      atomic { drain(p); seen = waiters; waiters = 0 };
      may_die(p);
      if
      :: seen -> post()
      :: else
      fi
    :: else
    fi;
next:
    may_die(p)
  od;
died:
  skip
}

init {
  byte p;
  atomic {
    for (p : 0 .. PROCESSES - 1) {
      run store_buffer(p);
      run contender(p, p == 0)
    }
  }
}
