/* Map: lookups and snapshots without a lock beside inserts and erasures whose writers are killed.
 * SPDX-License-Identifier: MIT
 *
 * Of include/shm/store/table.hpp and table_writer.hpp. That a slot is read and stored as a whole, whatever the
 * machine reorders, is array.pml's matter: here a slot is one word, and its sequence number changes with it.
 *
 * OPERATIONS inserts (of a key that is absent) and erasures (of one that is present), in any order, by any
 * number of holders of the lock, one after the other, each of whom may be killed between any two stores. Three
 * slots and three keys: two have their home in slot 0, one in slot 1. A writer looks through the slots at once,
 * because only holders change them. One reader, who starts at any moment: it looks for one key, or with
 * SNAPSHOT takes all. Three sequence numbers, one for each slot.
 *
 * Checked: a lookup that finds the key does so only if the map held it at some moment meanwhile; one that does not, only
 * if the map lacked it at some moment meanwhile, so a key that is present all the time is never missed; a snapshot is
 * the map as it was at one moment, so no key is in it twice; no two slots ever hold the same key; the
 * reach of a home covers its entries at every moment.
 *
 * Wrong on purpose, to be rejected: ENTRY_BEFORE_REACH, LOWER_BEFORE_ERASE, LOWER_UNSEEN (without looking what else the
 * reach covers), INSERT_LOSES_REACH and ERASE_LOSES_REACH (of the slot as the home of others), ENTRY_MOVES (into
 * the slot that becomes free), REUSE_UNSEEN (a free slot is taken before the key was looked for behind it),
 * STOP_AT_FREE (a lookup goes no further), SNAPSHOT_UNCHECKED.
 */
#ifndef OPERATIONS
#define OPERATIONS 5
#endif
#define SLOTS 3
#define KEYS 3
#define home(k) ((k) == 3 -> 1 : 0)
#define behind(i, d) (((i) + (d)) % SLOTS)

byte key[SLOTS];       /* 0: free */
byte reach[SLOTS];
byte sequence[SLOTS];
bit present[KEYS + 1];

byte wanted;                    /* what the reader looks for */
bit was_present, was_absent;    /* at some moment meanwhile */

inline note_presence(k) {
  if
  :: k == wanted -> was_present = was_present | present[k]; was_absent = was_absent | !present[k]
  :: else
  fi
}

/* One commit. */
inline store(i, new_key, new_reach) {
  key[i] = new_key; reach[i] = new_reach; sequence[i]++
}

inline check_table() {
  d_step {
    for (l : 0 .. SLOTS - 1) {
      for (m : 0 .. SLOTS - 1) { assert(l == m || !key[l] || key[l] != key[m]) };
      if
      :: key[l] -> assert((l + SLOTS - home(key[l])) % SLOTS <= reach[home(key[l])])
      :: else
      fi
    };
    l = 0; m = 0
  }
}

active proctype holders() {
  byte k, d, at, free_at, operations, l, m;
  do
  :: operations == OPERATIONS -> break
  :: else ->
    d_step { operations++; k = 0; d = 0; at = SLOTS; free_at = SLOTS }
    if
    :: k = 1
    :: k = 2
    :: k = 3
    fi;
    d_step { /* look for the key, and for the nearest free slot: within reach, then beyond */
      do
      :: d > reach[home(k)] -> break
      :: else ->
        l = behind(home(k), d);
        if
        :: !key[l] && free_at == SLOTS -> free_at = d
        :: key[l] == k -> at = l
        :: else
        fi;
#ifdef REUSE_UNSEEN
        if
        :: free_at < SLOTS -> break
        :: else
        fi;
#endif
        d++
      od;
      d = 0;
      do
      :: d == SLOTS || free_at < SLOTS -> break
      :: else ->
        if
        :: !key[behind(home(k), d)] -> free_at = d
        :: else -> d++
        fi
      od;
      l = 0; d = 0
    }
    if
    :: at < SLOTS -> /* erase */
#ifdef LOWER_BEFORE_ERASE
      if
      :: (at + SLOTS - home(k)) % SLOTS == reach[home(k)] && at != home(k) ->
        d_step { store(home(k), key[home(k)], reach[home(k)] - 1) }
      :: else
      fi;
#endif
#ifdef ENTRY_MOVES
      if
      :: k == 1 && present[2] && (at + SLOTS - home(1)) % SLOTS < reach[0] ->
        d_step { /* the key moves first, into the slot of the erased one */
          for (l : 0 .. SLOTS - 1) {
            if
            :: key[l] == 2 -> d = l
            :: else
            fi
          };
          present[1] = 0; note_presence(1);
          store(at, 2, reach[at]); l = 0 }
        d_step { store(d, 0, reach[d]); d = 0; at = SLOTS }
        goto killed
      :: else
      fi;
#endif
      d_step {
        present[k] = 0; note_presence(k);
#ifdef ERASE_LOSES_REACH
        store(at, 0, 0)
#else
        store(at, 0, reach[at])
#endif
      }
      check_table();
      if
      :: goto killed
      :: true
      fi;
      d_step {
#ifdef LOWER_UNSEEN
        d = 0;
#else
        d = reach[home(k)];
        do
        :: d == 0 -> break
        :: d > 0 && key[behind(home(k), d)] && home(key[behind(home(k), d)]) == home(k) -> break
        :: else -> d--
        od;
#endif
        if
        :: d < reach[home(k)] -> store(home(k), key[home(k)], d)
        :: else
        fi
      }
    :: at == SLOTS && free_at < SLOTS && !present[k] -> /* insert */
#ifndef ENTRY_BEFORE_REACH
      if
      :: free_at > reach[home(k)] ->
        d_step { store(home(k), key[home(k)], free_at) }
        if
        :: goto killed
        :: true
        fi
      :: else
      fi;
#endif
      d_step {
        present[k] = 1; note_presence(k);
#ifdef INSERT_LOSES_REACH
        store(behind(home(k), free_at), k, 0)
#else
        store(behind(home(k), free_at), k, reach[behind(home(k), free_at)])
#endif
      }
#ifdef ENTRY_BEFORE_REACH
      if
      :: goto killed
      :: true
      fi;
      if
      :: free_at > reach[home(k)] -> d_step { store(home(k), key[home(k)], free_at) }
      :: else
      fi
#endif
    :: else
#ifdef REUSE_UNSEEN
      d_step {
        if
        :: at == SLOTS && free_at < SLOTS -> store(behind(home(k), free_at), k, reach[behind(home(k), free_at)])
        :: else
        fi
      }
#endif
    fi;
killed:
    check_table()
  od
}

active proctype reader() {
#ifdef SNAPSHOT
  byte before[SLOTS], taken[KEYS + 1], i;
  bit moment[KEYS + 1];
  for (i : 0 .. SLOTS - 1) { before[i] = sequence[i] };
  for (i : 0 .. SLOTS - 1) {
    d_step {
      if
      :: key[i] -> taken[key[i]]++
      :: else
      fi
    }
  };
  skip;
  d_step {
    for (i : 1 .. KEYS) { moment[i] = present[i] };
    i = 0
  }
#ifndef SNAPSHOT_UNCHECKED
  for (i : 0 .. SLOTS - 1) {
    if
    :: sequence[i] != before[i] -> goto lapped
    :: else
    fi
  };
#endif
  skip;
  d_step { for (i : 1 .. KEYS) { assert(taken[i] == moment[i]) } }
#else
  byte d, farthest, seen;
  atomic {
    if
    :: wanted = 1
    :: wanted = 2
    :: wanted = 3
    fi;
    was_present = present[wanted]; was_absent = !present[wanted]
  }
  do
  :: atomic {
       seen = key[behind(home(wanted), d)];
       if
       :: d == 0 -> farthest = reach[home(wanted)]
       :: else
       fi
     }
     if
     :: seen == wanted -> assert(was_present); break
#ifdef STOP_AT_FREE
     :: !seen -> assert(was_absent); break
#endif
     :: else ->
       if
       :: d == farthest -> assert(was_absent); break
       :: else -> d++
       fi
     fi
  od;
#endif
lapped:
  skip
}
