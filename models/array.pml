/* Journalled array: readers without a lock beside stores and repairs that are killed.
 * SPDX-License-Identifier: MIT
 *
 * Of include/shm/store/journalled_array.hpp and array_reader.hpp.
 *
 * STORES stores by any number of holders of the lock, one after the other (that they exclude each other is
 * lock.pml's matter), of whom DEATHS are killed at any step of a store or a repair; the next holder repairs
 * first. One reader, who starts at any moment: readers write nothing, so one stands for all. Three elements
 * of two words on two stripes, so that two are stripe mates; stored and loaded in any order that the
 * fences allow (weak_memory.pml), with the reader guessing where the element lies before it has loaded the
 * index. With SNAPSHOT the reader takes all elements, as array_reader::try_snapshot does.
 *
 * Checked: what a reader accepts is whole, at least what was committed when it started, and committed when
 * it ends, so that nothing that was read is rolled back; a snapshot is the array as it was at one moment;
 * after each repair every element is the one last committed. Abstracted: values are numbers, sequences do
 * not wrap, no edits in place (raw).
 *
 * Not needed: NO_FENCE_IN_REPAIR is right, too, because what a repair puts back is what a reader that saw the
 * sequence even before took for the value.
 *
 * Wrong on purpose, to be rejected: NO_FENCE_BEFORE_JOURNAL, ODD_NOT_RELEASED, NO_FENCE_BEFORE_ELEMENT,
 * EVEN_NOT_RELEASED, CLEAR_NOT_RELEASED; INDEX_AFTER_ODD, ELEMENT_BEFORE_ODD, CLEAR_BEFORE_EVEN,
 * REPAIR_ALWAYS (not by parity), REPAIR_NEVER_EVEN, REPAIR_CLEARS_FIRST, REPAIR_EVEN_NOT_RELEASED;
 * NO_ACQUIRE_FENCE, JOURNAL_UNCHECKED, MATE_IN_JOURNAL.
 */
#ifndef STORES
#define STORES 3
#endif
#ifndef DEATHS
#define DEATHS 2
#endif
#define ELEMENTS 3
#define STRIPES 2
#define LOCATIONS 11
#define element(i, w) (2 * (i) + w)
#define JOURNAL(w) (6 + w)
#define INDEX 8
#define SEQUENCE(i) (9 + (i) % STRIPES)

byte committed[ELEMENTS];       /* the values, by the commit point */
byte successor[STORES + 1];     /* the value that was committed next in the place of this one */
byte committing[LOCATIONS];     /* the value that an even sequence on its way commits */
byte committed_in[LOCATIONS];   /* … and its element */

inline reached_memory(l) {
  if
  :: committing[l] ->
    if
    :: committed[committed_in[l]] -> successor[committed[committed_in[l]]] = committing[l]
    :: else
    fi;
    committed[committed_in[l]] = committing[l]; committing[l] = 0; committed_in[l] = 0
  :: else
  fi
}

#include "weak_memory.pml"

#ifdef NO_FENCE_BEFORE_JOURNAL
#define FENCE_BEFORE_JOURNAL skip
#else
#define FENCE_BEFORE_JOURNAL release_fence()
#endif
#ifdef NO_FENCE_IN_REPAIR
#define FENCE_IN_REPAIR skip
#else
#define FENCE_IN_REPAIR release_fence()
#endif
#ifdef NO_FENCE_BEFORE_ELEMENT
#define FENCE_BEFORE_ELEMENT skip
#else
#define FENCE_BEFORE_ELEMENT release_fence()
#endif
#ifdef ODD_NOT_RELEASED
#define STORE_ODD store
#else
#define STORE_ODD store_release
#endif
#ifdef EVEN_NOT_RELEASED
#define STORE_EVEN store
#else
#define STORE_EVEN store_release
#endif
#ifdef CLEAR_NOT_RELEASED
#define STORE_CLEAR store
#else
#define STORE_CLEAR store_release
#endif
#ifdef REPAIR_EVEN_NOT_RELEASED
#define STORE_REPAIRED store
#else
#define STORE_REPAIRED store_release
#endif

inline may_die() {
  if
  :: true
  :: deaths < DEATHS -> atomic {
       deaths++;
       lose_waiting_stores(l);
       for (l : 0 .. LOCATIONS - 1) { committing[l] = 0; committed_in[l] = 0 };
       goto next_holder
     }
  fi
}

inline save_element() {
  first = own(element(i, 0)); second = own(element(i, 1));
  store(JOURNAL(0), first); store(JOURNAL(1), second);
  first = 0; second = 0
}

inline write_element() { store(element(i, 0), value); store(element(i, 1), value) }

inline write_even() {
  !is_waiting(SEQUENCE(i));
  committing[SEQUENCE(i)] = value; committed_in[SEQUENCE(i)] = i;
  STORE_EVEN(SEQUENCE(i), sequence + 2)
}

/* When a store is issued does not matter, only when memory takes it: so what stands between two fences is
 * issued at once, and a death loses any part of it. (Where a location is still waiting, it is not at once.) */
active proctype holders() {
  byte value, i, sequence, first, second, deaths, l;
next_holder:
  if
  :: own(INDEX) ->
    atomic { i = own(INDEX) - 1; sequence = own(SEQUENCE(i)) };
#ifdef REPAIR_CLEARS_FIRST
    store_release(INDEX, 0);
#endif
    if
#ifdef REPAIR_ALWAYS
    :: true ->
#else
    :: sequence % 2 ->
#endif
      FENCE_IN_REPAIR;
      atomic {
        first = own(JOURNAL(0)); second = own(JOURNAL(1));
        store(element(i, 0), first); store(element(i, 1), second);
        first = 0; second = 0;
#ifndef REPAIR_NEVER_EVEN
        STORE_REPAIRED(SEQUENCE(i), sequence + sequence % 2)
#endif
      }
    :: else
    fi;
#ifndef REPAIR_CLEARS_FIRST
    store_release(INDEX, 0);
#endif
    may_die()
  :: else
  fi;
  d_step {
    for (i : 0 .. ELEMENTS - 1) {
      assert(own(element(i, 0)) == committed[i] && own(element(i, 1)) == committed[i])
    };
    i = 0; l = 0
  };
  do
  :: value == STORES -> break
  :: else ->
    atomic {
      value++;
      if
      :: i = 0
      :: i = 1
      :: i = 2
      fi;
      sequence = own(SEQUENCE(i))
    };
    FENCE_BEFORE_JOURNAL;
    atomic {
      save_element();
#ifdef INDEX_AFTER_ODD
      STORE_ODD(SEQUENCE(i), sequence + 1);
      store(INDEX, i + 1)
#else
      store(INDEX, i + 1);
#ifdef ELEMENT_BEFORE_ODD
      write_element();
#endif
      STORE_ODD(SEQUENCE(i), sequence + 1)
#endif
    };
    may_die();
    FENCE_BEFORE_ELEMENT;
    atomic {
#ifndef ELEMENT_BEFORE_ODD
      write_element();
#endif
#ifdef CLEAR_BEFORE_EVEN
      STORE_CLEAR(INDEX, 0);
      write_even()
#else
      write_even();
      STORE_CLEAR(INDEX, 0)
#endif
    };
    may_die()
  od
}

/* Leaves through `lapped` when the bytes are worthless. */
inline try_load(i) {
  before = memory[SEQUENCE(i)];
  if
  :: before % 2 == 0 -> in_journal = 0
  :: before % 2 -> in_journal = 0
  :: before % 2 -> in_journal = 1
  fi;
  loaded = 0;
  do
  :: !(loaded & 1) -> atomic { index = memory[INDEX]; loaded = loaded | 1 }
  :: !(loaded & 2) -> atomic {
       first = (in_journal -> memory[JOURNAL(0)] : memory[element(i, 0)]); loaded = loaded | 2 }
  :: !(loaded & 4) -> atomic {
       second = (in_journal -> memory[JOURNAL(1)] : memory[element(i, 1)]); loaded = loaded | 4 }
#ifdef NO_ACQUIRE_FENCE
  :: !(loaded & 8) -> atomic { after = memory[SEQUENCE(i)]; loaded = loaded | 8 }
#else
  :: loaded == 7 -> atomic { after = memory[SEQUENCE(i)]; loaded = loaded | 8 }
#endif
  :: loaded == 15 -> break
  od;
#ifndef MATE_IN_JOURNAL
  if
  :: before % 2 && (index == i + 1) != in_journal -> goto lapped  /* a wrong guess is undone */
  :: else
  fi;
#else
  if
  :: before % 2 && !in_journal -> goto lapped
  :: else
  fi;
#endif
#ifdef JOURNAL_UNCHECKED
  if
  :: before != after && !in_journal -> goto lapped
  :: else
  fi
#else
  if
  :: before != after -> goto lapped
  :: else
  fi
#endif
}

active proctype reader() {
  byte before, after, index, first, second, loaded;
  bit in_journal;
#ifdef SNAPSHOT
  byte got[ELEMENTS], sequences[STRIPES], i, newest;
  sequences[0] = memory[SEQUENCE(0)];
  sequences[1] = memory[SEQUENCE(1)];
  for (i : 0 .. ELEMENTS - 1) {
    try_load(i);
    got[i] = first
  };
  if
  :: memory[SEQUENCE(0)] != sequences[0] -> goto lapped
  :: else
  fi;
  if
  :: memory[SEQUENCE(1)] != sequences[1] -> goto lapped
  :: else
  fi;
  d_step {
    for (i : 0 .. ELEMENTS - 1) { newest = (got[i] > newest -> got[i] : newest) };
    for (i : 0 .. ELEMENTS - 1) {
      assert(got[i] == committed[i] || !got[i] || successor[got[i]] > newest)
    }
  }
#else
  byte i, oldest;
  atomic {
    if
    :: i = 0  /* has a stripe mate, as 2 has */
    :: i = 1  /* has none */
    fi;
    oldest = committed[i]
  };
  try_load(i);
  atomic {
    assert(first == second);
    assert(oldest <= first && first <= committed[i])
  }
#endif
lapped:
  skip
}
