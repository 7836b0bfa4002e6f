/* Map's size: stored beside the slots, and yet the size of what they hold, at every moment and after each death.
 * SPDX-License-Identifier: MIT
 *
 * Of include/shm/store/table_writer.hpp (change, conclude, repair) and table.hpp (try_size). OPERATIONS changes by any
 * number of holders of the lock, one after the other, of whom DEATHS are killed at any step of a change or a
 * repair; the next holder repairs first. One reader of the size, who starts at any moment. Three slots on two
 * stripes; of the journalled array there are its index and its sequence numbers, an even one of which commits.
 * Stores reach memory in any order that release and fences allow (weak_memory.pml); the reader's loads happen
 * in any order that acquire allows. With VERSION the number is that of the changes instead: it has a word of its own,
 * and one for what it is next, and shares the others.
 *
 * Checked: the size that the reader takes was that of the map at some moment meanwhile; after each repair the
 * stored size is that of the slots. Abstracted: sequences do not wrap.
 *
 * Wrong on purpose, to be rejected: NO_FENCE_BEFORE_CHANGE, CHANGE_NOT_RELEASED, SIZE_NOT_RELEASED, OVER_NOT_RELEASED;
 * SIZE_BEFORE_SLOT, OVER_BEFORE_SIZE, REPAIR_SLOT_FIRST, REPAIR_FORGETS, REPAIR_ALWAYS (not by the number that
 * commits), REPAIR_ADDS (one to the stored number, instead of the noted one); TRUST_SIZE (a reader does not ask for
 * the change), CHANGE_UNCHECKED, NO_ACQUIRE_FENCE.
 */
#ifndef OPERATIONS
#define OPERATIONS 3
#endif
#ifndef DEATHS
#define DEATHS 2
#endif
#define SLOTS 3
#define STRIPES 2
#define LOCATIONS 7
#define CHANGING 0
#define COMMITTING 1
#define NEXT 2
#define SIZE 3
#define INDEX 4
#define SEQUENCE(i) (5 + (i) % STRIPES)

#ifdef VERSION
#define after_change(number, was_used) (number + 1)
#else
#define after_change(number, was_used) (was_used -> number - 1 : number + 1)
#endif

byte size = 0;                  /* by the commit point */
short sizes = 1;                /* a bit for each since the reader started */
bit used[SLOTS];
byte commits_slot[LOCATIONS];   /* 1 + the slot that an even sequence on its way commits */

inline reached_memory(l) {
  if
  :: commits_slot[l] ->
    size = after_change(size, used[commits_slot[l] - 1]);
    used[commits_slot[l] - 1] = !used[commits_slot[l] - 1];
    sizes = sizes | (1 << size);
    commits_slot[l] = 0
  :: else
  fi
}

#include "weak_memory.pml"

#ifdef NO_FENCE_BEFORE_CHANGE
#define FENCE_BEFORE_CHANGE skip
#else
#define FENCE_BEFORE_CHANGE release_fence()
#endif
#ifdef CHANGE_NOT_RELEASED
#define STORE_CHANGING store
#else
#define STORE_CHANGING store_release
#endif
#ifdef SIZE_NOT_RELEASED
#define STORE_SIZE store
#else
#define STORE_SIZE store_release
#endif
#ifdef OVER_NOT_RELEASED
#define STORE_OVER store
#else
#define STORE_OVER store_release
#endif

inline may_die() {
  if
  :: true
  :: deaths < DEATHS -> atomic {
       deaths++;
       lose_waiting_stores(l);
       for (l : 0 .. LOCATIONS - 1) { commits_slot[l] = 0 };
       goto next_holder
     }
  fi
}

inline conclude(with) {
#ifdef OVER_BEFORE_SIZE
  STORE_OVER(CHANGING, 0);
  may_die();
  STORE_SIZE(SIZE, with)
#else
  STORE_SIZE(SIZE, with);
  may_die();
  STORE_OVER(CHANGING, 0)
#endif
}

inline repair_slot() {
  if
  :: own(INDEX) ->
    atomic { i = own(INDEX) - 1; sequence = own(SEQUENCE(i)) };
    if
    :: sequence % 2 ->
      release_fence();
      store_release(SEQUENCE(i), sequence + 1);
      may_die()
    :: else
    fi;
    store_release(INDEX, 0);
    may_die()
  :: else
  fi
}

inline repair_size() {
  if
  :: own(CHANGING) ->
    atomic { i = own(CHANGING) - 1; sequence = own(SEQUENCE(i)); next = own(NEXT) };
#ifdef REPAIR_FORGETS
    STORE_OVER(CHANGING, 0);
#else
    if
#if defined(REPAIR_ALWAYS)
    :: true -> conclude(next)
#elif defined(REPAIR_ADDS)
    :: sequence == own(COMMITTING) -> next = own(SIZE) + 1; conclude(next)
    :: else -> STORE_OVER(CHANGING, 0)
#else
    :: sequence == own(COMMITTING) -> conclude(next)
    :: else -> STORE_OVER(CHANGING, 0)
#endif
    fi;
#endif
    may_die()
  :: else
  fi
}

active proctype holders() {
  byte i, sequence, next, operations, deaths, l;
next_holder:
#ifdef REPAIR_SLOT_FIRST
  repair_slot();
  repair_size();
#else
  repair_size();
  repair_slot();
#endif
  release_fence(); /* only of this check: it is compared when memory has taken it */
  assert(own(SIZE) == size);
  do
  :: operations == OPERATIONS -> break
  :: else ->
    atomic {
      operations++;
      if
      :: i = 0 /* has a stripe mate, as 2 has */
      :: i = 1
      :: i = 2
      fi
    };
    /* Of this process' own stores the slot is the last that was committed. */
    atomic {
      sequence = own(SEQUENCE(i));
      next = after_change(own(SIZE), (commits_slot[SEQUENCE(i)] == i + 1 -> !used[i] : used[i]))
    };
    FENCE_BEFORE_CHANGE;
    store(NEXT, next);
    store(COMMITTING, sequence + 2);
    STORE_CHANGING(CHANGING, i + 1);
    may_die();
#ifdef SIZE_BEFORE_SLOT
    STORE_SIZE(SIZE, next);
#endif
    release_fence();
    store(INDEX, i + 1);
    store_release(SEQUENCE(i), sequence + 1);
    may_die();
    release_fence();
    atomic {
      !is_waiting(SEQUENCE(i));
      commits_slot[SEQUENCE(i)] = i + 1;
      store_release(SEQUENCE(i), sequence + 2)
    };
    may_die();
    store_release(INDEX, 0);
    may_die();
    conclude(next);
    may_die()
  od
}

/* The words of the change, after CHANGING, in any order. */
inline load_words(committing_now, size_now, next_now) {
  loaded = 0;
  do
  :: !(loaded & 1) -> atomic { committing_now = memory[COMMITTING]; loaded = loaded | 1 }
  :: !(loaded & 2) -> atomic { size_now = memory[SIZE]; loaded = loaded | 2 }
  :: !(loaded & 4) -> atomic { next_now = memory[NEXT]; loaded = loaded | 4 }
  :: loaded == 7 -> break
  od
}

active proctype reader() {
  byte changing, committing, size_seen, next, sequence, result, loaded;
  byte again, committing_again, size_again, next_again;
  atomic { sizes = 1 << size };
  changing = memory[CHANGING];
#ifdef TRUST_SIZE
  changing = 0;
#endif
  if
  :: !changing -> result = memory[SIZE]
  :: else ->
    loaded = 0;
    do
    :: !(loaded & 1) -> atomic { committing = memory[COMMITTING]; loaded = loaded | 1 }
    :: !(loaded & 2) -> atomic { size_seen = memory[SIZE]; loaded = loaded | 2 }
    :: !(loaded & 4) -> atomic { next = memory[NEXT]; loaded = loaded | 4 }
    :: !(loaded & 8) -> atomic { sequence = memory[SEQUENCE(changing - 1)]; loaded = loaded | 8 }
#ifdef NO_ACQUIRE_FENCE
    :: !(loaded & 16) -> atomic { again = memory[CHANGING]; loaded = loaded | 16 }
    :: loaded == 31 -> break
#else
    :: loaded == 15 -> break
#endif
    od;
    result = (sequence == committing -> next : size_seen);
#ifndef CHANGE_UNCHECKED
#ifndef NO_ACQUIRE_FENCE
    again = memory[CHANGING];
#endif
    if
    :: again != changing -> goto lapped
    :: else
    fi;
    load_words(committing_again, size_again, next_again);
    if
    :: committing_again != committing || size_again != size_seen || next_again != next -> goto lapped
    :: else
    fi
#endif
  fi;
  assert(sizes & (1 << result));
lapped:
  skip
}
