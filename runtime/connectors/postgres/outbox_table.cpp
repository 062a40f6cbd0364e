#include "runtime/connectors/postgres/outbox_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace piperun::postgres {

using base::ErrorCode;
using base::Result;

namespace {

// How `number` is kept from being null until its row is read: then nobody ever sees that the row waits. "": it is not.
std::string what_fills(const StoredTable& stored, const StoredColumn& number) {
  const auto altered = [&](const char* how) { return fmt::format("ALTER TABLE {} ALTER COLUMN number {}", stored.table, how); };
  if (number.filled_by == Filled::ByExpression) return "it is computed; " + altered("DROP EXPRESSION");
  if (number.filled_by == Filled::ByIdentity)
    return "the table gives it itself; " + altered("DROP IDENTITY, ALTER COLUMN number DROP NOT NULL");
  if (number.filled_by == Filled::ByDefault)
    return "it has a default; " + altered("DROP DEFAULT, ALTER COLUMN number DROP NOT NULL");
  if (number.is_not_null) return "it is NOT NULL; " + altered("DROP NOT NULL");
  return "";
}

// Since version 15.
constexpr const char* kUniqueNulls = R"sql(
SELECT string_agg(i.indexrelid::regclass::text, ', ' ORDER BY i.indexrelid::regclass::text)
FROM pg_catalog.pg_index i JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey::int2[])
WHERE i.indrelid = $1::regclass AND a.attname = 'number' AND to_jsonb(i) ->> 'indnullsnotdistinct' = 'true')sql";

constexpr const char* kConditions = R"sql(
SELECT string_agg(quote_ident(c.conname), ', ' ORDER BY c.conname)
FROM pg_catalog.pg_constraint c JOIN pg_catalog.pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = ANY (c.conkey)
WHERE c.conrelid = $1::regclass AND c.contype = 'c' AND a.attname = 'number')sql";

constexpr const char* kUnsureId = R"sql(
SELECT CASE WHEN NOT EXISTS (
    SELECT FROM pg_catalog.pg_attribute a WHERE a.attrelid = $1::regclass AND a.attname = 'id' AND a.attidentity = 'a')
  AND NOT EXISTS (
    SELECT FROM pg_catalog.pg_index i
    JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0] AND a.attname = 'id' AND a.attnotnull
    WHERE i.indrelid = $1::regclass AND i.indisunique AND i.indisvalid AND i.indnkeyatts = 1 AND i.indpred IS NULL)
  THEN 'id' END)sql";

constexpr const char* kForeignKeys = R"sql(
SELECT string_agg(format('%s of %s', quote_ident(conname), conrelid::regclass), ', ' ORDER BY conname)
FROM pg_catalog.pg_constraint WHERE confrelid = $1::regclass AND contype = 'f' AND confdeltype IN ('a', 'r'))sql";

// Of UPDATE and DELETE.
constexpr const char* kTriggers = R"sql(
SELECT string_agg(quote_ident(tgname), ', ' ORDER BY tgname)
FROM pg_catalog.pg_trigger
WHERE tgrelid = $1::regclass AND NOT tgisinternal AND tgenabled <> 'D' AND (tgtype & 24) <> 0)sql";

constexpr const char* kPolicies = "SELECT CASE WHEN row_security_active($1::regclass) THEN 'row-level security' END";

// Each answers with names, or with null: there are none.
struct Question {
  const char* sql;
  const char *words, *mend, *as_long_as;  // {0}: the table, {1}: the names
};

constexpr std::array kQuestions = {
    Question{kUniqueNulls, "of the outbox {0} only one row can wait for its number: {1} is UNIQUE NULLS NOT DISTINCT",
             "make it again without NULLS NOT DISTINCT", ""},
    Question{kConditions, "the outbox {0} has a condition for `number`: {1}", "ALTER TABLE {0} DROP CONSTRAINT …, for each",
             "{1} of {0} holds for null and for every number from 0 on"},
    Question{kUnsureId, "in the outbox {0} `{1}` may be null, or the same in two rows", "ALTER TABLE {0} ADD PRIMARY KEY (id)",
             "no two rows of {0} have one `{1}`, and none is null: such rows are never read"},
    Question{kForeignKeys, "rows of the outbox {0} are removed when they are sent, and others refer to them: {1}",
             "drop the foreign key, or make it ON DELETE SET NULL", "no row refers to one of {0}"},
    Question{kTriggers, "rows of the outbox {0} are numbered (UPDATE) and removed (DELETE), and triggers see that: {1}",
             "let them be of INSERT alone", "{1} of {0} let rows be numbered and removed"},
    Question{kPolicies, "{1} may hide rows of the outbox {0} from this user",
             "ALTER ROLE … BYPASSRLS, or a policy that shows all rows", "the policies of {0} show this user every row"},
};

constexpr const char* kSentToOthers = R"sql(
SELECT counter.sent
FROM piperun.relays counter
JOIN pg_catalog.pg_class c ON c.oid = $1::regclass JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE counter.pipeline = '' AND counter.unit = '' AND counter.outbox = n.nspname || '.' || c.relname
  AND NOT EXISTS (
    SELECT FROM piperun.relays mine WHERE mine.pipeline = $2 AND mine.unit = $3 AND mine.outbox = counter.outbox))sql";

}  // namespace

Result<void> check_outbox(const StoredTable& stored, const std::string& table, const std::string& address) {
  const auto refused = [&](const std::string& why) {
    return base::failure(
        ErrorCode::SchemaMismatch,
        fmt::format("table `{}` of {} cannot be an outbox: it needs `id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY` "
                    "and `number bigint UNIQUE`, which the writer leaves null; {}",
                    table, address, why));
  };
  for (const char* name : {"id", "number"}) {
    const auto column = std::ranges::find(stored.columns, name, &StoredColumn::name);
    if (column == stored.columns.end()) return refused(fmt::format("`{}` is missing", name));
    if (column->base != "int8") return refused(fmt::format("`{}` is {}", name, column->declared));
  }
  const auto number = std::ranges::find(stored.columns, "number", &StoredColumn::name);
  if (const std::string filled = what_fills(stored, *number); !filled.empty())
    return refused("`number` is never null: " + filled);
  return {};
}

Result<std::vector<OutboxHazard>> outbox_hazards(Session& session, const StoredTable& stored) {
  std::vector<OutboxHazard> result;
  for (const Question& each : kQuestions) {
    auto rows = session.query(each.sql, Parameters().text(stored.table));
    if (!rows) return std::unexpected(rows.error());
    if (rows->is_null(0, 0)) continue;
    const std::string names = rows->text(0, 0);
    const auto filled = [&](const char* text) { return fmt::format(fmt::runtime(text), stored.table, names); };
    result.push_back({filled(each.words), filled(each.mend), filled(each.as_long_as)});
  }
  return result;
}

Result<std::int64_t> rows_gone(Session& session, const StoredTable& stored, const std::string& pipeline,
                               const std::string& unit) {
  auto has_relays = session.query("SELECT to_regclass('piperun.relays') IS NOT NULL");
  if (!has_relays) return std::unexpected(has_relays.error());
  if (!has_relays->boolean(0, 0)) return 0;
  auto rows = session.query(kSentToOthers, Parameters().text(stored.table).text(pipeline).text(unit));
  if (!rows) return std::unexpected(rows.error());
  return rows->size() == 0 ? 0 : rows->integer(0, 0);
}

}  // namespace piperun::postgres
