/* Asynchronous messages: a table of the sender, letters that travel, receivers that ask.
 *
 * Mirrors kernel/core/ipc/{async_send,async_receive,async_entries}.cpp (each inline has the name of its function), and of
 * kernel/core/objects/death.cpp and kernel/core/sched/migration.cpp what concerns it. Thread S fills its two entries, and again those
 * that are done, and calls SendAsync; D receives from anybody, again and again. One of them may move to the other CPU and one may be
 * killed, at any moment, and its slot is taken again. Twice a page of the table may be absent for a while.
 *
 * Checked: no message is delivered twice, none to anybody but whom it is for; an entry's result tells the truth of the message that
 * lies in it; in order while no entry is filled again and no page is absent; no node is in two mailboxes, none out when its slot is
 * freed. In the end no entry is open: nothing is forgotten, be it that D sleeps while something is for it, or that D is dead.
 */
/* MUTANT_1: an entry fails by a death while it travels, and the letter's answer is taken for the next message in it.
 * MUTANT_2: a failure that cannot be written is later taken for a delivery. MUTANT_3: SendAsync offers an entry that travels.
 * MUTANT_4: an entry that travels is pulled, too. MUTANT_5: a pull that meets it does not start the offers over.
 * MUTANT_6: who does not wait does not remember the sender. MUTANT_7: a sender that has moved does not offer anew.
 * MUTANT_8: nobody tells the senders of a death. MUTANT_9: a slot is freed though its letter is out.
 * MUTANT_10: letters are handled where they arrive, not where their receiver is. MUTANT_11: there is more, but the source is forgotten.
 * MUTANT_12: an entry that was written counts as delivered though it holds another message by now. */
#define NC 2
#define ENTRIES 2
#ifndef MESSAGES
#define MESSAGES 3
#endif
#define NOBODY 0

/* Outcomes. */
#define NONE 1
#define DEAD 2
#define NOT_READY 3

/* Nodes, as bits of `posted`. */
#define LETTER 1
#define REQUEST 2
#define STOP_S 4
#define STOP_D 8
#define ARRIVE_S 16
#define ARRIVE_D 32
#define OBITUARY 64

mtype = { Free, Ready, Receiving, Asking, Dead };
mtype:mail = { Offer, Offered, Pull, Completed, StopS, StopD, ArriveS, ArriveD, PartnerDied };
chan mail[NC] = [7] of { mtype:mail };
byte posted;

typedef Thread {
  mtype state = Ready;
  byte name, gen, home;
  bit in_transit, stop_on_arrival, stop_posted, stop_handled, ending;
};
Thread S, D;

/* The table in S's memory, and the kernel's book of it. */
typedef Entry { byte id, to; bit done; };
Entry entry[ENTRIES];
bit table, taken[ENTRIES], owed[ENTRIES], restore;
bit out, stale, again;
byte letter_entry, letter_id, letter_to, letter_outcome;
/* D's. */
bit sources, watched, more, found, obituary_out;
byte obituary, request_to, request_from;

byte next_id = 1, moves = 1;
byte absent = 2;               /* so often may a page be found absent */

/* The truth, for the checks. */
bit delivered[MESSAGES + 1];
byte meant_for[MESSAGES + 1], last_delivered;
bit reordered;
bit again_trap;                /* S's trap is to be carried out anew */

inline post(cpu, kind, node) {
  assert((posted & node) == 0);
  posted = posted | node;
  mail[cpu]!kind
}

inline deliver(message, whom) {
  assert(!delivered[message] && meant_for[message] == whom);
  assert(reordered || message > last_delivered);
  delivered[message] = 1; last_delivered = message
}

/* ---- async_entries.cpp ---- */

inline read_entry() {
  if
  :: good = 1
  :: absent > 0 -> absent--; restore = 1; reordered = 1; good = 0
  fi
}

/* Its letter is on its way: nobody else settles it. */
#define letter_of(n) (out && !stale && letter_entry == (n))

#define waits(i) (entry[i].id != 0 && !entry[i].done)
#define is_open(i) (waits(i) && !taken[i])

inline finish_entry(n, how) {
  if
  :: absent > 0 ->
     absent--; restore = 1; reordered = 1;
     if
#ifdef MUTANT_2
     :: true -> taken[n] = 1; owed[n] = 1
#else
     :: how == NONE -> taken[n] = 1; owed[n] = 1
     :: else
#endif
     fi
  :: true ->
     taken[n] = 1; owed[n] = 0; entry[n].done = 1;
     assert((how == NONE && delivered[entry[n].id]) || (how == DEAD && D.name != entry[n].to))
  fi
}

/* ---- async_send.cpp ---- */

#ifdef MUTANT_12
#define is_owed(n) taken[n]
#else
#define is_owed(n) owed[n]
#endif

inline write_one(n) {
  if
  :: is_owed(n) && waits(n) ->
     read_entry();
     if
     :: good -> finish_entry(n, NONE)
     :: !good
     fi
  :: else
  fi
}

inline write_owed() {
  write_one(0); write_one(1);
  good = 0
}

/* hand_letter(), of async_receive.cpp: to a thread of this CPU. */
inline hand_letter(message, whom, answer) {
  if
  :: D.state == Receiving -> deliver(message, whom); D.state = Ready; answer = NONE
  :: else ->
#ifndef MUTANT_6
     sources = 1; watched = 1;
#endif
     answer = NOT_READY
  fi
}

#ifdef MUTANT_3
#define may_offer(n) true
#else
#define may_offer(n) (!letter_of(n))
#endif

inline offer_from(first) {
  i = first;
  do
  :: i >= ENTRIES || !table -> break
  :: else ->
     read_entry();
     if
     :: !good -> break
     :: good && !is_open(i)
#ifndef MUTANT_3
     :: good && is_open(i) && letter_of(i) -> again = 1; break
#endif
     :: good && is_open(i) && may_offer(i) && D.name != entry[i].to -> finish_entry(i, DEAD)
     :: good && is_open(i) && may_offer(i) && D.name == entry[i].to && D.home == me ->
        hand_letter(entry[i].id, entry[i].to, outcome);
        if
        :: outcome == NONE -> finish_entry(i, NONE)
        :: else
        fi
     :: good && is_open(i) && may_offer(i) && D.name == entry[i].to && D.home != me ->
        if
        :: out -> again = 1
        :: else ->
           out = 1; stale = 0; again = 0;
           letter_entry = i; letter_id = entry[i].id; letter_to = entry[i].to;
           post(D.home, Offer, LETTER)
        fi;
        break
     fi;
     i++
  od;
  i = 0; good = 0; outcome = 0
}

inline send_async() {
  write_owed();
  if
  :: table && ((owed[0] && waits(0)) || (owed[1] && waits(1))) -> restore = 1; again_trap = 1
  :: else ->
     again_trap = 0;
     table = 1; restore = 0; taken[0] = 0; taken[1] = 0; owed[0] = 0; owed[1] = 0;
     if
     :: out -> again = 1
     :: else
     fi;
     offer_from(0)
  fi
}

inline restore_async() { restore = 0; write_owed(); offer_from(0) }

inline on_async_offered() {
  back = letter_entry; answer_back = letter_outcome; over = again || stale;
  was_stale = stale;
  out = 0; letter_entry = 0; letter_id = 0; letter_to = 0; letter_outcome = 0; stale = 0; again = 0;
  if
  :: S.state == Dead -> free_s()
  :: S.state != Dead ->
     if
     :: !was_stale && answer_back != NOT_READY && table ->
        read_entry();
        if
        :: good && is_open(back) -> finish_entry(back, answer_back)
        :: !good && answer_back == NONE -> taken[back] = 1; owed[back] = 1
        :: else
        fi
     :: else
     fi;
     if
     :: over -> offer_from(0)
     :: else -> offer_from(back + 1)
     fi
  fi;
  back = 0; answer_back = 0; over = 0; was_stale = 0
}

/* ---- async_receive.cpp ---- */

inline fail_async_to(dead) {
  if
  :: S.home == me && !S.in_transit && S.name != NOBODY ->
     i = 0;
     do
     :: i == ENTRIES || !table -> break
     :: else ->
        read_entry();
        if
        :: !good -> break
        :: good && is_open(i) && entry[i].to == dead ->
           if
#ifdef MUTANT_1
           :: true -> finish_entry(i, DEAD)
#else
           :: letter_of(i) -> again = 1
           :: !letter_of(i) -> finish_entry(i, DEAD)
#endif
           fi
        :: else
        fi;
        i++
     od;
     i = 0; good = 0
  :: else
  fi
}

/* The first open entry for D, at S's home: found, more. */
inline pull(whom) {
  found = 0; more = 0; i = 0;
  do
  :: i == ENTRIES || !table || more -> break
  :: else ->
     read_entry();
     if
     :: !good -> break
     :: good && !(is_open(i) && entry[i].to == whom)
     :: good && is_open(i) && entry[i].to == whom ->
        if
        :: D.name != whom -> break
#ifndef MUTANT_4
        :: D.name == whom && letter_of(i) ->
#ifndef MUTANT_5
           again = 1;
#endif
           break
        :: D.name == whom && !letter_of(i) ->
#else
        :: D.name == whom ->
#endif
           if
           :: found -> more = 1
           :: else -> found = 1; deliver(entry[i].id, whom); finish_entry(i, NONE)
           fi
        fi
     fi;
     i++
  od;
#ifdef MUTANT_11
  more = 0;
#endif
  i = 0; good = 0
}

/* D receives from anybody. */
inline receive() {
  if
  :: sources ->
     sources = 0;
     if
     :: S.name == NOBODY -> D.state = Receiving
     :: S.name != NOBODY && S.home == me ->
        pull(D.name);
        if
        :: found -> D.state = Ready; sources = sources | more
        :: else -> D.state = Receiving
        fi;
        found = 0; more = 0
     :: else ->
        D.state = Asking; request_to = S.name; request_from = D.name;
        post(S.home, Pull, REQUEST)
     fi
  :: else -> D.state = Receiving
  fi
}

inline on_async_pull() {
  if
  :: S.name == request_to -> pull(request_from)
  :: else -> found = 0; more = 0
  fi;
  if
  :: D.home == me -> on_completed()
  :: else -> post(D.home, Completed, REQUEST)
  fi
}

inline on_completed() {
  request_to = 0; request_from = 0;
  if
  :: D.ending -> found = 0; more = 0; finish_ending_d()
  :: !D.ending && found -> D.state = Ready; sources = sources | more; found = 0; more = 0
  :: !D.ending && !found -> receive()
  fi
}

inline on_async_offer() {
  if
  :: D.name != letter_to -> letter_outcome = DEAD
  :: D.name == letter_to -> hand_letter(letter_id, letter_to, letter_outcome)
  fi;
  if
  :: S.home == me -> on_async_offered()
  :: else -> post(S.home, Offered, LETTER)
  fi
}

/* ---- death.cpp ---- */

inline end_s() {
  if
  :: S.state == Dead || S.state == Free
  :: !(S.state == Dead || S.state == Free) && S.in_transit -> S.stop_on_arrival = 1
  :: else ->
     table = 0; S.name = NOBODY; S.state = Dead; free_s()
  fi
}

inline free_s() {
  if
  :: S.stop_posted && !S.stop_handled
#ifndef MUTANT_9
  :: !(S.stop_posted && !S.stop_handled) && out
#endif
  :: else -> S.state = Free
  fi
}

inline end_d() {
  if
  :: D.state == Dead || D.state == Free || D.ending
  :: !(D.state == Dead || D.state == Free || D.ending) && D.in_transit -> D.stop_on_arrival = 1
  :: else ->
     obituary = D.name; D.name = NOBODY;
     fail_async_to(obituary);
#ifndef MUTANT_8
     if
     :: watched -> obituary_out = 1; post((me + 1) % NC, PartnerDied, OBITUARY)
     :: else
     fi;
#endif
     if
     :: D.state == Asking -> D.ending = 1
     :: else -> finish_ending_d()
     fi
  fi
}

inline finish_ending_d() { D.ending = 0; D.state = Dead; free_d() }

inline free_d() {
  if
  :: (D.stop_posted && !D.stop_handled) || obituary_out
  :: else -> D.state = Free
  fi
}

inline on_partner_died() {
  if
  :: D.home == me -> obituary_out = 0; if :: D.state == Dead -> free_d() :: else fi
  :: D.home != me -> fail_async_to(obituary); post((me + 1) % NC, PartnerDied, OBITUARY)
  fi
}

/* ---- handle_mail.cpp ---- */

inline handle(kind) {
  h = me;
  if
  :: kind == Offer -> posted = posted & (255 - LETTER); h = D.home
  :: kind == Offered -> posted = posted & (255 - LETTER); h = S.home
  :: kind == Pull -> posted = posted & (255 - REQUEST); h = S.home
  :: kind == Completed -> posted = posted & (255 - REQUEST)
  :: kind == StopS -> posted = posted & (255 - STOP_S); h = S.home
  :: kind == StopD -> posted = posted & (255 - STOP_D); h = D.home
  :: kind == ArriveS -> posted = posted & (255 - ARRIVE_S)
  :: kind == ArriveD -> posted = posted & (255 - ARRIVE_D)
  :: kind == PartnerDied -> posted = posted & (255 - OBITUARY)
  fi;
#ifdef MUTANT_10
  h = me;
#endif
  if
  :: h != me && kind == Offer -> post(h, kind, LETTER)
  :: h != me && kind == Offered -> post(h, kind, LETTER)
  :: h != me && kind == Pull -> post(h, kind, REQUEST)
  :: h != me && kind == StopS -> post(h, kind, STOP_S)
  :: h != me && kind == StopD -> post(h, kind, STOP_D)
  :: h == me && kind == Offer -> on_async_offer()
  :: h == me && kind == Offered -> on_async_offered_here()
  :: h == me && kind == Pull -> on_async_pull()
  :: h == me && kind == Completed -> assert(D.home == me); on_completed()
  :: h == me && kind == StopS -> S.stop_handled = 1; end_s(); if :: S.state == Dead -> free_s() :: else fi
  :: h == me && kind == StopD -> D.stop_handled = 1; end_d(); if :: D.state == Dead -> free_d() :: else fi
  :: h == me && kind == ArriveS ->
     S.in_transit = 0;
#ifndef MUTANT_7
     restore = restore | table;
#endif
     if
     :: S.stop_on_arrival -> S.stop_on_arrival = 0; end_s()
     :: else
     fi
  :: h == me && kind == ArriveD ->
     D.in_transit = 0;
     if
     :: D.stop_on_arrival -> D.stop_on_arrival = 0; end_d()
     :: else
     fi
  :: h == me && kind == PartnerDied -> on_partner_died()
  fi;
  h = 0
}

inline on_async_offered_here() { assert(S.home == me); on_async_offered() }

/* ---- what threads do ---- */

inline fill(n) {
  if
  :: (entry[n].id == 0 || entry[n].done) && next_id <= MESSAGES && D.name != NOBODY ->
     reordered = reordered | (entry[n].id != 0);
     entry[n].id = next_id; entry[n].to = D.name; entry[n].done = 0;
     meant_for[next_id] = D.name; next_id++
  :: else
  fi
}

#define can_fill ((entry[0].id == 0 || entry[0].done || entry[1].id == 0 || entry[1].done) && \
                  next_id <= MESSAGES && D.name != NOBODY)
#define runs(t) (t.home == me && t.state == Ready && !t.in_transit && t.name != NOBODY)

proctype Cpu(byte me) {
  byte i, h, outcome, back, answer_back;
  bit good, over, was_stale;
  mtype:mail kind;
end:
  do
  :: atomic { nempty(mail[me]) -> mail[me]?kind; handle(kind); kind = 0 }
  :: atomic { runs(S) && restore -> restore_async() }
  :: atomic { runs(S) && !restore && again_trap -> send_async() }
  :: atomic { runs(S) && !restore && !again_trap && can_fill ->
       if
       :: true -> fill(0); fill(1)
       :: true -> fill(0)
       fi;
       send_async() }
  :: atomic { runs(D) -> receive() }
  :: atomic { runs(S) && moves > 0 -> moves--; S.in_transit = 1; S.home = 1 - me; post(1 - me, ArriveS, ARRIVE_S) }
  :: atomic { runs(D) && moves > 0 -> moves--; D.in_transit = 1; D.home = 1 - me; watched = 1; post(1 - me, ArriveD, ARRIVE_D) }
  od
}

proctype Killer() {
end:
  if
  :: atomic { S.name != NOBODY -> S.stop_posted = 1; post(S.home, StopS, STOP_S) }
  :: atomic { D.name != NOBODY -> D.stop_posted = 1; post(D.home, StopD, STOP_D) }
  fi
}

inline begin_life(t, cpu) {
  t.gen++; t.name = t.gen; t.home = cpu; t.state = Ready;
  t.in_transit = 0; t.stop_on_arrival = 0; t.stop_posted = 0; t.stop_handled = 0; t.ending = 0
}

proctype Births() {
  byte cpu;
end:
  atomic {
    if
    :: S.state == Free || D.state == Free -> cpu = 0
    :: S.state == Free || D.state == Free -> cpu = 1
    fi;
    if
    :: S.state == Free ->
       begin_life(S, cpu);
       table = 0; restore = 0; again_trap = 0; reordered = 1; owed[0] = 0; owed[1] = 0;
       entry[0].id = 0; entry[0].done = 0; entry[1].id = 0; entry[1].done = 0; taken[0] = 0; taken[1] = 0
    :: D.state == Free -> begin_life(D, cpu); sources = 0; watched = 0
    fi
  }
}

init {
  atomic {
    if
    :: moves = 0
    :: skip
    fi;
    if
    :: absent = 0
    :: skip
    fi;
    begin_life(S, 0); begin_life(D, 1);
    run Cpu(0); run Cpu(1);
    if
    :: run Killer(); run Births()
    :: skip
    fi
  }
  timeout ->
  assert(empty(mail[0]) && empty(mail[1]) && !out && !obituary_out);
  assert(D.state == Receiving);
  assert(S.name != NOBODY && !waits(0) && !waits(1))
}
