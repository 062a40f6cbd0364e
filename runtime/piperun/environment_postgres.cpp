// What a PostgreSQL database makes of the promises of a program: rights, indexes, triggers, and what the server calls durable.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "lang/ir/declared.h"
#include "runtime/commit/postgres/schema.h"
#include "runtime/connectors/postgres/outbox_table.h"
#include "runtime/connectors/postgres/table_sink.h"
#include "runtime/engine/secrets.h"
#include "runtime/piperun/environment.h"

namespace piperun::cli {
namespace {

using base::ErrorCode;
using postgres::Parameters;

constexpr std::int64_t kOldest = 120000;  // server_version_num

constexpr const char* kServer =
    "SELECT current_setting('server_version_num')::int8, current_setting('server_version'), pg_is_in_recovery(), "
    "current_setting('default_transaction_read_only') = 'on', current_setting('synchronous_commit'), current_setting('fsync'), "
    "current_setting('full_page_writes'), quote_ident(current_user), quote_ident(current_database()), "
    "has_database_privilege(current_database(), 'CREATE')";

// Tables of ours that this user may not fully use.
constexpr const char* kOwnTables =
    "SELECT string_agg(c.relname, ', ' ORDER BY c.relname) FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = "
    "c.relnamespace WHERE n.nspname = 'piperun' AND c.relname IN ('format', 'offsets', 'manifests', 'operators', 'keys', "
    "'dead_letters', 'sink_rows', 'relays') AND NOT (has_schema_privilege(n.oid, 'USAGE') AND "
    "has_table_privilege(c.oid, 'SELECT') AND "
    "has_table_privilege(c.oid, 'INSERT') AND has_table_privilege(c.oid, 'UPDATE') AND has_table_privilege(c.oid, 'DELETE'))";

constexpr const char* kTriggers =
    "SELECT string_agg(name, ', ' ORDER BY name) FROM (SELECT tgname::text AS name FROM pg_catalog.pg_trigger WHERE tgrelid = "
    "$1::regclass AND NOT tgisinternal AND tgenabled <> 'D' UNION ALL SELECT 'the rule ' || rulename FROM "
    "pg_catalog.pg_rewrite WHERE ev_class = $1::regclass AND rulename <> '_RETURN' AND ev_enabled <> 'D') AS found";
constexpr const char* kLateConstraints =
    "SELECT string_agg(conname, ', ' ORDER BY conname) FROM pg_catalog.pg_constraint WHERE conrelid = $1::regclass AND "
    "condeferred";
constexpr const char* kParents =
    "SELECT string_agg(format('%s -> %s', conname, confrelid::regclass), ', ' ORDER BY conname) FROM pg_catalog.pg_constraint "
    "WHERE conrelid = $1::regclass AND contype = 'f' AND confrelid::regclass::text = ANY($2::text[])";
constexpr const char* kOutboxRights =
    "SELECT concat_ws(', ', CASE WHEN NOT has_table_privilege($1::regclass, 'SELECT') THEN 'SELECT' END, "
    "CASE WHEN NOT has_column_privilege($1::regclass, 'number', 'UPDATE') THEN 'UPDATE' END, "
    "CASE WHEN NOT has_table_privilege($1::regclass, 'DELETE') THEN 'DELETE' END)";
constexpr const char* kReadable = "SELECT has_table_privilege($1::regclass, 'SELECT')";

class DatabaseCheck {
 public:
  DatabaseCheck(const ir::Program& program, ir::SystemId system)
      : program_(program), id_(system), name_(program.systems[system].name), site_(site_of(program, system)) {}

  std::vector<Finding> run() && {
    auto settings = postgres::postgres_settings(program_.systems[id_], engine::secret_from_environment, "check");
    if (!settings) return fail(site_, settings.error()), std::move(findings_);
    auto session = postgres::Session::open(*settings);
    if (!session) return check_reader(std::move(*settings), session.error()), std::move(findings_);
    session_ = std::move(*session);
    check_server();
    if (keeps_positions() || reads_outbox()) check_schema();
    for (ir::SinkId id = 0; id < program_.sinks.size(); ++id) {  // an outbox between two units is made by the run
      const bool is_link = ir::link_written(program_, id) != nullptr;
      if (program_.sinks[id].system == id_ && !is_link) check_sink(program_.sinks[id]);
    }
    for (ir::SourceId id = 0; id < program_.sources.size(); ++id) {
      if (is_users_outbox(id)) check_source(program_.sources[id]);
    }
    for (const ir::Table& table : program_.tables) {
      if (table.system == id_) check_table(table);
    }
    return std::move(findings_);
  }

 private:
  bool keeps_positions() const { return std::ranges::count(program_.units, id_, &ir::Unit::domain) > 0; }

  bool is_users_outbox(ir::SourceId id) const {
    return program_.sources[id].system == id_ && ir::link_read(program_, id) == nullptr;
  }
  bool reads_outbox() const { return std::ranges::count(program_.sources, id_, &ir::Source::system) > 0; }

  void fail(const ir::Site& site, const base::Error& error) {
    const bool is_named = error.message.starts_with(name_ + " at ");
    findings_.push_back({error.code, site, is_named ? error.message : fmt::format("{}: {}", name_, error.message), "", ""});
  }
  void refuse(ErrorCode code, const ir::Site& site, std::string words, std::string mend) {
    findings_.push_back({code, site, std::move(words), std::move(mend), ""});
  }
  void lower(const ir::Site& site, std::string words, std::string mend, std::string as_long_as) {
    findings_.push_back({std::nullopt, site, std::move(words), std::move(mend), std::move(as_long_as)});
  }
  // No server that takes writes was found. Perhaps one says itself why it takes none.
  void check_reader(postgres::PostgresSettings settings, const base::Error& refused) {
    settings.takes_any_server = true;
    auto session = postgres::Session::open(std::move(settings));
    if (session) {
      session_ = std::move(*session);
      check_server();
    }
    const bool is_told = std::ranges::any_of(findings_, [](const Finding& finding) { return finding.code.has_value(); });
    if (!is_told) fail(site_, refused);
  }

  // The one text of an answer; "" for null, and for an error, which is a finding then.
  std::string asked(const ir::Site& site, const char* sql, const Parameters& parameters) {
    auto rows = session_->query(sql, parameters);
    if (!rows) return fail(site, rows.error()), "";
    return rows->is_null(0, 0) ? "" : rows->text(0, 0);
  }

  // ---- The server

  void check_server() {
    auto rows = session_->query(kServer);
    if (!rows) return fail(site_, rows.error());
    if (rows->integer(0, 0) < kOldest) {
      refuse(ErrorCode::CannotOpen, site_, fmt::format("{} is PostgreSQL {}", name_, rows->text(0, 1)),
             "use version 12 or later; 15 was tested");
    }
    if (rows->boolean(0, 2)) {
      refuse(ErrorCode::CannotOpen, site_, fmt::format("{} is a standby: it takes no writes", name_),
             "let the url lead to the primary: several hosts and target_session_attrs=read-write");
    } else if (rows->boolean(0, 3)) {
      refuse(ErrorCode::CannotOpen, site_, fmt::format("{} is read-only (default_transaction_read_only)", name_),
             fmt::format("ALTER DATABASE {} SET default_transaction_read_only = off", rows->text(0, 8)));
    }
    check_durability(rows->text(0, 4), rows->text(0, 5), rows->text(0, 6));
    user_ = rows->text(0, 7);
    database_ = rows->text(0, 8);
    may_create_ = rows->boolean(0, 9);
  }

  // Rows and positions go together, so they are written again; who has read them meanwhile sees that.
  void check_durability(const std::string& synchronous_commit, const std::string& fsync, const std::string& full_page_writes) {
    if (synchronous_commit == "off") {
      lower(site_, fmt::format("{} acknowledges a commit before it is on disk (synchronous_commit=off)", name_),
            "set synchronous_commit = on for this database or user",
            fmt::format("the server of {} does not crash, or nobody minds rows that go and come again", name_));
    }
    for (const auto& [setting, value] : {std::pair("fsync", fsync), std::pair("full_page_writes", full_page_writes)}) {
      if (value == "on") continue;
      lower(site_, fmt::format("a crash of the server of {} may damage the database ({}=off)", name_, setting),
            fmt::format("set {} = on in postgresql.conf", setting), fmt::format("the server of {} does not crash", name_));
    }
  }

  void check_schema() {
    if (const std::string tables = asked(site_, kOwnTables, {}); !tables.empty()) {
      return refuse(
          ErrorCode::CannotOpen, site_, fmt::format("{} may not use what piperun keeps in {}: {}", user_, name_, tables),
          fmt::format("GRANT USAGE ON SCHEMA piperun TO {}; GRANT ALL ON ALL TABLES IN SCHEMA piperun TO {}", user_, user_));
    }
    const auto exists = postgres::has_schema(*session_);
    if (!exists) return fail(site_, exists.error());
    if (*exists || may_create_) return;
    refuse(ErrorCode::CannotOpen, site_, fmt::format("{} has no schema `piperun`, and {} may not make it", name_, user_),
           fmt::format("GRANT CREATE ON DATABASE {} TO {}", database_, user_));
  }

  // ---- Tables

  void check_sink(const ir::Sink& sink) {
    postgres::WriteMode mode = postgres::write_mode(sink);
    const std::string table = ir::object_of(sink);
    const auto exists = postgres::table_exists(*session_, table);
    if (!exists) return fail(sink.site, exists.error());
    if (!*exists && mode.create) return check_creation(sink, table);
    mode.create = false;
    const auto opened = postgres::TableSink::open(*session_, nullptr, program_.types, postgres::layout_of(sink), mode);
    if (!opened) return fail(sink.site, opened.error());
    check_what_hangs_on(sink, table);
  }

  void check_creation(const ir::Sink& sink, const std::string& table) {
    const std::size_t dot = table.find('.');
    const std::string schema = dot == std::string::npos ? asked(sink.site, "SELECT current_schema()", {}) : table.substr(0, dot);
    const std::string may = asked(sink.site,
                                  "SELECT coalesce((SELECT has_schema_privilege(oid, 'CREATE') FROM pg_catalog.pg_namespace "
                                  "WHERE nspname = $1), false)",
                                  Parameters().text(schema));
    if (may != "f") return;
    refuse(ErrorCode::CannotOpen, sink.site, fmt::format("`{}` is missing in {}, and {} may not make it", table, name_, user_),
           fmt::format("GRANT CREATE ON SCHEMA {} TO {}", postgres::quoted(schema), user_));
  }

  void check_what_hangs_on(const ir::Sink& sink, const std::string& name) {
    const std::string table = postgres::quoted_table(name);
    const Parameters asked_table = Parameters().text(table);
    if (const std::string triggers = asked(sink.site, kTriggers, asked_table); !triggers.empty()) {
      lower(sink.site, fmt::format("{} has triggers or rules ({}): a batch that is tried again runs them again", table, triggers),
            "let them change nothing outside of the database",
            fmt::format("the triggers and rules of {} do nothing that a rollback does not undo, and leave the rows as they are",
                        table));
    }
    if (const std::string late = asked(sink.site, kLateConstraints, asked_table); !late.empty()) {
      lower(sink.site, fmt::format("{} checks {} at COMMIT, when nobody says which row it was", table, late),
            fmt::format("ALTER TABLE {} ALTER CONSTRAINT … NOT DEFERRABLE", table),
            fmt::format("no row breaks {}, or the time to find it by halves is no matter", late));
    }
    // A row and the one it refers to, by two sinks of one program, may come in either order.
    postgres::Array others = postgres::texts(program_.sinks, [&](const ir::Sink& other) {
      if (&other == &sink || other.system != id_) return std::string_view();
      return std::string_view(ir::object_of(other));
    });
    if (const std::string parents = asked(sink.site, kParents, Parameters().text(table).array(others)); !parents.empty()) {
      lower(sink.site, fmt::format("{} refers to a table that this program writes, too: {}", table, parents),
            "write both in one flow, the one that is referred to first, or drop the foreign key",
            fmt::format("a row of {} never comes before the one it refers to", table));
    }
  }

  // An outbox is numbered and emptied by those who read it.
  void check_source(const ir::Source& source) {
    const auto stored = postgres::describe(*session_, source.object);
    if (!stored) return fail(source.site, stored.error());
    if (const auto fits = postgres::check_outbox(*stored, source.object, session_->address()); !fits)
      return fail(source.site, fits.error());
    auto hazards = postgres::outbox_hazards(*session_, *stored);
    if (!hazards) return fail(source.site, hazards.error());
    for (postgres::OutboxHazard& each : *hazards) {
      if (each.as_long_as.empty()) refuse(ErrorCode::SchemaMismatch, source.site, std::move(each.words), std::move(each.mend));
      else lower(source.site, std::move(each.words), std::move(each.mend), std::move(each.as_long_as));
    }
    const std::string missing = asked(source.site, kOutboxRights, Parameters().text(stored->table));
    if (missing.empty()) return;
    refuse(ErrorCode::CannotOpen, source.site,
           fmt::format("{} numbers and removes the rows of the outbox {} of {}, and may not: {}", user_, stored->table, name_,
                       missing),
           fmt::format("GRANT {} ON {} TO {}", missing, stored->table, user_));
  }

  void check_table(const ir::Table& declared) {
    const std::string name = ir::object_of(declared);
    const auto stored = postgres::describe(*session_, name);
    if (!stored) return fail(declared.site, stored.error());
    const auto how =
        postgres::conversions(*session_, program_.types, postgres::layout_of(program_, declared), *stored, postgres::Use::Read);
    if (!how) return fail(declared.site, how.error());
    if (asked(declared.site, kReadable, Parameters().text(stored->table)) == "f") {
      refuse(ErrorCode::CannotOpen, declared.site, fmt::format("{} may not read {} of {}", user_, stored->table, name_),
             fmt::format("GRANT SELECT ON {} TO {}", stored->table, user_));
    }
  }

  const ir::Program& program_;
  ir::SystemId id_;
  std::string name_;
  ir::Site site_;
  std::unique_ptr<postgres::Session> session_;
  std::string user_, database_;
  bool may_create_ = false;
  std::vector<Finding> findings_;
};

}  // namespace

std::vector<Finding> check_databases(const ir::Program& program) {
  std::vector<Finding> findings;
  for (ir::SystemId id = 0; id < program.systems.size(); ++id) {
    if (program.systems[id].kind != ir::SystemKind::Postgres || program.systems[id].stand_in) continue;
    std::ranges::move(DatabaseCheck(program, id).run(), std::back_inserter(findings));
  }
  return findings;
}

}  // namespace piperun::cli
