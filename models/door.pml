/* Door: the life of a name, by processes that die, and semaphore sets that are lost.
 * SPDX-License-Identifier: MIT
 *
 * Models include/shm/lifecycle/ and the opening and closing of handles in session/.
 *
 * A name has one segment and one semaphore set. The set holds the door, a mutex that the kernel releases when its
 * owner dies, and the seats. The first word of a segment is {state, set}. `set` is the set whose door the process held
 * that last changed the state. A set can be removed from outside at any moment (`ipcrm -s`, RemoveIPC). A process
 * inside its door does not notice, while other processes make a new set and enter the new door.
 *
 * Rules. S is the process's own set. The process holds the door of S and is attached. Every change of the word is a
 * compare-and-swap from the value that was read. If the swap fails, or a call on S reports that S is gone, the process
 * detaches, leaves seat and door, and starts again.
 *  - The word names another set and says constructing, ready or removing: check that the process still holds the door
 *    of S. If not, start again. If so, the set in the word is older, and lost.
 *  - blank: -> (constructing, S), construct, sit down, -> (ready, S). If another process is attached, which may be the
 *    creator in a lost set, the process may also start again.
 *  - (constructing, S): the creator is dead. Construct again. With a lost set: -> (removed, S).
 *  - (ready, S): sit down. (removing, S): the remover is dead, -> (ready, S). With a lost set: if no other process is
 *    attached, -> (ready, S) and sit down; else an opener does -> (removed, S), and a remover fails with `in_use`.
 *  - Remove: -> (removing, S), count attachments and a lock owner that sits, then -> (removed, S) or back to
 *    (ready, S). A remover that finds a segment but no set makes a set. A forced remover stores (removed, S).
 *  - removed is final. The segment is removed by its id, by a process that is still attached to it; then the set.
 *  - The kernel is asked for the right to remove before the word changes to removed. Without it the call fails and
 *    changes nothing; but an opener that may not remove an unused object of LAST_DETACH does (removing, S) ->
 *    (constructing, S), and constructs it again.
 *  - No segment, but a seat of S is taken: remove S, start again.
 *  - A failed call removes S only if nobody sits in it and no segment under the key names it. A failed creation does
 *    -> (removed, S) and removes the segment first. A process that cannot attach leaves the segment as it is.
 *  - A handle whose set is gone reports that, and changes nothing. A handle that is closed while it holds the lock
 *    detaches; its seat stays taken until the process ends.
 *  - A handle of LAST_DETACH that is closed detaches, enters the door of S and, unless another process is attached and
 *    another one sits in S, attaches again by the segment's id. If the word says (ready, S) or (removing, S), it removes
 *    like a remover. Else it leaves its seat.
 *  - A read-only handle attaches and then reads the word: ready with any set is good. (removing, S) is good if the
 *    door of S is free afterwards, S is the set under the key, and the word is still the same or ready.
 *
 * Model. PROCESSES processes perform one operation each: open or create, lock and write once, close, or be closed by
 * another thread while inside; open read-only and close; attach for an instant and read the word; remove; remove by
 * force, with or without the right to. An open handle may find its set gone although it exists, when its process has
 * entered another IPC namespace; its seat is then free. Up to DEATHS processes die at any step: the kernel first
 * detaches the process and later, in a separate step, frees its door and seat. The set under the key is removed from
 * outside at any step, LOST times. The start is nothing, a set alone, or a segment in any state whose set is present,
 * gone, or gone and replaced. An object that exists at the start has a user's value and may be locked by a dead owner.
 * At the end one process opens, writes, closes and removes alone.
 *
 * Checked:
 *  - of two open handles on different segments, one says removed; two read-write handles on one segment name the same
 *    set, or the segment says removed;
 *  - no handle is open on a segment under construction, no two processes construct one segment, and a segment that a
 *    user has written to is never constructed again;
 *  - no handle is open on a segment when it is removed as unused, and none is opened later; no process removes a set
 *    in which a handle of an object that is not removed sits;
 *  - a word that names another set is changed only if that set is gone; an adopted object has no read-write handle;
 *  - at most one live process holds the lock of a segment, and none holds it when the segment is removed as unused; a
 *    process that closed its handle while it held the lock counts until it ends or its set is lost;
 *  - a value is discarded only by a removal, or by an opener that finds another process attached to an object whose
 *    set was removed from outside; otherwise the last process finds it;
 *  - when all handles of LAST_DETACH are closed, the segment is gone, unless a process died, a set was lost, or the last
 *    handle could not get in, had no right to remove, or found another process attached;
 *  - no process waits forever (no invalid end state); the last process leaves neither segment nor set.
 *
 * Not modelled: foreign objects, trust, names, types, sizes; several handles in one process, fork, exec; wake-ups and
 * seat generations (lock.pml); deadlines, except that a reader that does not get in gives up, and that the wait at the
 * door of a handle that closes may time out; starvation by other processes; `ipcrm -m`; a lock taken after entering
 * another IPC namespace; memory order (all accesses are sequentially consistent). Segment ids are not reused: a
 * process that removes a segment is attached to it. At most SEGMENTS segments and SETS sets are made; a process that
 * needs more stops.
 *
 * Options: LAST_DETACH (until_last_detach). REFUSALS (an opener fails at any point before it sits down). GUESTS (each
 * time that a process asks for the right to remove, it may be refused; the last process is not). MOST=0 (openers
 * only), 1 (and readers), 2 (and lookers, which attach for an instant), 3 (and removers). IDS_REUSED with SETS_MARKED
 * (every new set gets the id of the previous one; the word holds a mark that differs from set to set; a process reads
 * the mark inside the door, compares it again after sitting down, and its other calls check it).
 *
 * Wrong on purpose, to be rejected: NO_DOOR (openers), OWN_SET_UNCHECKED, COMPLETE_FOR_ANOTHER_SET, JUDGE_BY_NEW_SET
 * (the set in the word counts as lost only if this call made its own), ADOPT_IN_USE, LOST_UNTOLD, CREATE_BY_STORE,
 * READY_EARLY, READY_BY_STORE, LEAVE_HALF_MADE, LEAVE_REMOVED, COUNT_BEFORE_REMOVING, COUNT_ATTACHED_ONLY,
 * STATE_BEFORE_ATTACH (by the reader), READER_IGNORES_SET, REMOVE_WITHOUT_DOOR, FORCE_UNTOLD, FORCE_BEFORE_ASKING
 * (removed is stored, and put back if the kernel refuses), TELL_WHEN_GONE (a handle whose set is gone stores removed).
 * With REFUSALS: FAILED_OPEN_REMOVES_ITS_SET (the one that it made, whoever sits in it), FAILED_OPEN_REMOVES_NAMED_SET
 * (it made the set and nobody sits in it, but the object names it), REMOVE_UNATTACHED (a blank segment that its maker
 * could not attach). With LAST_DETACH: CLOSE_BY_SEATS (a seat counts without an attachment, too, and is left outside
 * the door). With three processes: REMOVING_BY_STORE, READY_AGAIN_BY_STORE. With SETS_MARKED: JUDGE_BY_ID (an owner is
 * judged without comparing the mark), LEAVE_BY_ID (the door is left without comparing it).
 * Limits of the design, rejected too: IDS_REUSED alone (the word holds the bare id); LOST_ONLY_TO_USERS (after a loss,
 * an attached process that has no handle is enough to have the value discarded).
 */
#ifndef PROCESSES
#define PROCESSES 2
#endif
#ifndef DEATHS
#define DEATHS 1
#endif
#ifndef LOST
#define LOST 1
#endif
#define OPENER 0
#define READER 1
#define LOOKER 2
#define REMOVER 3
#define FORCED_REMOVER 4
#ifndef MOST
#define MOST FORCED_REMOVER
#endif
#define ALL (PROCESSES + 1)
#define SEGMENTS 5
#define SETS 6

#define BLANK 0
#define CONSTRUCTING 1
#define READY 2
#define REMOVING 3
#define REMOVED 4
/* Which set a system call reaches that is given the id of this one. */
#define to_the_new_one(set) (gone[set] -> set_key : set)
#define to_none(set) (gone[set] -> 0 : set)
#ifndef IDS_REUSED
#define id(set) (set)
#define entered(set) to_none(set)
#define reached(set) to_none(set)
#else
#define entered(set) to_the_new_one(set)
#ifdef SETS_MARKED
#define id(set) (set)
#define reached(set) to_none(set)
#else
#define id(set) 1
#define reached(set) to_the_new_one(set)
#endif
#endif
#ifdef JUDGE_BY_ID
#define judged(set) entered(set)
#else
#define judged(set) reached(set)
#endif
#ifdef GUESTS
#define may_be_a_guest(p) ((p) < PROCESSES)
#else
#define may_be_a_guest(p) false
#endif
#define WORD(state, set) ((state) * 8 + id(set))
#define state_of(w) ((w) / 8)
#define set_of(w) ((w) % 8)
#define is_removed(s) (state_of(word[s]) == REMOVED)
#define exists(s) (segment_key == s || attached[s])
#define names(s, set) (!is_removed(s) && set_of(word[s]) == id(set))
#define somebody_sits(set) (seat[0] == set || seat[1] == set || seat[2] == set || seat[ALL - 1] == set)
#define sits_beside(q, p, set) ((q) != (p) && seat[q] == set)
#define somebody_else_sits(p, set) \
  (sits_beside(0, p, set) || sits_beside(1, p, set) || sits_beside(2, p, set) || sits_beside(ALL - 1, p, set))
#define another_holds(p, set) (lock[s] && lock[s] != p + 1 && seat[lock[s] - 1] == set)
#define lost_its_seat(p) (!place[p] && !seat[p])

byte segment_key = 0, segments = 0;  /* the segment under the key; how many were made */
byte word[SEGMENTS + 1];             /* the life word */
byte attached[SEGMENTS + 1];         /* shm_nattch */
byte lock[SEGMENTS + 1];             /* 0, or 1 + owner */

byte set_key = 0, sets = 0;          /* the set under the key; how many were made */
bit gone[SETS + 1];
bit by_hand[SETS + 1];               /* removed from outside, not by a process of the model */
byte door[SETS + 1];                 /* 0, or 1 + the process inside */

byte place[ALL];                     /* the segment that the process is attached to */
byte seat[ALL + 1];                  /* the set that it sits in; the last entry is a process that died long ago */
bit dead[ALL];
byte deaths = 0, lost = 0, ended = 0;

/* For the assertions only. */
byte handle[ALL];                    /* the segment of an open handle */
byte handle_set[ALL];                /* the set of a read-write handle */
byte building[ALL];                  /* the segment that the process is constructing */
byte inside[ALL];                    /* the segment whose lock it holds */
bit constructed[SEGMENTS + 1];
bit written[SEGMENTS + 1];           /* a user has stored a value */
bit unused[SEGMENTS + 1];            /* removed as unused */
bit any_written = 0;
bit excused = 0;                     /* a value was discarded as the rules say */
bit limited = 0;                     /* a process stopped because SEGMENTS or SETS were used up */
#ifdef LAST_DETACH
bit was_open[SEGMENTS + 1];          /* somebody had a read-write handle */
bit may_stay = 0;                    /* somebody died, could not retire the object, or kept it from being retired */
#define MAY_STAY may_stay = 1
#else
#define MAY_STAY skip
#endif

inline detach(p) {
  d_step { attached[place[p]]--; place[p] = 0 }
}

inline remove_segment(s) {
  d_step { segment_key = (segment_key == s -> 0 : segment_key) }
}

/* A set is not removed while a handle of an object that is not removed sits in it. */
inline remove_set(x) {
  d_step {
    for (i : 0 .. ALL - 1) { assert(!handle[i] || seat[i] != x || is_removed(handle[i])) };
    i = 0
  };
  set_goes(x)
}

inline set_goes(x) {
  d_step {
    gone[x] = 1; door[x] = 0; set_key = (set_key == x -> 0 : set_key);
    for (i : 0 .. ALL - 1) { seat[i] = (seat[i] == x -> 0 : seat[i]) };
    i = 0
  }
}

#define HAPPENS_TO(p)                                                                       \
  :: d_step { deaths < DEATHS && !dead[p] && (place[p] || seat[p] || in_door(p)) ->         \
       deaths++; dead[p] = 1; MAY_STAY;                                                     \
       handle[p] = 0; handle_set[p] = 0; building[p] = 0; inside[p] = 0;                    \
       if :: place[p] -> attached[place[p]]--; place[p] = 0 :: else fi }                    \
  :: d_step { dead[p] && (seat[p] || in_door(p)) ->                                         \
       seat[p] = 0;                                                                         \
       for (i : 1 .. SETS) { door[i] = (door[i] == p + 1 -> 0 : door[i]) };                 \
       i = 0 }
#define in_door(p) (door[1] == p + 1 || door[2] == p + 1 || door[3] == p + 1 || \
                    door[4] == p + 1 || door[5] == p + 1 || door[6] == p + 1)

active proctype kernel() {
  byte i, x;
end:
  do
  HAPPENS_TO(0) HAPPENS_TO(1)
#if PROCESSES > 2
  HAPPENS_TO(2)
#endif
  :: deaths < DEATHS -> deaths = DEATHS
  :: atomic { lost < LOST && set_key -> lost++; MAY_STAY; x = set_key; by_hand[x] = 1; set_goes(x); x = 0 }
  od
}

/* A handle is given to the user; set is 0 for a read-only one. */
inline give(p, set) {
  d_step {
    assert(constructed[s] && !unused[s]);
    handle[p] = s; handle_set[p] = set;
    for (i : 0 .. ALL - 1) {
      assert(building[i] != s);
      assert(!handle[i] || handle[i] == s || is_removed(handle[i]) || is_removed(s));
      assert(!set || handle[i] != s || !handle_set[i] || handle_set[i] == set || is_removed(s))
    };
    i = 0
  }
}

inline construct(p) {
  d_step {
    building[p] = s; constructed[s] = 0;
    assert(!written[s]);
    for (i : 0 .. ALL - 1) { assert(handle[i] != s && (i == p || building[i] != s)) };
    i = 0
  };
  d_step { constructed[s] = 1; building[p] = 0 }
}

/* A word that names another set is changed only if that set is lost, and the object adopted only without users. */
inline check_judgement(from, to) {
  d_step {
    if
    :: state_of(from) != BLANK && set_of(from) != id(found) ->
      assert(gone[set_of(from)]);
      for (i : 0 .. ALL - 1) { assert(state_of(to) != READY || handle[i] != s || !handle_set[i]) };
      i = 0
    :: else
    fi
  }
}

/* Discarded because the set was removed from outside, and another process is attached. */
inline excuse(from) {
#if !defined(IDS_REUSED) || defined(SETS_MARKED)
  assert(by_hand[set_of(from)]);
#endif
#ifdef LOST_ONLY_TO_USERS
  d_step {
    for (i : 0 .. ALL - 1) { excused = excused || handle[i] == s };
    i = 0;
    assert(excused)
  }
#else
  excused = 1
#endif
}

#if defined(JUDGE_BY_NEW_SET) || defined(FAILED_OPEN_REMOVES_ITS_SET) || \
  defined(FAILED_OPEN_REMOVES_NAMED_SET)
#define NEW_SETS_NOTED
#endif
#ifdef NEW_SETS_NOTED
#define MADE(value) is_new = value
#define VARIANT_BITS bit is_new;
#else
#define MADE(value) skip
#endif
#ifdef LEAVE_BY_ID
#define WITHIN(value) within = value
#define VARIANT_BITS bit within;
#else
#define WITHIN(value) skip
#endif
#ifndef VARIANT_BITS
#define VARIANT_BITS
#endif

#define MAKE_SET(otherwise)                                    \
  atomic {                                                     \
    if                                                         \
    :: set_key -> goto otherwise                               \
    :: sets == SETS -> limited = 1; goto refused               \
    :: else -> sets++; set_key = sets; found = sets; MADE(1)   \
    fi                                                         \
  }

#define ENTER_DOOR(p, otherwise)                               \
  atomic {                                                     \
    !entered(found) || !door[entered(found)];                  \
    if                                                         \
    :: !entered(found) -> goto otherwise                       \
    :: else -> found = entered(found); door[found] = p + 1; WITHIN(1) \
    fi                                                         \
  }

#define ATTACH(p, otherwise)                                   \
  atomic {                                                     \
    if                                                         \
    :: exists(s) -> attached[s]++; place[p] = s                \
    :: else -> goto otherwise                                  \
    fi                                                         \
  }

/* By the id; then the mark is compared. */
#if defined(IDS_REUSED) && defined(SETS_MARKED)
#define SIT_DOWN(p, otherwise)                                 \
  atomic {                                                     \
    if                                                         \
    :: !entered(found) -> goto otherwise                       \
    :: else -> seat[p] = entered(found)                        \
    fi                                                         \
  };                                                           \
  atomic {                                                     \
    if                                                         \
    :: seat[p] != found -> goto otherwise                      \
    :: else                                                    \
    fi                                                         \
  }
#else
#define SIT_DOWN(p, otherwise)                                 \
  atomic {                                                     \
    if                                                         \
    :: !reached(found) -> goto otherwise                       \
    :: else -> found = reached(found); seat[p] = found         \
    fi                                                         \
  }
#endif

/* Compare and swap. */
#define CHANGE(from, to, otherwise)                            \
  atomic {                                                     \
    if                                                         \
    :: word[s] == (from) ->                                    \
      check_judgement(from, to); word[s] = (to); w = (to)      \
    :: else -> goto otherwise                                  \
    fi                                                         \
  }

/* After reading a word with another set: this process is still inside its door, so the set in the word is the older
 * one, and lost. */
#ifdef OWN_SET_UNCHECKED
#define CHECK_DOOR(p, otherwise) skip
#else
#define CHECK_DOOR(p, otherwise)                               \
  atomic {                                                     \
    if                                                         \
    :: door[found] != p + 1 -> goto otherwise                  \
    :: else                                                    \
    fi                                                         \
  }
#endif

/* Start again: detach, leave seat and door, and leave the rest as it was found. */
inline let_go(p) {
  d_step {
    if :: place[p] -> attached[place[p]]--; place[p] = 0 :: else fi;
    building[p] = 0;
    inside[p] = 0;
    seat[p] = 0
  };
#ifdef LEAVE_BY_ID
  d_step { door[to_the_new_one(found)] = (within -> 0 : door[to_the_new_one(found)]); within = 0 };
#endif
  d_step { door[found] = (door[found] == p + 1 -> 0 : door[found]); found = 0; s = 0; w = 0; count = 0 }
}

/* A call that fails removes its set if nobody sits in it and no object names it. */
inline fail(p) {
  atomic {
    count = 1;
    if
#ifdef FAILED_OPEN_REMOVES_ITS_SET
    :: is_new -> count = 0
#endif
    :: door[found] != p + 1 || somebody_sits(found)
#ifdef FAILED_OPEN_REMOVES_NAMED_SET
    :: !is_new
#else
    :: segment_key && (place[p] != segment_key || names(segment_key, found))
#endif
    :: may_be_a_guest(p)
    :: else -> count = 0
    fi
  };
  if
  :: count == 0 -> remove_set(found)
  :: else -> count = 0
  fi
}

#ifdef REFUSALS
#define MAY_FAIL(p)                                            \
  if                                                           \
  :: true                                                      \
  :: p < PROCESSES -> goto failed                              \
  fi
#else
#define MAY_FAIL(p) skip
#endif

/* The right to remove is asked of the kernel. */
#ifdef GUESTS
#define ASK(p)                                                 \
  if                                                           \
  :: true                                                      \
  :: may_be_a_guest(p) -> goto failed                          \
  fi
#else
#define ASK(p) skip
#endif

#define CHANGED 255

/* The word was (ready or removing, found). Afterwards w is (ready, found), (removed, found) or CHANGED. */
inline retire_if_unused(p) {
#ifdef COUNT_BEFORE_REMOVING
  count = attached[s];
#endif
  atomic {
    if
#ifndef REMOVING_BY_STORE
    :: word[s] != w -> w = CHANGED
#endif
    :: else -> word[s] = WORD(REMOVING, found); w = WORD(REMOVING, found)
    fi
  };
  if
  :: w != CHANGED ->
#ifndef COUNT_BEFORE_REMOVING
    count = attached[s];
#endif
#ifndef COUNT_ATTACHED_ONLY
    count = count + another_holds(p, found);
#endif
    atomic {
      if
#ifdef READY_AGAIN_BY_STORE
      :: word[s] != w && count == 1 -> w = CHANGED
#else
      :: word[s] != w -> w = CHANGED
#endif
      :: else ->
        if
        :: count > 1 -> word[s] = WORD(READY, found); w = WORD(READY, found)
        :: else ->
          word[s] = WORD(REMOVED, found); w = WORD(REMOVED, found);
          d_step {
            for (i : 0 .. ALL - 1) { assert(handle[i] != s && (inside[i] != s || lost_its_seat(i))) };
            i = 0;
            unused[s] = 1; excused = 1
          }
        fi
      fi
    };
    count = 0;
    if
    :: w == WORD(REMOVED, found) -> remove_segment(s)
    :: else
    fi
  :: else -> count = 0
  fi
}

inline open(p) {
  skip;
opening:
  atomic { found = set_key; MADE(0) };
  if
  :: found == 0 -> MAKE_SET(open_again)
  :: else
  fi;
#ifndef NO_DOOR
  ENTER_DOOR(p, open_again);
#endif
  s = segment_key;
  if
  :: s == 0 ->
    if
    :: somebody_sits(found) -> ASK(p); remove_set(found); goto open_again  /* their segment is gone */
    :: else
    fi;
    MAY_FAIL(p);
    atomic {
      if
      :: segment_key -> goto open_again
      :: segments == SEGMENTS -> limited = 1; goto refused
      :: else -> segments++; s = segments; segment_key = s
      fi
    }
  :: else
  fi;
#ifdef REFUSALS
  if
  :: true
#ifdef REMOVE_UNATTACHED
  :: p < PROCESSES && door[found] == p + 1 && word[s] == BLANK && !attached[s] -> remove_segment(s); goto failed
#endif
  :: p < PROCESSES -> goto failed  /* it cannot attach, and leaves a blank segment that it made */
  fi;
#endif
  ATTACH(p, open_again);
  w = word[s];
  MAY_FAIL(p);
  if
  :: set_of(w) != id(found) && state_of(w) != BLANK && state_of(w) != REMOVED ->
    CHECK_DOOR(p, open_again);
    if
    :: state_of(w) == CONSTRUCTING ->
#ifdef COMPLETE_FOR_ANOTHER_SET
      CHANGE(w, WORD(CONSTRUCTING, found), open_again)
#elif defined(JUDGE_BY_NEW_SET)
      if
      :: is_new -> CHANGE(w, WORD(REMOVED, found), open_again)
      :: else -> CHANGE(w, WORD(CONSTRUCTING, found), open_again)
      fi
#else
      ASK(p);
      CHANGE(w, WORD(REMOVED, found), open_again)
#endif
    :: else ->
      count = attached[s];
      if
#ifdef ADOPT_IN_USE
      :: true ->
#else
      :: count == 1 ->
#endif
        CHANGE(w, WORD(READY, found), open_again)
      :: else ->
#ifdef LOST_UNTOLD
        w = WORD(REMOVED, found)
#else
        ASK(p);
        atomic {
          if
          :: word[s] == w ->
            check_judgement(w, WORD(REMOVED, found));
            excuse(w);
            word[s] = WORD(REMOVED, found); w = WORD(REMOVED, found)
          :: else -> goto open_again
          fi
        }
#endif
      fi;
      count = 0
    fi
  :: else
  fi;
  if
#ifdef LEAVE_HALF_MADE
  :: state_of(w) == CONSTRUCTING -> goto refused
#endif
#ifdef LEAVE_REMOVED
  :: state_of(w) == REMOVED -> goto refused
#endif
  :: state_of(w) == REMOVED -> ASK(p); remove_segment(s); goto open_again
  :: state_of(w) == BLANK && attached[s] > 1 -> goto open_again  /* perhaps its creator, in a lost set */
  :: state_of(w) == BLANK || state_of(w) == CONSTRUCTING ->
    if
    :: state_of(w) == BLANK ->
#ifdef CREATE_BY_STORE
      word[s] = WORD(CONSTRUCTING, found)
#else
      CHANGE(w, WORD(CONSTRUCTING, found), open_again)
#endif
    :: else  /* in our own set: we hold its creator's door, so it is dead */
    fi;
#ifdef READY_EARLY
    CHANGE(WORD(CONSTRUCTING, found), WORD(READY, found), open_again);
#endif
    construct(p);
#ifdef REFUSALS
    if
    :: true
    :: p < PROCESSES ->
      ASK(p);
      CHANGE(WORD(CONSTRUCTING, found), WORD(REMOVED, found), open_again);
      remove_segment(s);
      goto failed
    fi;
#endif
    SIT_DOWN(p, open_again);
#ifdef READY_BY_STORE
    word[s] = WORD(READY, found)
#elif !defined(READY_EARLY)
    CHANGE(WORD(CONSTRUCTING, found), WORD(READY, found), open_again)
#endif
  :: else ->
    if
    :: state_of(w) == REMOVING -> CHANGE(w, WORD(READY, found), open_again)
    :: else
    fi;
#ifdef LAST_DETACH
    count = attached[s];
    if
    :: count == 1 ->
      retire_if_unused(p);
      if
      :: state_of(w) != READY -> goto open_again
      :: else
      fi
    :: count > 1 -> count = 0
    :: count == 1 && may_be_a_guest(p) ->
      CHANGE(w, WORD(REMOVING, found), open_again);
      count = attached[s] + another_holds(p, found);
      atomic {
        if
        :: word[s] != w -> goto open_again
        :: word[s] == w && count > 1 -> word[s] = WORD(READY, found); w = WORD(READY, found); count = 0
        :: word[s] == w && count == 1 ->
          word[s] = WORD(CONSTRUCTING, found);
          d_step {
            for (i : 0 .. ALL - 1) { assert(handle[i] != s && (inside[i] != s || lost_its_seat(i))) };
            i = 0;
            was_open[s] = 0; written[s] = 0; excused = 1
          };
          goto open_again  /* and constructs it again */
        fi
      }
    fi;
#endif
    MAY_FAIL(p);
    SIT_DOWN(p, open_again)
  fi;
  goto opened;
open_again:
  let_go(p);
  goto opening;
opened:
  give(p, found);
#ifdef LAST_DETACH
  was_open[s] = 1;
#endif
#ifdef LEAVE_BY_ID
  d_step { door[entered(found)] = 0; within = 0 };
#endif
  d_step { door[found] = 0; w = 0 }
}

/* One locked section. The owner of the lock is judged by the seats of the handle's own set. */
inline use(p) {
  skip;
locking:
  atomic {
    if
    :: lock[s] == 0 -> lock[s] = p + 1; goto locked
    :: else -> owner = lock[s]
    fi
  };
  atomic {
    if
    :: !judged(found) -> owner = 0; goto set_is_gone
    :: judged(found) && seat[owner - 1] == judged(found) -> count = 1
    :: judged(found) && seat[owner - 1] != judged(found) -> count = 0
    :: p < PROCESSES -> seat[p] = 0; owner = 0; goto set_is_gone  /* the process is in another IPC namespace */
    fi
  };
  if
  :: count ->
    atomic {
      lock[s] != owner || !judged(found) || seat[owner - 1] != judged(found);
      count = 0; owner = 0;
      goto locking
    }
  :: else
  fi;
  atomic {
    if
    :: lock[s] == owner -> lock[s] = p + 1; owner = 0
    :: else -> owner = 0; goto locking
    fi
  };
locked:
  if
  :: is_removed(s) -> lock[s] = 0; goto used
  :: else
  fi;
  d_step {
    for (i : 0 .. ALL - 1) { assert(i == p || inside[i] != s || lost_its_seat(i)) };
    i = 0;
    inside[p] = s
  };
  if
  :: d_step { written[s] = 1; any_written = 1; inside[p] = 0 }
  :: p < PROCESSES ->  /* another thread closes the handle; the seat stays until the process ends */
    d_step { handle[p] = 0; handle_set[p] = 0; attached[s]--; place[p] = 0; MAY_STAY };
    goto refused
  fi;
  lock[s] = 0;
  if
  :: true -> goto used
  :: !judged(found)  /* when it posts a token */
  :: p < PROCESSES -> seat[p] = 0
  fi;
set_is_gone:
#ifdef TELL_WHEN_GONE
  atomic {
    if
    :: word[s] == WORD(READY, found) -> word[s] = WORD(REMOVED, found); excused = excused || gone[found]
    :: else
    fi
  };
#endif
used:
  skip
}

/* Detaches first. Then the wait at the door may time out; and the process attaches again, by the id. */
inline close(p) {
  d_step { handle[p] = 0; handle_set[p] = 0 };
  detach(p);
#ifdef LAST_DETACH
  atomic {
    if
    :: !reached(found) || door[reached(found)] -> may_stay = 1; goto leaving
    :: reached(found) && !door[reached(found)] -> found = reached(found); door[found] = p + 1
    :: reached(found) && door[reached(found)] -> !reached(found) || !door[reached(found)];
      if
      :: !reached(found) -> may_stay = 1; goto leaving
      :: else -> found = reached(found); door[found] = p + 1
      fi
    fi
  };
  atomic {
    if
#ifdef CLOSE_BY_SEATS
    :: somebody_else_sits(p, found) -> goto leaving
#else
    :: attached[s] && somebody_else_sits(p, found) -> goto leaving
#endif
    :: else
    fi
  };
  ATTACH(p, leaving);
  w = word[s];
  if
  :: may_be_a_guest(p) -> may_stay = 1
  :: w == WORD(READY, found) || w == WORD(REMOVING, found) ->
    retire_if_unused(p);
    if
    :: w == WORD(REMOVED, found) -> remove_set(found)
    :: else -> may_stay = 1  /* a reader or looker is attached */
    fi
  :: else -> may_stay = 1
  fi;
  detach(p);
leaving:
  skip;
#ifdef CLOSE_BY_SEATS
  d_step { door[found] = (door[found] == p + 1 -> 0 : door[found]) };
  seat[p] = 0
#else
  seat[p] = 0;
  d_step { door[found] = (door[found] == p + 1 -> 0 : door[found]) }
#endif
#else
  seat[p] = 0
#endif
}

inline observe(p) {
  skip;
observing:
  found = set_key;
  atomic {
    !reached(found) || !door[reached(found)];
    if
    :: found && !reached(found) -> goto observing
    :: else
    fi
  };
  s = segment_key;
  if
  :: s == 0 -> goto refused
  :: else
  fi;
#ifdef STATE_BEFORE_ATTACH
  w = word[s];
#endif
  ATTACH(p, observing);
#ifndef STATE_BEFORE_ATTACH
  w = word[s];
#endif
  if
  :: state_of(w) == READY
  :: else ->
    /* If the door is free after we have attached, the remover is dead, and the next one will count us. */
    atomic {
      if
      :: found && w == WORD(REMOVING, found) && !gone[found] && !door[found]
#ifdef READER_IGNORES_SET
      :: state_of(w) == REMOVING && (!found || (!gone[found] && !door[found]))
#endif
      :: else -> goto refused
      fi
    };
    if
    :: word[s] == w || state_of(word[s]) == READY
    :: else -> goto refused
    fi
  fi;
  give(p, 0);
  handle[p] = 0;
  detach(p)
}

/* list(), and remove() before it enters a door. */
inline look(p) {
  s = segment_key;
  if
  :: s == 0 -> goto refused
  :: else
  fi;
  ATTACH(p, refused);
  w = word[s];
  detach(p)
}

inline remove(p, by_force) {
  skip;
removing:
  found = set_key;
  if
  :: found == 0 && segment_key == 0 -> goto refused
#ifdef REMOVE_WITHOUT_DOOR
  :: found == 0 && segment_key -> goto without_door
#else
  :: found == 0 && segment_key -> MAKE_SET(remove_again)
#endif
  :: else
  fi;
  ENTER_DOOR(p, remove_again);
without_door:
  s = segment_key;
#ifdef REMOVE_WITHOUT_DOOR
  if
  :: found == 0 && set_key -> goto remove_again
  :: else
  fi;
#endif
  if
  :: s == 0 -> ASK(p); remove_set(found); goto refused
  :: else
  fi;
  ATTACH(p, remove_again);
  w = word[s];
  if
  :: by_force ->
#ifdef FORCE_BEFORE_ASKING
    word[s] = WORD(REMOVED, found);
    if
    :: true -> excused = 1
    :: true -> word[s] = w; goto refused
    fi;
#else
    if
    :: true
    :: true -> goto failed  /* no right to remove */
    fi;
#ifndef FORCE_UNTOLD
    d_step { word[s] = WORD(REMOVED, found); excused = 1 };
#endif
#endif
    remove_segment(s)
  :: else ->
    if
#ifdef REMOVE_WITHOUT_DOOR
    :: found == 0
#endif
    :: set_of(w) != id(found) && state_of(w) != BLANK && state_of(w) != REMOVED -> CHECK_DOOR(p, remove_again)
    :: else
    fi;
    ASK(p);
    if
    :: state_of(w) == BLANK || state_of(w) == CONSTRUCTING ->
      CHANGE(w, WORD(REMOVED, found), remove_again);
      remove_segment(s)
    :: state_of(w) == REMOVED -> remove_segment(s)
    :: else ->
      if
      :: set_of(w) != id(found) ->
        count = attached[s];
        if
        :: count > 1 -> goto failed
        :: else -> CHANGE(w, WORD(READY, found), remove_again)
        fi
      :: else
      fi;
      retire_if_unused(p);
      if
      :: w == CHANGED -> goto remove_again
      :: state_of(w) == REMOVED
      :: state_of(w) == READY -> goto failed
      fi
    fi
  fi;
  remove_set(found);
  goto refused;
remove_again:
  let_go(p);
  goto removing
}

proctype process(byte p; byte role) {
  byte found, s, w, count, owner, i;
  VARIANT_BITS
  {
    if
    :: role == OPENER -> open(p); use(p); close(p)
    :: role == READER -> observe(p)
    :: role == LOOKER -> look(p)
    :: role == REMOVER -> remove(p, 0)
    :: role == FORCED_REMOVER -> remove(p, 1)
    fi;
    goto refused;
failed:
    fail(p);
refused:
    let_go(p)
  } unless { dead[p] };
  ended++
}

/* Whatever was left, it gets in, finds the value, and removes everything. */
proctype last_one(byte p) {
  byte found, s, w, count, owner, i;
  VARIANT_BITS
  ended == PROCESSES && !seat[0] && !seat[1] && !seat[2];  /* seat[2] is its own if PROCESSES is 2 */
#ifdef LAST_DETACH
  assert(!segment_key || !was_open[segment_key] || may_stay || limited);
#endif
  open(p);
  assert(excused || !any_written || written[s]);
  use(p);
  close(p);
  remove(p, 0);
  goto refused;
failed:
  fail(p);
refused:
  assert((!set_key && !segment_key) || limited)
}

init {
  byte p, role;
  atomic {
    if
    :: true
    :: true -> sets = 1; set_key = 1
    :: true ->
      segments = 1; segment_key = 1; sets = 1;
      if
      :: word[1] = BLANK
      :: word[1] = WORD(CONSTRUCTING, 1)
      :: word[1] = WORD(READY, 1); constructed[1] = 1
      :: word[1] = WORD(REMOVING, 1); constructed[1] = 1
      :: word[1] = WORD(REMOVED, 1)
      fi;
      if
      :: constructed[1] -> lock[1] = 1 + ALL
      :: true
      fi;
      written[1] = constructed[1];
      any_written = constructed[1];
      if
      :: set_key = 1
      :: gone[1] = 1; by_hand[1] = 1
      :: gone[1] = 1; by_hand[1] = 1; sets = 2; set_key = 2
      fi
    fi;
    for (p : 0 .. PROCESSES - 1) {
      do  /* processes differ in nothing else, so in the order of their roles */
      :: role < MOST -> role++
      :: break
      od;
      run process(p, role)
    };
    role = 0;
    run last_one(PROCESSES)
  }
}
