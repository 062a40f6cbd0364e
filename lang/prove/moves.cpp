#include "lang/prove/moves.h"

#include <algorithm>

namespace piperun::prove {
namespace {

using ir::Step;
using ir::StepKind;
using ir::StepMode;

void raise(std::uint8_t& count, std::uint8_t by) { count = static_cast<std::uint8_t>(std::min(2, count + by)); }

class Mover {
 public:
  Mover(const Subject& subject, const World& world, Faults faults) : subject_(subject), world_(world), faults_(faults) {}

  std::vector<Move> all() {
    if (!world_.owner.alive) {
      restart();
    } else {
      steps_of(false);
    }
    if (world_.ex.alive) steps_of(true);
    if (world_.on_its_way.open) {
      World next = world_;
      if (land(next)) add({.what = Happening::Lands, .record = next.on_its_way.record}, next);
    }
    return std::move(moves_);
  }

 private:
  static Worker& me(World& world, bool ex) { return ex ? world.ex : world.owner; }
  static Worker& other(World& world, bool ex) { return ex ? world.owner : world.ex; }

  void add(Event event, const World& next) {
    const auto seen = [](const World& w) { return w.effects[0] + w.effects[1]; };
    event.effect = seen(next) > seen(world_);
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

  static void end_epoch(World& world, bool ex) {
    other(world, ex).current = 0;
    world.on_its_way.current = 0;
    me(world, ex).current = 1;
  }

  // ---- effects

  void apply(World& world, const Transaction& t) const {
    if (t.position != kNoPosition) world.position = t.position;
    output(world, t.record, t.writes);
    raise(world.state[t.record], t.state);
    if (t.keys) world.keys[t.record] = 1;
  }
  void output(World& world, std::uint8_t record, std::uint8_t count) const {
    raise(world.effects[record], count);
    if (subject_.ignores_repeats && world.effects[record] > 1) world.effects[record] = 1;
  }

  // False: it is refused and never takes effect.
  bool land(World& world) const {
    const Transaction t = world.on_its_way;
    world.on_its_way = {};
    if (t.fenced && !t.current) return false;
    apply(world, t);
    world.on_its_way.record = 0;
    return true;
  }

  // Whoever needs the lock of the positions waits for those who hold it: an open transaction of a process that stands still is ended by
  // the system; what is on its way is decided, one way or the other.
  std::vector<World> locked(World world, bool ex) const {
    Transaction& held = other(world, ex).transaction;
    if (held.open && held.locked) held.ended = 1;
    if (!world.on_its_way.open || !world.on_its_way.locked) return {world};
    return decided(world);
  }
  std::vector<World> decided(World world) const {
    if (!world.on_its_way.open) return {world};
    World landed = world;
    land(landed);
    world.on_its_way = {};
    return {landed, world};
  }

  // ---- where a worker goes on

  void advance(World& world, bool ex) const {
    Worker& worker = me(world, ex);
    const auto list = static_cast<ListId>(worker.list);
    const auto& steps = list_of(subject_.protocol, list);
    do {
      if (++worker.step < steps.size()) continue;
      return end_list(worker, list);
    } while (is_silent(subject_, steps[worker.step].kind));
  }

  void end_list(Worker& worker, ListId list) const {
    switch (list) {
      case ListId::Batch:
        worker.position = worker.in_batch ? static_cast<std::uint8_t>(worker.position + 1) : worker.position;
        return begin_batch(worker);
      case ListId::OnAssign:
      case ListId::OnUnclear: return begin_batch(worker);
      case ListId::OnPoison: return worker.dead ? go_to_process(worker) : begin_batch(worker);
      case ListId::OnRevoke:
      case ListId::OnLost:
      case ListId::OnStop: worker = {}; return;
    }
  }

  static void begin_batch(Worker& worker) {
    worker.list = static_cast<std::uint8_t>(ListId::Batch);
    worker.step = 0;
    worker.in_batch = worker.emits = worker.dead = worker.checked = 0;
  }

  void go_to_process(Worker& worker) const {
    const auto& batch = subject_.protocol.batch;
    const auto process = std::ranges::find(batch, StepKind::Process, &Step::kind);
    worker.list = static_cast<std::uint8_t>(ListId::Batch);
    worker.step = static_cast<std::uint8_t>(process - batch.begin());
    worker.emits = worker.checked = 0;
    worker.transaction = {};
  }

  void go_to(World& world, bool ex, ListId list) const {
    Worker& worker = me(world, ex);
    worker.list = static_cast<std::uint8_t>(list);
    worker.step = 0;
    if (list == ListId::OnUnclear) worker.transaction = {};
    if (list_of(subject_.protocol, list).empty()) begin_batch(worker);
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
    if (ir::traits(list[worker.step].kind).fenced && !worker.current) return refuse(ex);
    do_step(list[worker.step], ex);
  }

  void refuse(bool ex) {
    World next = world_;
    me(next, ex) = {};
    if (ex) next.ex_awake = 0;
    add(event(Happening::Refused, ex), next);
  }

  void done(World next, bool ex) {
    advance(next, ex);
    if (ex) next.ex_awake = next.ex.alive;
    add(event(Happening::Step, ex), next);
  }

  void do_step(const Step& step, bool ex) {
    World next = world_;
    Worker& worker = me(next, ex);
    Transaction& open = worker.transaction;
    const bool joins = open.open && (step.in_transaction || ir::traits(step.kind).when == ir::When::InTransaction);
    const std::uint8_t record = std::min<std::uint8_t>(worker.position, kRecords - 1);
    switch (step.kind) {
      case StepKind::Claim:
        for (World& w : locked(next, ex)) {
          end_epoch(w, ex);
          me(w, ex).position = w.position;
          done(w, ex);
        }
        return;
      case StepKind::ReadPosition:
        for (World& w : step.mode == StepMode::Locking ? locked(next, ex) : std::vector{next}) {
          me(w, ex).position = w.position;
          me(w, ex).in_batch = 0;
          done(w, ex);
        }
        return;
      case StepKind::ReopenConsumer:
        for (const World& w : decided(next)) done(w, ex);
        return;
      case StepKind::Fetch:
        if (worker.position >= kRecords) return;  // nothing there
        worker.in_batch = 1;
        return done(next, ex);
      case StepKind::Begin:
        open = {};
        open.open = 1;
        return done(next, ex);
      case StepKind::Process: worker.emits = !worker.dead && !next.keys[record]; return done(next, ex);
      case StepKind::Fence:
        for (World& w : locked(next, ex)) {
          if (w.position != me(w, ex).position) {
            world_after_refusal(w, ex);
          } else {
            move_position(w, ex, joins);
            done(w, ex);
          }
        }
        return;
      case StepKind::CheckMembership: worker.checked = 1; return done(next, ex);
      case StepKind::StoreOffsets:
        if (worker.checked && !worker.current) return refuse(ex);
        move_position(next, ex, joins);
        return done(next, ex);
      case StepKind::CommitOffsets: return commit_offsets(step, next, ex);
      case StepKind::ClaimKeys:
        if (worker.emits && next.keys[record]) {  // somebody else was first: look up, process again
          go_to_process(worker);
          return add(event(Happening::Step, ex), next);
        }
        if (worker.emits && joins) open.keys = 1, open.record = record;
        if (worker.emits && !joins) next.keys[record] = 1;
        return done(next, ex);
      case StepKind::Write:
        if (worker.emits) change(next, open, joins, record, 1, 0);
        return done(next, ex);
      case StepKind::PutState:
        // The dead letter of a refused record stands for its effect.
        if ((worker.emits || worker.dead) && subject_.track_state) change(next, open, joins, record, worker.dead, 1);
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
      case StepKind::Release:
        worker = {};
        if (ex) next.ex_awake = 0;
        return add(event(Happening::Step, ex), next);
      case StepKind::InitProducer:
      case StepKind::PutManifest:
      case StepKind::SeedPosition:
      case StepKind::FillSample:
      case StepKind::LookupKeys:
      case StepKind::Await:
      case StepKind::RetireProducer:
      case StepKind::NumberRows:
      case StepKind::DeleteSent:
      case StepKind::TakeReplay:
      case StepKind::ExpireKeys:
      case StepKind::Trim:
      case StepKind::MirrorPositions:
      case StepKind::Freeze: return done(next, ex);
    }
  }

  void world_after_refusal(World world, bool ex) {
    me(world, ex) = {};
    if (ex) world.ex_awake = 0;
    add(event(Happening::Refused, ex), world);
  }

  void change(World& world, Transaction& open, bool joins, std::uint8_t record, std::uint8_t writes, std::uint8_t state) const {
    if (joins) {
      open.record = record;
      raise(open.writes, writes);
      raise(open.state, state);
    } else {
      output(world, record, writes);
      raise(world.state[record], state);
    }
  }

  static void move_position(World& world, bool ex, bool joins) {
    Worker& worker = me(world, ex);
    const auto position = static_cast<std::uint8_t>(worker.position + 1);
    if (joins) {
      worker.transaction.position = position;
      worker.transaction.record = worker.position;
      worker.transaction.locked = 1;
    } else {
      world.position = position;
    }
  }

  static std::uint8_t committed_position(const Worker& worker) {
    return static_cast<std::uint8_t>(worker.position + (worker.in_batch ? 1 : 0));
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
    if (open.ended) return world_after_refusal(next, ex);
    worker.transaction = {};
    if (open.keys && next.keys[open.record]) {
      go_to_process(worker);
      return add(event(Happening::Step, ex), next);
    }
    apply(next, open);
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
    if (list_of(subject_.protocol, list).empty()) next.owner = {};
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
    World next = world_;
    next.owner = {};
    add(event(Happening::Crash, false), next);
    next.on_its_way = request_of(step);
    if (is_batch && next.on_its_way.open && !world_.on_its_way.open) add(event(Happening::CrashInside, false), next);
  }

  // Lost acknowledgements and failures, each with what may have happened in truth.
  void trouble(const Step& step) {
    const Worker& worker = world_.owner;
    const bool is_write = step.kind == StepKind::Write && worker.emits;
    const bool is_state = step.kind == StepKind::PutState && subject_.track_state && (worker.emits || worker.dead);
    const bool joins = step.in_transaction && worker.transaction.open;
    if (ir::traits(step.kind).ack_lost && (is_write || is_state) && !joins) {
      World next = world_;
      unclear(next);
      const std::uint8_t record = std::min<std::uint8_t>(worker.position, kRecords - 1);
      change(next, next.owner.transaction, false, record, is_write ? 1 : worker.dead, is_state ? 1 : 0);
      unclear(next);
    }
    const Transaction request = request_of(step);
    if (ir::traits(step.kind).ack_lost && request.open) {
      World next = world_;
      unclear(next);
      apply(next, request);
      unclear(next);
      next = world_;
      next.on_its_way = request;
      if (!world_.on_its_way.open) unclear(next);
    }
    if (is_write && joins && !list_of(subject_.protocol, ListId::OnPoison).empty()) {
      World next = world_;
      go_to(next, false, ListId::OnPoison);
      add(event(Happening::Poison, false), next);
    }
    if (step.kind == StepKind::Commit && worker.transaction.open) {
      World next = world_;
      go_to_process(next.owner);
      add(event(Happening::Fails, false), next);
    }
  }

  void unclear(World next) {
    go_to(next, false, ListId::OnUnclear);
    add(event(Happening::AckLost, false), next);
  }

  const Subject& subject_;
  const World& world_;
  Faults faults_;
  std::vector<Move> moves_;
};

}  // namespace

bool is_fault(Happening happening) { return happening >= Happening::Crash; }

bool is_idle(const World& world) {
  return world.owner.alive && static_cast<ListId>(world.owner.list) == ListId::Batch && world.owner.step == 0 &&
         world.owner.position >= kRecords;
}

std::vector<Move> moves(const Subject& subject, const World& world, Faults faults) { return Mover(subject, world, faults).all(); }

bool is_silent(const Subject& subject, StepKind kind) {
  switch (kind) {
    case StepKind::InitProducer:
    case StepKind::PutManifest:
    case StepKind::SeedPosition:
    case StepKind::FillSample:
    case StepKind::LookupKeys:
    case StepKind::Await:
    case StepKind::RetireProducer:
    case StepKind::NumberRows:
    case StepKind::DeleteSent:
    case StepKind::TakeReplay:
    case StepKind::ExpireKeys:
    case StepKind::Trim:
    case StepKind::MirrorPositions:
    case StepKind::Freeze: return true;
    case StepKind::PutState:
    case StepKind::ApplyState:
    case StepKind::RestoreState: return !subject.track_state;
    case StepKind::Claim:
    case StepKind::Fetch:
    case StepKind::CommitOffsets:
    case StepKind::Begin:
    case StepKind::Fence:
    case StepKind::Process:
    case StepKind::ClaimKeys:
    case StepKind::Write:
    case StepKind::CheckMembership:
    case StepKind::StoreOffsets:
    case StepKind::Commit:
    case StepKind::Abort:
    case StepKind::ReopenConsumer:
    case StepKind::ReadPosition:
    case StepKind::Reprocess:
    case StepKind::Release: return false;
  }
  return false;
}

const std::vector<ir::Step>& list_of(const ir::Protocol& protocol, ListId list) {
  switch (list) {
    case ListId::OnAssign: return protocol.on_assign;
    case ListId::Batch: return protocol.batch;
    case ListId::OnRevoke: return protocol.on_revoke;
    case ListId::OnLost: return protocol.on_lost;
    case ListId::OnUnclear: return protocol.on_unclear;
    case ListId::OnPoison: return protocol.on_poison;
    case ListId::OnStop: return protocol.on_stop;
  }
  return protocol.batch;
}

}  // namespace piperun::prove
