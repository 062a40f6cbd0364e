#include "lang/prove/moves.h"

#include <algorithm>

#include "lang/prove/changes.h"

namespace piperun::prove {
namespace {

using ir::Step;
using ir::StepKind;
using ir::StepMode;

class Mover {
 public:
  Mover(const Subject& subject, const World& world, Faults faults)
      : subject_(subject), changes_(subject), world_(world), faults_(faults) {}

  std::vector<Move> all() {
    if (!world_.owner.alive) {
      restart();
    } else {
      steps_of(false);
    }
    if (world_.ex.alive) steps_of(true);
    if (is_idle(world_) && world_.owner.queued != Queue{}) send();
    if (world_.on_its_way.open) {
      World next = world_;
      if (changes_.land(next)) add({.what = Happening::Lands, .record = next.on_its_way.record}, next);
    }
    return std::move(moves_);
  }

 private:
  void add(Event event, const World& next) {
    for (std::uint8_t record = 0; record < kRecords; ++record) {
      if (next.effects[record] <= world_.effects[record]) continue;
      event.effect = true;
      event.record = record;
    }
    if (!is_fault(event.what) || faults_ == Faults::All || event.what == Happening::Crash) moves_.push_back({event, next});
  }

  Event event(Happening what, bool ex) const {
    const Worker& worker = ex ? world_.ex : world_.owner;
    return {what, ex, static_cast<ListId>(worker.list), worker.step, worker.position, worker.current != 0, false};
  }

  void restart() {
    World next = world_;
    next.owner = {};
    next.owner.alive = 1;
    next.owner.current = 1;
    next.owner.position = next.position;
    if (subject_.group) end_epoch(next, false);
    add({.what = Happening::Restart}, next);
  }

  // With time, what nobody awaits is sent too.
  void send() {
    World next = world_;
    changes_.send_queued(next, false);
    add({.what = Happening::Lands}, next);
  }

  // ---- steps

  void steps_of(bool ex) {
    const Worker& worker = ex ? world_.ex : world_.owner;
    const auto& list = list_of(subject_.protocol, static_cast<ListId>(worker.list));
    if (worker.step >= list.size()) {  // an empty list
      World next = world_;
      begin_batch(me(next, ex));
      return add(event(Happening::Step, ex), next);
    }
    if (!ex) faults_of_owner(list[worker.step]);
    if (ir::traits(list[worker.step].kind).fenced && !worker.current) return refuse(world_, ex);
    do_step(list[worker.step], ex);
  }

  void refuse(const World& next, bool ex) { end(event(Happening::Refused, ex), next, ex); }

  void done(World next, bool ex) {
    const Queue queue = me(next, ex).queued;
    changes_.advance(next, ex);
    if (ex) next.ex_awake = next.ex.alive;
    if (me(next, ex).alive) return add(event(Happening::Step, ex), next);
    for (const World& after : changes_.sent_or_not(next, queue)) add(event(Happening::Step, ex), after);
  }

  // The worker is no more.
  void end(Event event, const World& world, bool ex) {
    for (const World& after : changes_.gone(world, ex)) {
      event.unsent = is_unsent(ex ? world.ex.queued : world.owner.queued, world, after);
      add(event, after);
    }
  }

  static bool is_unsent(const Queue& queue, const World& before, const World& after) {
    for (std::size_t i = 0; i < kRecords; ++i) {
      if (queue[i] > 0 && after.effects[i] == before.effects[i]) return true;
    }
    return false;
  }

  void do_step(const Step& step, bool ex) {
    World next = world_;
    Worker& worker = me(next, ex);
    Transaction& open = worker.transaction;
    const bool joins = open.open && (step.in_transaction || ir::traits(step.kind).when == ir::When::InTransaction);
    const std::uint8_t record = std::min<std::uint8_t>(worker.position, kRecords - 1);
    switch (step.kind) {
      case StepKind::Claim: return claim(next, ex);
      case StepKind::ReadPosition: return read_position(step, next, ex);
      case StepKind::ReopenConsumer:
        for (const World& w : changes_.decided(next)) done(w, ex);
        return;
      case StepKind::Fetch: return fetch(next, ex);
      case StepKind::NumberRows:
        next.numbered = std::max(next.numbered, std::min<std::uint8_t>(kRecords, worker.position + 1));
        return done(next, ex);
      case StepKind::DeleteSent: next.deleted = std::max(next.deleted, committed_position(worker)); return done(next, ex);
      case StepKind::Begin:
        open = {};
        open.open = 1;
        return done(next, ex);
      case StepKind::Process: worker.emits = !worker.dead && !next.keys[record]; return done(next, ex);
      case StepKind::Fence: return fence(next, ex, joins);
      case StepKind::CheckMembership: worker.checked = 1; return done(next, ex);
      case StepKind::StoreOffsets:
        if (worker.checked && !worker.current) return refuse(world_, ex);
        move_position(next, ex, joins);
        return done(next, ex);
      case StepKind::CommitOffsets: return commit_offsets(step, next, ex);
      case StepKind::ClaimKeys: return claim_keys(next, ex, joins, record);
      case StepKind::Write:
        if (worker.emits && step.later) raise(worker.queued[record], 1);
        if (worker.emits && !step.later) changes_.change(next, open, joins, record, 1, 0);
        return done(next, ex);
      case StepKind::Await: changes_.send_queued(next, ex); return done(next, ex);
      case StepKind::PutState:
        // The dead letter of a refused record stands for its effect.
        if ((worker.emits || worker.dead) && subject_.track_state) changes_.change(next, open, joins, record, worker.dead, 1);
        return done(next, ex);
      case StepKind::Commit: return commit(next, ex);
      case StepKind::ApplyState:
        if (!subject_.track_state) return done(next, ex);
        if (!ex && (worker.emits || worker.dead)) raise(next.local[record], 1);  // an ex-owner has a store of its own
        return done(next, ex);
      case StepKind::RestoreState:
        if (!ex) next.local = next.state;
        return done(next, ex);
      case StepKind::Abort: open = {}; return done(next, ex);
      case StepKind::Reprocess: worker.dead = 1; return done(next, ex);
      case StepKind::Release: return end(event(Happening::Step, ex), next, ex);
      case StepKind::InitProducer:
      case StepKind::PutManifest:
      case StepKind::SeedPosition:
      case StepKind::FillSample:
      case StepKind::LookupKeys:
      case StepKind::RetireProducer:
      case StepKind::TakeReplay:
      case StepKind::ExpireKeys:
      case StepKind::Trim:
      case StepKind::MirrorPositions:
      case StepKind::Freeze: return done(next, ex);
    }
  }

  void fetch(World next, bool ex) {
    Worker& worker = me(next, ex);
    if (subject_.outbox && worker.position < next.deleted) {
      Event found = event(Happening::Step, ex);
      found.gone = true;
      worker.position = next.deleted;
      return add(found, next);
    }
    if (subject_.outbox && worker.position >= next.numbered) {  // nothing there: the list begins again
      begin_batch(worker);
      return add(event(Happening::Step, ex), next);
    }
    if (worker.position >= kRecords) return;  // nothing there
    worker.in_batch = 1;
    done(next, ex);
  }

  void claim(const World& before, bool ex) {
    for (World& next : changes_.locked(before, ex)) {
      end_epoch(next, ex);
      me(next, ex).position = next.position;
      done(next, ex);
    }
  }

  void read_position(const Step& step, const World& before, bool ex) {
    for (World& next : step.mode == StepMode::Locking ? changes_.locked(before, ex) : std::vector{before}) {
      me(next, ex).position = next.position;
      me(next, ex).in_batch = 0;
      done(next, ex);
    }
  }

  void fence(const World& before, bool ex, bool joins) {
    for (World& next : changes_.locked(before, ex)) {
      if (next.position != me(next, ex).position) {
        refuse(next, ex);
        continue;
      }
      move_position(next, ex, joins);
      done(next, ex);
    }
  }

  void claim_keys(World next, bool ex, bool joins, std::uint8_t record) {
    Worker& worker = me(next, ex);
    if (worker.emits && next.keys[record]) {  // somebody else was first: look up, process again
      changes_.go_to_process(worker);
      return add(event(Happening::Step, ex), next);
    }
    if (worker.emits && joins) worker.transaction.keys = 1, worker.transaction.record = record;
    if (worker.emits && !joins) next.keys[record] = 1;
    done(next, ex);
  }

  void commit_offsets(const Step& step, World next, bool ex) {
    if (step.mode != StepMode::Sync) done(next, ex);  // asynchronous: it may never arrive
    next.position = committed_position(me(next, ex));
    done(next, ex);
  }

  void commit(World next, bool ex) {
    Worker& worker = me(next, ex);
    const Transaction open = worker.transaction;
    if (!open.open) return done(next, ex);
    if (open.ended) return refuse(next, ex);
    worker.transaction = {};
    if (open.keys && next.keys[open.record]) {
      changes_.go_to_process(worker);
      return add(event(Happening::Step, ex), next);
    }
    changes_.apply(next, open);
    done(next, ex);
  }

  // ---- faults

  void faults_of_owner(const Step& step) {
    if (faults_ == Faults::None) return;
    const bool is_batch = static_cast<ListId>(world_.owner.list) == ListId::Batch;
    crash(step, is_batch);
    if (!world_.ex.alive && !is_idle(world_)) {
      World next = world_;
      next.ex = next.owner;
      next.owner = {};
      add(event(Happening::Pause, false), next);
    }
    if (is_batch && world_.owner.step == 0) {
      leave(Happening::Revoke, ListId::OnRevoke);
      leave(Happening::Stop, ListId::OnStop);
    }
    if (is_batch) trouble(step);
  }

  void leave(Happening what, ListId list) {
    World next = world_;
    next.owner.list = static_cast<std::uint8_t>(list);
    next.owner.step = 0;
    if (list_of(subject_.protocol, list).empty()) return end(event(what, false), next, false);
    add(event(what, false), next);
  }

  // What a request asked for, as something that may still arrive.
  Transaction request_of(const Step& step) const {
    const Worker& worker = world_.owner;
    if (step.kind == StepKind::Commit && worker.transaction.open && !worker.transaction.ended) return worker.transaction;
    Transaction request;
    if (step.kind == StepKind::CommitOffsets && step.mode == StepMode::Sync && worker.current) {
      request.open = request.fenced = 1;
      request.locked = !subject_.group;  // a row of a table, for which a locking read waits; a group has no such lock
      request.position = committed_position(worker);
      request.record = std::min<std::uint8_t>(worker.position, kRecords - 1);
    }
    return request;
  }

  void crash(const Step& step, bool is_batch) {
    end(event(Happening::Crash, false), world_, false);
    World next = world_;
    next.on_its_way = request_of(step);
    if (is_batch && next.on_its_way.open && !world_.on_its_way.open) end(event(Happening::CrashInside, false), next, false);
  }

  // Lost acknowledgements and failures, each with what may have happened in truth.
  void trouble(const Step& step) {
    const Worker& worker = world_.owner;
    const bool is_write = step.kind == StepKind::Write && worker.emits && !step.later;
    const bool is_state = step.kind == StepKind::PutState && subject_.track_state && (worker.emits || worker.dead);
    const bool joins = step.in_transaction && worker.transaction.open;
    if (ir::traits(step.kind).ack_lost && (is_write || is_state) && !joins) {
      World next = world_;
      unclear(next);
      const std::uint8_t record = std::min<std::uint8_t>(worker.position, kRecords - 1);
      changes_.change(next, next.owner.transaction, false, record, is_write ? 1 : worker.dead, is_state ? 1 : 0);
      unclear(next);
    }
    const Transaction request = request_of(step);
    if (ir::traits(step.kind).ack_lost && request.open) {
      World next = world_;
      unclear(next);
      changes_.apply(next, request);
      unclear(next);
      next = world_;
      next.on_its_way = request;
      if (!world_.on_its_way.open) unclear(next);
    }
    if (step.kind == StepKind::Await && worker.queued != Queue{}) unclear_queue();
    if (is_write && joins && !list_of(subject_.protocol, ListId::OnPoison).empty()) {
      World next = world_;
      changes_.go_to(next, false, ListId::OnPoison);
      add(event(Happening::Poison, false), next);
    }
    if (step.kind == StepKind::Commit && worker.transaction.open) {
      World next = world_;
      changes_.go_to_process(next.owner);
      add(event(Happening::Fails, false), next);
    }
  }

  // What is not acknowledged is dropped by this process: each of it has arrived or never will.
  void unclear_queue() {
    World next = world_;
    next.owner.queued = {};
    for (const World& after : changes_.sent_or_not(next, world_.owner.queued)) unclear(after);
  }

  void unclear(World next) {
    changes_.go_to(next, false, ListId::OnUnclear);
    add(event(Happening::AckLost, false), next);
  }

  const Subject& subject_;
  const Changes changes_;
  const World& world_;
  Faults faults_;
  std::vector<Move> moves_;
};

}  // namespace

bool is_fault(Happening happening) { return happening >= Happening::Crash; }

std::vector<Move> moves(const Subject& subject, const World& world, Faults faults) { return Mover(subject, world, faults).all(); }

}  // namespace piperun::prove
