/* Answers to page faults: the worker of any CPU resumes a thread in VM's hands, beside stale answers, migration and death.
 *
 * Mirrors of kernel/core/ipc/worker.cpp hand_to_worker(), resume_thread(), post_resume(), ask_to_resume() and on_resume_asked();
 * of mail/handle_mail.cpp on_resume_mail() and where(); of objects/death.cpp end_thread(), finish_ending() and give_back();
 * name_thread() of objects/process_table.cpp; sched/migration.cpp. One thread T faults, moves between three CPUs, may be killed, and its
 * slot is taken again. Each CPU's worker may take what T's fault left and answer it, or answer once more what was answered before: VM
 * may dispatch a receipt twice. What a worker in the kernel does is split wherever another CPU can come in between.
 *
 * Checked: a fault that was answered is resumed, by the first answer that bears its number, once, and by no other; a worker whose
 * own node was away with its question goes on; T.resume lies in one mailbox at a time, is handled where T lives, and is back when the
 * slot is taken again.
 */
/* MUTANT_1 (once the code): an answer that finds T.resume away is dropped; a stale one may be what it is away with.
 * MUTANT_2: the number is not compared. MUTANT_3: a fault does not get a number of its own. MUTANT_4: mail for a thread that has moved
 * is handled where it arrives. MUTANT_5: a slot is taken again though its node is out. MUTANT_6: the node is given back before its
 * payload is read. MUTANT_7: a worker that asks does not wait for its own node. MUTANT_8: the answer of a question is dropped
 * where it is handled if T.resume is still away. */
#define NC 3
#define NOBODY 0

#define RESUME 1
#define ARRIVE 2
#define STOP 4

mtype = { Free, Ready, InVm, Dead };
mtype:mail = { Resume, Asked, Completed, Arrive, Stop };
chan mail[NC] = [5] of { mtype:mail, byte };   /* the byte: whose question */
byte posted;                                   /* T's nodes that lie in mailboxes */

/* T. */
mtype state = Ready;
byte name = 1, generation = 1, home = 1, number, nodes_out;
bit in_transit, stop_on_arrival, queued;
byte claimable = 1;                            /* T.resume: T's name, or NOBODY while it is away or closed */
byte node_target, node_number;                 /* its payload */
byte faults = 2, moves = 1, kills = 1;

/* Workers. */
bit asking[NC];
byte asked_target[NC], asked_number[NC];

/* VM's: faults that a worker has received and nobody answered yet; what was answered last, and stale answers still to come. */
chan tickets = [2] of { byte, byte };
byte last_name, last_number, stale = 2;

/* The truth about T's fault. */
bit answered;

inline post(cpu, kind, node) { assert((posted & node) == 0); posted = posted | node; mail[cpu]!kind, 0 }

/* ---- objects/death.cpp ---- */

inline thread_is_gone() {
  assert((posted & RESUME) == 0);
  state = Free
}

inline end_thread() {
  if
  :: name == NOBODY -> skip
  :: name != NOBODY && in_transit -> stop_on_arrival = 1
  :: else ->
     name = NOBODY; queued = 0; state = Dead;
     if
     :: claimable == generation -> claimable = NOBODY
     :: else ->
#ifndef MUTANT_5
        nodes_out++
#endif
        skip
     fi;
     if
     :: nodes_out == 0 -> thread_is_gone()
     :: else
     fi
  fi
}

inline give_back() {
  if
  :: state == Dead || state == Free ->
     nodes_out--;
     if
     :: nodes_out == 0 -> thread_is_gone()
     :: else
     fi
  :: else -> claimable = generation
  fi
}

/* ---- ipc/worker.cpp ---- */

/* On T's home, of one section. */
inline resume_here(n, s) {
  if
#ifdef MUTANT_2
  :: name == n && state == InVm && !queued ->
#else
  :: name == n && state == InVm && !queued && number == s ->
#endif
     assert(answered);                         /* not before its answer */
     answered = 0; state = Ready
  :: else
  fi
}

inline ask_to_resume(n, s) {
  atomic {
    assert(!asking[me]);                       /* its node is here */
    asking[me] = 1; asked_target[me] = n; asked_number[me] = s
  }
  mail[home]!Asked, me
}

inline resume_thread(n, s) {
  atomic {
    if
    :: name != n -> where_to = 0
    :: name == n && home == me -> resume_here(n, s); where_to = 0
    :: else -> where_to = 1
    fi
  }
  if
  :: where_to == 1 ->
     atomic {
       if
       :: claimable == n -> claimable = NOBODY; node_target = n; node_number = s; where_to = 2
       :: else
       fi
     }
     if
     :: where_to == 2 -> atomic { post(home, Resume, RESUME) }
     :: else ->
#ifdef MUTANT_1
        skip
#else
        ask_to_resume(n, s)
#endif
     fi
  :: else
  fi;
  where_to = 0
}

inline on_resume() {
#ifdef MUTANT_6
  atomic { give_back() }
  atomic { resume_here(node_target, node_number) }
#else
  atomic { resume_here(node_target, node_number) }
  atomic { give_back() }
#endif
}

inline on_asked(w) {
#ifdef MUTANT_8
  if
  :: claimable == NOBODY -> skip
  :: else -> resume_here(asked_target[w], asked_number[w])
  fi;
#else
  resume_here(asked_target[w], asked_number[w]);
#endif
  mail[w]!Completed, w
}

inline fault() {
#ifndef MUTANT_3
  number++;
#endif
  faults--; state = InVm; queued = 1; answered = 0
}

/* ---- sched/migration.cpp ---- */

inline depart(cpu) { in_transit = 1; home = cpu; post(cpu, Arrive, ARRIVE) }

inline arrive() {
  in_transit = 0;
  if
  :: stop_on_arrival -> stop_on_arrival = 0; end_thread()
  :: else
  fi
}

#define runs (home == me && state == Ready && !in_transit)

proctype Cpu(byte me) {
  byte who, what, where_to, cpu;
  mtype:mail kind;
end:
  do
  :: atomic {
       nempty(mail[me]) -> mail[me]?kind, who;
       if
       :: kind == Resume -> posted = posted & (255 - RESUME)
       :: kind == Arrive -> posted = posted & (255 - ARRIVE)
       :: kind == Stop -> posted = posted & (255 - STOP)
       :: else
       fi;
       if
#ifndef MUTANT_4
       :: kind == Resume && home != me -> post(home, Resume, RESUME); kind = Completed; who = NC
       :: kind == Asked && home != me -> mail[home]!Asked, who; kind = Completed; who = NC
       :: kind == Stop && home != me -> post(home, Stop, STOP); kind = Completed; who = NC
#endif
       :: else
       fi
     }
     if
     :: kind == Resume -> assert(home == me); on_resume()
     :: atomic { kind == Asked -> assert(home == me); on_asked(who) }
     :: atomic { kind == Completed -> if :: who == me -> asking[me] = 0 :: else fi }
     :: atomic { kind == Arrive -> arrive() }
     :: atomic { kind == Stop -> assert(home == me); end_thread() }
     fi;
     atomic { kind = 0; who = 0 }

  /* T. */
  :: atomic { runs && faults > 0 -> fault() }
  :: atomic { runs && moves > 0 -> moves--; cpu = (me + 1) % NC; depart(cpu); cpu = 0 }
  :: atomic { runs && moves > 0 -> moves--; cpu = (me + 2) % NC; depart(cpu); cpu = 0 }

  /* The worker of T's home receives the fault; any worker answers it, or what was answered before. */
  :: atomic { home == me && queued && !asking[me] -> queued = 0; tickets!name, number }
  :: atomic {
#ifdef MUTANT_7
       nempty(tickets) -> tickets?who, what;
#else
       nempty(tickets) && !asking[me] -> tickets?who, what;
#endif
       last_name = who; last_number = what;
       if
       :: who == name && what == number && state == InVm -> answered = 1
       :: else
       fi
     }
     resume_thread(who, what); atomic { who = 0; what = 0 }
  :: atomic {
#ifdef MUTANT_7
       stale > 0 && last_name != NOBODY -> stale--; who = last_name; what = last_number
#else
       stale > 0 && last_name != NOBODY && !asking[me] -> stale--; who = last_name; what = last_number
#endif
     }
     resume_thread(who, what); atomic { who = 0; what = 0 }
  od
}

/* Whoever kills, and whoever takes the slot again. Kills and stale answers may also fail to come: either would help a thread
 * that is forgotten in VM's hands. */
proctype Manager() {
end:
  do
  :: atomic { kills > 0 && name != NOBODY -> kills--; post(home, Stop, STOP) }
  :: atomic { kills > 0 -> kills = 0 }
  :: atomic { stale > 0 -> stale = 0 }
  :: atomic {
       state == Free && (posted & STOP) == 0 ->
       generation++; name = generation; claimable = generation; state = Ready; faults = 1
     }
  od
}

init {
  atomic { run Cpu(0); run Cpu(1); run Cpu(2); run Manager() }
  timeout ->
  assert(posted == 0 && empty(tickets) && !in_transit);
  assert(!asking[0] && !asking[1] && !asking[2]);
  assert(state == Ready);                      /* with no faults left; not in VM's hands for ever */
  assert(claimable == generation)
}
