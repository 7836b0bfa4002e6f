/* Watch of arrays and maps, whose version lies beside what they hold: a writer can die between the two.
 * SPDX-License-Identifier: MIT
 *
 * HOLDERS holders of the lock, one after another, make one change each, or none. Up to DEATHS of them are killed at any
 * step. The next one repairs first, but there need not be a next one. One store (`sequence`) commits a change; array.pml and
 * map_size.pml show that the change is then seen as a whole. Before it, the writer notes which sequence commits the
 * change, and which version it has, as a map does. One process loads the version, then the payload, then waits past that
 * version, and so on.
 *
 * The waiter computes the version: if a change is noted and committed, it is the noted one. While it falls asleep it compares
 * the words that it computed it from: the word of the version, the note, and the sequence of the noted change.
 * VERSION_ALONE: it reads and compares the word of the version only. Then it learns from the next holder of a change whose
 * writer has died; with NEXT_COMES there is one, because the last is not killed.
 *
 * watch.pml shows that rings and alarms reach all who sleep; here a ring wakes the waiter if it is in the queue, and
 * so does a death. Abstracted: stores are seen in their order; nothing wraps.
 *
 * Checked: when nothing happens any more, the payload that was loaded last is what is there; a waiter goes round again
 * only if a word that it compares has changed, so it never spins.
 *
 * Wrong on purpose, to be rejected: VERSION_BEFORE_CHANGE, CLEARED_BEFORE_VERSION, PENDING_AFTER_CHANGE,
 * NOTE_NOT_COMPARED, SEQUENCE_NOT_COMPARED, LOCK_COMPARED (the generation in the lock word, instead of note and sequence),
 * SEEN_COMPARED (the version's word with the version that was computed), VERSION_ALONE without NEXT_COMES; with both
 * REPAIR_FORGETS and REPAIR_UNANNOUNCED.
 */
#ifndef HOLDERS
#define HOLDERS 3
#endif
#ifndef DEATHS
#define DEATHS 2
#endif
#define NOBODY 0

byte lock = NOBODY;         /* the holder, also when it is dead */
byte sequence = 0;          /* commits; and so the payload */
byte changing = 0;          /* noted: whether, */
byte committing = 0;        /* by which sequence, */
byte next = 0;              /* and with which version */
byte version = 0;
byte watched = 0;

bit waits = 0;
bit bell_changed = 0;       /* since the waiter has read it */
bit at_bell = 0, at_alarm = 0, woken = 0;
bit pending = 0;            /* of the holder */
byte loaded = 0;

inline wake(queue) {
  if
  :: queue -> woken = 1
  :: else
  fi
}

inline may_die() {
  if
  :: true
#ifdef NEXT_COMES
  :: deaths < DEATHS && holder < HOLDERS ->
#else
  :: deaths < DEATHS ->
#endif
    atomic {
      deaths++;
      if
      :: pending -> wake(at_alarm); pending = 0
      :: else
      fi;
      goto next_holder
    }
  fi
}

inline announce() {
  if
  :: watched > old ->
    may_die();
    bell_changed = waits;
    may_die();
    d_step { wake(at_bell) }
  :: else
  fi;
  may_die()
}

inline conclude() {
#ifdef CLEARED_BEFORE_VERSION
  changing = 0;
  may_die();
#endif
  version = old + 1;
  may_die();
  announce();
#ifndef CLEARED_BEFORE_VERSION
  changing = 0;
  may_die()
#endif
}

inline repair() {
  if
  :: changing && sequence == committing ->
#ifdef REPAIR_FORGETS
    changing = 0
#elif defined(REPAIR_UNANNOUNCED)
    version = next;
    may_die();
    changing = 0;
    may_die()
#else
    pending = 1;
    may_die();
    old = next - 1;
    conclude()
#endif
  :: changing && sequence != committing -> changing = 0; may_die()  /* as if nothing had been */
  :: else
  fi;
  pending = 0
}

active proctype holders() {
  byte holder, deaths, old;
next_holder:
  do
  :: holder == HOLDERS -> break
  :: holder < HOLDERS ->
    atomic { holder++; lock = holder };
    repair();
    may_die();
    if
    :: true -> lock = NOBODY; goto next_holder  /* changes nothing */
    :: true -> old = version
    fi;
#ifdef VERSION_BEFORE_CHANGE
    pending = 1;
    version = old + 1;
    may_die();
    announce();
    sequence++;
    pending = 0;
#else
#ifndef PENDING_AFTER_CHANGE
    pending = 1;
    may_die();
#endif
    d_step { committing = sequence + 1; next = version + 1 };
    may_die();
    changing = 1;
    may_die();
    sequence++;
    may_die();
#ifdef PENDING_AFTER_CHANGE
    pending = 1;
    may_die();
#endif
    conclude();
    pending = 0;
    may_die();
#endif
    lock = NOBODY
#ifndef NEXT_COMES
  :: true -> break
#endif
  od
}

active proctype observer() {
  timeout -> assert(loaded == sequence)
}

/* What the list has, beside bell, alarm and the version's word. */
#ifdef LOCK_COMPARED
#define matches_3 (lock == lock_read)
#define matches_4 true
#elif defined(VERSION_ALONE)
#define matches_3 true
#define matches_4 true
#else
#ifdef NOTE_NOT_COMPARED
#define matches_3 true
#else
#define matches_3 (changing == changing_read)
#endif
#ifdef SEQUENCE_NOT_COMPARED
#define matches_4 true
#else
#define matches_4 (!changing_read || sequence == sequence_read)
#endif
#endif
#ifdef SEEN_COMPARED
#define matches_2 (version == seen)
#else
#define matches_2 (version == version_read)
#endif

/* Reads again if the note changed meanwhile. */
inline compute_version(result) {
  do
  :: true ->
    lock_read = lock;
    changing_read = changing;
    sequence_read = sequence;
    d_step { committing_read = committing; next_read = next };
    version_read = version;
#ifdef VERSION_ALONE
    result = version_read;
    break
#else
    if
    :: changing_read != changing
    :: else ->
      if
      :: changing_read && committing_read != committing
      :: else -> result = (changing_read && sequence_read == committing_read -> next_read : version_read); break
      fi
    fi
#endif
  od
}

active proctype waiter() {
  byte seen, now, lock_read, changing_read, sequence_read, committing_read, next_read, version_read;
  do
  :: true ->
    compute_version(seen);
    loaded = sequence;
    waits = 1;
    do
    :: true ->
      bell_changed = 0;
      watched = (watched > seen -> watched : seen + 1);
      compute_version(now);
      if
      :: now != seen -> break
      :: else
      fi;
      if
      :: bell_changed -> goto awake
      :: else -> at_bell = 1
      fi;
      at_alarm = 1;
      if
      :: matches_2
      :: else -> assert(version != version_read); goto awake
      fi;
      if
      :: matches_3
      :: else -> goto awake
      fi;
      if
      :: matches_4
      :: else -> goto awake
      fi;
end_asleep:
      woken;
awake:
      atomic { woken = 0; at_bell = 0; at_alarm = 0 }
    od;
    atomic { waits = 0; bell_changed = 0 }
  od
}
