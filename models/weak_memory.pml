/* Weak memory: the stores of one process reach memory in any order that release and fences allow.
 * SPDX-License-Identifier: MIT
 *
 * A store waits until memory takes it. A release store waits for all stores before it, but later ones
 * may overtake both; a release fence lets nothing overtake. The process itself sees its own stores at
 * once. Whoever dies loses what is still waiting, because a compiler may have put it later, too; so every
 * subset that the rules allow is left behind. Memory is one for all (x86, ARMv8, RISC-V).
 *
 * The model that includes this says how many LOCATIONS there are, at most 15, and what it has to note
 * when a store arrives: reached_memory(location).
 */
byte memory[LOCATIONS];
byte waiting[LOCATIONS];    /* the value of a store that memory has not taken yet */
short waits = 0;            /* a bit for each location with such a store */
short waits_for[LOCATIONS]; /* the stores that a release store has to come after */

#define is_waiting(l) ((waits >> (l)) & 1)
#define own(l) (is_waiting(l) -> waiting[l] : memory[l])

inline store(l, value) {
  atomic { !is_waiting(l) -> waiting[l] = value; waits = waits | (1 << (l)) }
}

inline store_release(l, value) {
  atomic { !is_waiting(l) -> waits_for[l] = waits; waiting[l] = value; waits = waits | (1 << (l)) }
}

inline release_fence() { waits == 0 }

inline lose_waiting_stores(l) {
  d_step {
    for (l : 0 .. LOCATIONS - 1) { waiting[l] = 0; waits_for[l] = 0 };
    waits = 0
  }
}

#define TAKES(l)                                                                             \
  :: d_step { is_waiting(l) && waits_for[l] == 0 ->                                          \
       reached_memory(l);                                                                    \
       memory[l] = waiting[l]; waiting[l] = 0; waits = waits & ~(1 << (l));                  \
       for (other : 0 .. LOCATIONS - 1) { waits_for[other] = waits_for[other] & ~(1 << (l)) }; \
       other = 0 }

active proctype memory_system() {
  byte other;
end:
  do
  TAKES(0) TAKES(1) TAKES(2) TAKES(3) TAKES(4)
#if LOCATIONS > 5
  TAKES(5) TAKES(6) TAKES(7) TAKES(8)
#endif
#if LOCATIONS > 9
  TAKES(9) TAKES(10) TAKES(11)
#endif
  od
}
