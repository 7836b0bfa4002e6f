/* Versioned cell: readers without a lock beside writers that are killed; include/shm/store/versioned_cell.hpp.
 * SPDX-License-Identifier: MIT
 *
 * STORES publications by any number of holders of the lock, one after the other (that they exclude each
 * other is lock.pml's matter), of whom DEATHS are killed at any step; the next holder then writes the same
 * copy with another value. One reader, who starts at any moment: readers write nothing, so one stands for
 * all. COPIES of two words each, stored and loaded in any order that the fences allow (weak_memory.pml).
 *
 * Checked: what a reader accepts is whole and is the value of the version that it looked at first; the
 * version never goes back. Abstracted: values are numbers, versions do not wrap.
 *
 * Wrong on purpose, to be rejected: ACCEPT_ONE_MORE, NO_RELEASE_FENCE, NO_ACQUIRE_FENCE,
 * VERSION_NOT_RELEASED, WRITE_IN_PLACE (the copy that is the value).
 */
#ifndef COPIES
#define COPIES 4
#endif
#ifndef STORES
#define STORES 6
#endif
#ifndef DEATHS
#define DEATHS 2
#endif
#define LOCATIONS (2 * COPIES + 1)
#define VERSION (2 * COPIES)
#define word(version, w) (2 * ((version) % COPIES) + w)
#ifdef ACCEPT_ONE_MORE
#define ACCEPTED (COPIES - 1)
#else
#define ACCEPTED (COPIES - 2)
#endif

byte published[STORES + 1]; /* the value of each version */

inline reached_memory(l) { assert(l != VERSION || waiting[l] > memory[l]) }

#include "weak_memory.pml"

active proctype holders() {
  byte value, next, deaths, l;
  do
  :: value < STORES ->
    atomic {
      value++;
      next = own(VERSION) + 1
    };
#ifndef NO_RELEASE_FENCE
    release_fence();
#endif
#ifdef WRITE_IN_PLACE
    store(word(next - 1, 0), value); store(word(next - 1, 1), value);
#else
    store(word(next, 0), value); store(word(next, 1), value);
#endif
    if
    :: deaths < DEATHS -> atomic { deaths++; lose_waiting_stores(l) }
    :: true ->
      published[next] = value;
#ifdef VERSION_NOT_RELEASED
      store(VERSION, next);
#else
      store_release(VERSION, next);
#endif
      if
      :: deaths < DEATHS -> atomic { deaths++; lose_waiting_stores(l) }
      :: true
      fi
    fi
  :: else -> break
  od
}

active proctype reader() {
  byte before, after, first, second;
  bit have_first, have_second, have_after;
  before = memory[VERSION];
  do
  :: !have_first -> atomic { first = memory[word(before, 0)]; have_first = 1 }
  :: !have_second -> atomic { second = memory[word(before, 1)]; have_second = 1 }
#ifdef NO_ACQUIRE_FENCE
  :: !have_after -> atomic { after = memory[VERSION]; have_after = 1 }
#else
  :: have_first && have_second && !have_after -> atomic { after = memory[VERSION]; have_after = 1 }
#endif
  :: have_first && have_second && have_after -> break
  od;
  if
  :: after - before <= ACCEPTED -> assert(first == published[before] && second == published[before])
  :: else
  fi
}
