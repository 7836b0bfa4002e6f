/* Door: opening, completing, removing and leaving by processes that die.
 * SPDX-License-Identifier: MIT
 *
 * Of include/shm/lifecycle/ and session/ (open, judge, create, observer, removal, retire, connection).
 *
 * PROCESSES processes use one name, OPERATIONS times each, and choose every time: open (or create), hold and
 * close it; open it read-only, hold and close it; remove it; remove it by force. Objects are persistent, or with
 * LAST_DETACH all vanish with the last handle, whose wait at the door may run out. Up to DEATHS processes die at
 * any step; the kernel first detaches the dead one and later, in another step, reverses its semaphores. At last
 * one process opens, closes and removes the object alone. With LOST sets are removed by hand, LOST times.
 *
 * Checked: every handle is on a constructed segment; two handles on different segments only if one of the two
 * says removed; nobody has a handle on a segment that is removed without force; nobody waits for ever; whatever
 * was left, the last opener gets in, and after its removal neither segment nor set is there.
 * Abstracted: trust, names, types, sizes, limits; open_only and create_only; memory order (the state is the only
 * word shared outside the door, and system calls lie between). At most SEGMENTS and SETS are made; who needs more
 * stops there.
 *
 * Wrong on purpose, to be rejected: SET_BEFORE_SEGMENT (removed in that order), STATE_BEFORE_ATTACH (by the
 * reader), COUNT_BEFORE_REMOVING, NO_DOOR (the opener does not enter), READY_EARLY, LEAVE_HALF_MADE (for others to
 * complete), LEAVE_REMOVED (a dead remover's segment), FORCE_UNTOLD,
 * DOOR_NOT_SOUGHT_AGAIN (by a reader or remover that found no set at first).
 */
#ifndef PROCESSES
#define PROCESSES 2
#endif
#ifndef OPERATIONS
#define OPERATIONS 1
#endif
#ifndef DEATHS
#define DEATHS 1
#endif
#ifndef LOST
#define LOST 0
#endif
#ifdef LAST_DETACH
#define VANISHES 1
#else
#define VANISHES 0
#endif
#define ALL (PROCESSES + 1)
#define SEGMENTS 4
#define SETS 5
#define BLANK 0
#define MAKING 1
#define READY 2
#define REMOVING 3
#define REMOVED 4

byte segment_key = 0, segments = 0;  /* what lies under the key; how many there were */
byte state[SEGMENTS + 1];
byte attached[SEGMENTS + 1];
byte set_in[SEGMENTS + 1];           /* the set's id in the header */
bit constructed[SEGMENTS + 1];
bit spared[SEGMENTS + 1];            /* removed without force */

byte set_key = 0, sets = 0;
bit gone[SETS + 1];
bit marked[SETS + 1];
byte door[SETS + 1];                 /* 0, or 1 + who is inside */
byte sitting[SETS + 1];

byte place[ALL];                     /* the segment that it is attached to */
byte seat[ALL];                      /* the set that it sits in */
byte handle[ALL];                    /* the segment of a handle that it was given */
bit dead[ALL];
byte deaths = 0, lost = 0, ended = 0;

#define exists(s) (segment_key == s || attached[s])

inline detach(p) {
  d_step { attached[place[p]]--; place[p] = 0 }
}

inline remove_set(s) {
  d_step {
    gone[s] = 1; marked[s] = 0; door[s] = 0; sitting[s] = 0;
    set_key = (set_key == s -> 0 : set_key)
  }
}

inline leave_door(p, s) {
  d_step { door[s] = (door[s] == p + 1 -> 0 : door[s]) }
}

inline leave_seat(p) {
  d_step {
    sitting[seat[p]] = (gone[seat[p]] -> 0 : sitting[seat[p]] - 1);
    seat[p] = 0
  }
}

inline undo(p) {
  if
  :: seat[p] -> leave_seat(p)
  :: else
  fi;
  for (i : 1 .. SETS) { door[i] = (door[i] == p + 1 -> 0 : door[i]) };
  i = 0
}

#define HAPPENS_TO(p)                                                                       \
  :: d_step { deaths < DEATHS && !dead[p] && (place[p] || seat[p] || inside(p)) ->          \
       deaths++; dead[p] = 1; handle[p] = 0;                                                \
       if :: place[p] -> attached[place[p]]--; place[p] = 0 :: else fi }                    \
  :: d_step { dead[p] && (seat[p] || inside(p)) -> undo(p) }
#define inside(p) (door[1] == p + 1 || door[2] == p + 1 || door[3] == p + 1 || door[4] == p + 1 || door[5] == p + 1)

active proctype kernel() {
  byte i;
end:
  do
  HAPPENS_TO(0) HAPPENS_TO(1)
#if PROCESSES > 2
  HAPPENS_TO(2)
#endif
  :: deaths < DEATHS -> deaths = DEATHS
  :: lost < LOST && set_key -> atomic { lost++; remove_set(set_key) }
  od
}

inline given(p, s) {
  d_step {
    assert(constructed[s] && !spared[s]);
    handle[p] = s;
    for (i : 0 .. ALL - 1) {
      assert(!handle[i] || handle[i] == s || state[handle[i]] == REMOVED || state[s] == REMOVED)
    };
    i = 0
  }
}

/* By whoever is attached once itself; retired tells whether. */
inline retire_if_unused(s) {
#ifdef COUNT_BEFORE_REMOVING
  count = attached[s];
  atomic { before = state[s]; state[s] = REMOVING };
#else
  atomic { before = state[s]; state[s] = REMOVING };
  count = attached[s];
#endif
  if
  :: count > 1 -> atomic { state[s] = (before == REMOVING -> READY : before); retired = 0 }
  :: else ->
    state[s] = REMOVED;
    d_step {
      for (i : 0 .. ALL - 1) { assert(handle[i] != s) };
      i = 0;
      spared[s] = 1;
      segment_key = (segment_key == s -> 0 : segment_key);
      retired = 1
    }
  fi;
  atomic { before = 0; count = 0 }
}

inline retire_by_force(s) {
#ifndef FORCE_UNTOLD
  state[s] = REMOVED;
#endif
  d_step { segment_key = (segment_key == s -> 0 : segment_key) }
}

inline open(p) {
  skip;
opening:
  atomic { found = set_key; is_new = 0; made = 0 };
  if
  :: found == 0 ->
    atomic {
      s = segment_key;
      if
      :: s -> attached[s]++; place[p] = s
      :: else
      fi
    };
    if
    :: s ->
      look = state[s];
      detach(p);
      if
      :: look == BLANK && !set_key -> goto refused
      :: else
      fi
    :: else
    fi;
    atomic {
      if
      :: set_key -> goto opening
      :: sets == SETS -> goto refused
      :: else -> sets++; set_key = sets; found = sets; is_new = 1; made = 1
      fi
    }
  :: else
  fi;
  atomic { marked[found] = !gone[found] };
#ifndef NO_DOOR
  atomic {
    gone[found] || !door[found];
    if
    :: gone[found] -> goto opening
    :: else -> door[found] = p + 1
    fi
  };
#endif
settling:
  atomic { s = segment_key; look = 0 };
  if
  :: s == 0 ->
    if
    :: !is_new && sitting[found] -> remove_set(found); goto opening
    :: else
    fi;
    atomic {
      if
      :: segment_key -> goto not_opened
      :: segments == SEGMENTS -> leave_door(p, found); goto refused
      :: else -> segments++; s = segments; segment_key = s; fresh = 1
      fi
    };
    atomic { attached[s]++; place[p] = s };
    goto constructing
  :: else
  fi;
  count = attached[s];
  atomic {
    if
    :: exists(s) -> attached[s]++; place[p] = s
    :: else -> goto settling
    fi;
    made = (set_in[s] == found -> 0 : made)
  };
  look = state[s];
  if
  :: look == BLANK || (look == MAKING && (!is_new || count == 0)) ->
#ifdef LEAVE_HALF_MADE
    detach(p); leave_door(p, found); goto refused
#else
    goto constructing
#endif
  :: look == REMOVED || (look == MAKING && is_new && count) ->
#ifdef LEAVE_REMOVED
    detach(p); leave_door(p, found); goto refused;
#endif
    d_step { segment_key = (segment_key == s -> 0 : segment_key) };
    detach(p);
    goto settling
  :: look == READY || look == REMOVING ->
    if
    :: VANISHES && count == 0 ->
      retire_if_unused(s);
      if
      :: retired -> retired = 0; detach(p); goto settling
      :: else
      fi
    :: else
    fi;
    if
    :: set_in[s] != found && count -> retire_by_force(s); detach(p); goto settling
    :: set_in[s] != found && !count -> set_in[s] = found
    :: else
    fi;
    if
    :: state[s] == REMOVING -> state[s] = READY
    :: else
    fi;
    atomic {
      if
      :: gone[found] -> detach(p); goto not_opened
      :: else -> sitting[found]++; seat[p] = found
      fi
    };
    goto opened
  fi;
constructing:
#ifdef READY_EARLY
  state[s] = READY;
#else
  state[s] = MAKING;
#endif
  atomic { constructed[s] = 0; set_in[s] = found };
  constructed[s] = 1;
  atomic {
    if
    :: gone[found] ->
      segment_key = (fresh && segment_key == s -> 0 : segment_key);
      detach(p);
      goto not_opened
    :: else -> sitting[found]++; seat[p] = found
    fi
  };
#ifndef READY_EARLY
  state[s] = READY;
#endif
  goto opened;
not_opened:
  if
  :: made -> remove_set(found)
  :: else -> leave_door(p, found)
  fi;
  atomic { count = 0; look = 0; fresh = 0; goto opening };
opened:
  given(p, s);
  leave_door(p, found);
  atomic { count = 0; look = 0; fresh = 0; made = 0; is_new = 0 }
}

/* Looks once or more whether it was told; whoever has lost the set tells the others. */
inline close(p) {
  if
  :: gone[seat[p]] -> state[s] = REMOVED
  :: else
  fi;
  handle[p] = 0;
  if
  :: VANISHES ->
    atomic {
      if
      :: gone[seat[p]] || door[found]
      :: !gone[seat[p]] && !door[found] -> door[found] = p + 1; made = 1
      fi
    };
    if
    :: made && state[s] != REMOVED -> retire_if_unused(s)
    :: else
    fi;
    if
    :: retired -> remove_set(found)
    :: else
    fi
  :: else
  fi;
  leave_seat(p);
  detach(p);
  leave_door(p, found);
  atomic { made = 0; retired = 0 }
}

inline observe(p) {
  skip;
observing:
  found = set_key;
  atomic {
    gone[found] || !marked[found] || !door[found];
    if
    :: gone[found] -> goto observing
    :: else
    fi
  };
  s = segment_key;
  if
  :: s == 0 -> goto refused
  :: else
  fi;
#ifdef STATE_BEFORE_ATTACH
  look = state[s];
#endif
  atomic {
    if
    :: exists(s) -> attached[s]++; place[p] = s
    :: else -> goto observing
    fi
  };
#ifndef STATE_BEFORE_ATTACH
  look = state[s];
#endif
  if
  :: look == READY
  :: look == BLANK && !found ->
    detach(p);
    if
    :: set_key && marked[set_key] -> goto observing
    :: else -> goto refused
    fi
  :: else ->
#ifndef DOOR_NOT_SOUGHT_AGAIN
    if
    :: !found && set_key -> detach(p); goto observing
    :: else
    fi;
#endif
    count = !found || !door[found];  /* free, or gone */
    look = state[s];
    if
    :: !count -> detach(p); goto observing
    :: else -> count = 0
    fi;
    if
    :: look == REMOVED || look == BLANK || look == MAKING -> detach(p); goto refused
    :: else
    fi
  fi;
  given(p, s);
  handle[p] = 0;
  detach(p)
}

inline remove(p, forced) {
  skip;
removing:
  found = set_key;
  if
  :: found ->
    marked[found] = !gone[found];
    atomic {
      gone[found] || !door[found];
      if
      :: gone[found] -> goto removing
      :: else -> door[found] = p + 1
      fi
    }
  :: else
  fi;
#ifdef SET_BEFORE_SEGMENT
  if
  :: found -> remove_set(found)
  :: else
  fi;
#endif
  s = segment_key;
  if
  :: s ->
#ifndef DOOR_NOT_SOUGHT_AGAIN
    if
    :: !found && set_key -> goto removing
    :: else
    fi;
#endif
    atomic {
      if
      :: exists(s) -> attached[s]++; place[p] = s
      :: else -> leave_door(p, found); goto removing
      fi
    };
    look = state[s];
    if
    :: look == BLANK && !found -> detach(p); goto refused
    :: forced || (look != READY && look != REMOVING) -> retire_by_force(s)
    :: else ->
      retire_if_unused(s);
      if
      :: !retired -> detach(p); leave_door(p, found); goto refused
      :: else -> retired = 0
      fi
    fi;
    detach(p)
  :: else
  fi;
  if
  :: found -> remove_set(found)
  :: else
  fi
}

proctype process(byte p) {
  byte found, s, count, look, before, i, operations;
  bit is_new, made, fresh, retired, by_force;
  {
    do
    :: operations == OPERATIONS -> break
    :: else ->
      operations++;
      if
      :: true -> open(p); close(p)
      :: true -> observe(p)
      :: true ->
        if
        :: true
        :: true -> by_force = 1
        fi;
        remove(p, by_force)
      fi;
refused:
      atomic { found = 0; s = 0; count = 0; look = 0; made = 0; is_new = 0; fresh = 0; retired = 0; by_force = 0 }
    od
  } unless { dead[p] };
  ended++
}

proctype last_one(byte p) {
  byte found, s, count, look, before, i;
  bit is_new, made, fresh, retired;
  ended == PROCESSES;
  open(p);
  close(p);
  remove(p, 0);
  assert(!segment_key && !set_key);
  goto done;
refused:
  assert(segments == SEGMENTS || sets == SETS);
done:
  skip
}

init {
  byte p;
  atomic {
    for (p : 0 .. PROCESSES - 1) { run process(p) };
    run last_one(PROCESSES)
  }
}
