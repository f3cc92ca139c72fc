/* Notifications: a bit a source, that waits for its receiver; from processes that end, and whose slots are taken again, to a thread
 * that starts, moves, receives and dies.
 *
 * Mirrors kernel/core/ipc/notify.cpp (each inline has the name of its function), the order of receive_next() in ipc/receive.cpp, and of
 * objects/{death,process_table}.cpp and sched/migration.cpp what concerns it: Start, Arrive, Stop, and the counts of ended
 * processes. Processes 0 and 1, on CPU 0 and 1, notify thread D; 0 may be killed, and its slot is taken again. D is created on CPU 0
 * and started there by mail; it is placed on either CPU, may move, waits for anybody, for process 0 in particular, or for a reply
 * that nothing may come between, and may be killed. What D reads of processes is read step by step, for they end elsewhere.
 *
 * Checked: D gets only what was sent and not yet received, from who sent it; what a living process has sent is not lost: in the end D
 * does not wait while such a bit is there that it would take; a sender hears "none" exactly if the bit was set; a started thread
 * runs, once, unless it was killed; no node is in two mailboxes.
 */
/* MUTANT_1: what was pending of a process is taken for its successor's. MUTANT_2: its end is looked up before its name.
 * MUTANT_3: what is void is not dropped before another bit is added. MUTANT_4: a thread begins to wait without a look at its bits.
 * MUTANT_5: a bit that was set does not wake its receiver. MUTANT_6: a notification comes between a request and its reply.
 * MUTANT_7: bits that `from` does not admit are dropped. MUTANT_8: a process counts as ended before what it sent was delivered.
 * MUTANT_9: mail for a thread that has moved is handled where it arrives. MUTANT_10: a Stop on the way is forgotten on arrival. */
#define ANY 255
#define NOBODY 0
#define NONE 1
#define DEAD 2

#define STOP_D 1
#define ARRIVE 2
#define STOP_0 4

mtype = { Free, Stopped, Ready, Receiving, Asking, Finishing, Dead };
mtype:mail = { Start, Arrive, StopD, Stop0, Notify0, Notify1, Completed0, Completed1 };
chan mail[2] = [6] of { mtype:mail };
byte posted;

/* Processes with their first threads. */
mtype state[2] = Ready;
byte name[2] = 1;              /* of the first thread; NOBODY when it has ended */
byte first_name[2] = 1;        /* Process::first_thread: stays until the slot is taken again */
byte ended[2], ended_processes;
bit ending[2], asking_out[2];
byte answer[2], left[2] = 1;

/* D. */
mtype d_state = Stopped;
byte d_name = 1, d_home, receive_from;
bit in_transit, stop_on_arrival, notified[2];
byte notified_as_of, moves = 1, starts;
bit started, killed;

byte sent[2];                  /* the truth: who has sent what D has not received */

inline post(cpu, kind, node) { assert((posted & node) == 0); posted = posted | node; mail[cpu]!kind }

/* ---- notify.cpp ---- */

#define is_void(s) (ended[s] > notified_as_of)

inline drop_void() {
#ifndef MUTANT_3
  now = ended_processes;
  if
  :: now != notified_as_of ->
     if
     :: notified[0] && is_void(0) -> notified[0] = 0; sent[0] = 0
     :: else
     fi;
     if
     :: notified[1] && is_void(1) -> notified[1] = 0; sent[1] = 0
     :: else
     fi;
     notified_as_of = now
  :: else
  fi;
  now = 0
#else
  notified_as_of = ended_processes
#endif
}

/* taken: whether D has got one. */
inline take_from(s, from) {
  if
  :: !taken && notified[s] ->
#ifdef MUTANT_2
     dropped = is_void(s);
     source = first_name[s];
#else
     source = first_name[s];
     dropped = is_void(s);
#endif
#ifdef MUTANT_1
     dropped = 0;
#endif
     atomic {
       if
       :: !dropped && from != ANY && from != source ->
#ifdef MUTANT_7
          notified[s] = 0
#endif
          skip
       :: dropped -> assert(name[s] != sent[s]); notified[s] = 0; sent[s] = 0
       :: else -> assert(sent[s] == source); notified[s] = 0; sent[s] = 0; taken = 1
       fi;
       source = 0; dropped = 0
     }
  :: else
  fi
}

inline take_notification(from) { taken = 0; take_from(0, from); take_from(1, from) }

inline wake_receiver() {
  if
#ifdef MUTANT_6
  :: d_state == Receiving || d_state == Finishing ->
     assert(d_state == Receiving);
#else
  :: d_state == Receiving ->
#endif
#ifndef MUTANT_5
     take_notification(receive_from);
     if
     :: taken -> d_state = Ready; receive_from = 0
     :: else
     fi;
     taken = 0
#endif
     skip
  :: else
  fi
}

inline deliver_notification(s) {
  drop_void();
  atomic { assert(sent[s] == NOBODY || sent[s] == name[s] || name[s] == NOBODY); notified[s] = 1; sent[s] = first_name[s] };
  wake_receiver()
}

/* The trap, of process s on its CPU. */
inline notify(s) {
  if
  :: d_name == NOBODY -> answer[s] = DEAD; left[s]--
  :: d_name != NOBODY && d_home == me -> left[s]--; deliver_notification(s)
  :: else -> atomic { left[s]--; state[s] = Asking; asking_out[s] = 1; mail[d_home]!(s == 0 -> Notify0 : Notify1) }
  fi
}

inline on_notify(s) {
  if
  :: d_name == NOBODY -> answer[s] = DEAD
  :: else -> deliver_notification(s); answer[s] = NONE
  fi;
  atomic { mail[s]!(s == 0 -> Completed0 : Completed1) }
}

inline on_completed(s) {
  atomic {
    asking_out[s] = 0;
    if
    :: ending[s] -> finish(s)
    :: else -> state[s] = Ready
    fi
  }
}

/* ---- processes that end: process_is_stopped() ---- */

inline finish(s) { ending[s] = 0; state[s] = Dead; ended_processes++; ended[s] = ended_processes }

inline on_stop_0() {
  atomic {
    name[0] = NOBODY;
    if
    :: d_state == Receiving && receive_from == first_name[0] -> d_state = Ready; receive_from = 0  /* PartnerDied */
    :: else
    fi;
    if
#ifndef MUTANT_8
    :: state[0] == Asking -> ending[0] = 1
#endif
    :: else -> finish(0)
    fi
  }
}

/* ---- D's life ---- */

inline depart(cpu) { in_transit = 1; d_home = cpu; post(cpu, Arrive, ARRIVE) }

inline end_d() {
  if
  :: in_transit -> stop_on_arrival = 1
  :: else -> d_name = NOBODY; d_state = Dead; sent[0] = 0; sent[1] = 0
  fi
}

inline on_start() {
  if
  :: d_state == Stopped ->
     starts++; assert(starts == 1);
     if
     :: d_state = Ready
     :: d_state = Ready; depart(1 - me)
     fi
  :: else
  fi
}

inline arrive() {
  in_transit = 0;
#ifndef MUTANT_10
  if
  :: stop_on_arrival -> end_d()
  :: else
  fi
#endif
}

/* Receive: notifications first; then D waits. */
inline receive(from) {
#ifndef MUTANT_4
  take_notification(from);
#endif
  atomic {
    if
    :: taken -> taken = 0
    :: !taken && from != ANY && name[0] != from            /* DeadSourceOrDestination */
    :: else -> d_state = Receiving; receive_from = from
    fi
  }
}

#define d_runs (d_home == me && d_state == Ready && !in_transit && d_name != NOBODY)

proctype Cpu(byte me) {
  byte source, now, who;
  bit taken, dropped;
  mtype:mail kind;
end:
  do
  :: atomic { nempty(mail[me]) -> mail[me]?kind };
     if
#ifndef MUTANT_9
     :: (kind == Notify0 || kind == Notify1) && d_home != me -> mail[d_home]!kind
     :: kind == StopD && d_home != me -> mail[d_home]!kind
#endif
     :: else ->
        if
        :: kind == Notify0 -> assert(d_home == me); on_notify(0)
        :: kind == Notify1 -> assert(d_home == me); on_notify(1)
        :: kind == Completed0 -> on_completed(0)
        :: kind == Completed1 -> on_completed(1)
        :: kind == Stop0 -> on_stop_0()
        :: kind == Start -> atomic { on_start() }
        :: kind == Arrive -> atomic { posted = posted & (255 - ARRIVE); arrive() }
        :: kind == StopD -> atomic { assert(d_home == me); posted = posted & (255 - STOP_D); end_d() }
        fi
     fi;
     kind = 0
  :: me == 0 && state[0] == Ready && name[0] != NOBODY && left[0] > 0 -> notify(0)
  :: me == 1 && state[1] == Ready && name[1] != NOBODY && left[1] > 0 -> notify(1)
  :: d_runs ->
     if
     :: who = ANY; receive(ANY)
     :: atomic { name[0] != NOBODY -> who = name[0] }; receive(who)
     :: d_state = Finishing
     :: atomic { moves > 0 -> moves--; depart(1 - me) }
     fi;
     who = 0
  :: atomic { d_home == me && d_state == Finishing -> d_state = Ready }  /* the reply has come */
  od
}

/* Who has created D, and whoever kills; process slot 0 is taken again. */
proctype Manager() {
end:
  do
  :: atomic { !started -> started = 1; mail[d_home]!Start }
  :: atomic { started && !killed && d_name != NOBODY -> killed = 1; post(d_home, StopD, STOP_D) }
  :: atomic { (posted & STOP_0) == 0 && name[0] == 1 -> posted = posted | STOP_0; mail[0]!Stop0 }
  :: atomic { state[0] == Dead -> state[0] = Ready; name[0] = 2; first_name[0] = 2; left[0] = 1 }
  :: atomic { started -> break }  /* and nobody is killed any more */
  od
}

init {
  atomic { left[0] = 2; run Cpu(0); run Cpu(1); run Manager() }
  timeout ->
  assert(empty(mail[0]) && empty(mail[1]) && !in_transit);
  assert(starts == 1);
  assert(d_state == Receiving || d_state == Dead);
  assert(d_state == Dead || !(sent[0] != NOBODY && sent[0] == name[0] && (receive_from == ANY || receive_from == sent[0])));
  assert(d_state == Dead || !(sent[1] != NOBODY && sent[1] == name[1] && receive_from == ANY));
  assert(!stop_on_arrival || d_state == Dead)
}
