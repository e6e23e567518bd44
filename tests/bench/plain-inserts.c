/*
 * plain-inserts: what SQLite itself takes for the rows of a store.
 *
 *	plain-inserts STORE OUT		reads table biflow of STORE into memory, then inserts it into new databases OUT:
 *	bare		into a table without any index
 *	keyed		into the table as it stands in STORE, in the order of its key
 *
 * One prepared statement, one transaction, synchronous=FULL, as the store does it. Prints key=value lines.
 */
#include <sqlite3.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct cell {
	union {
		sqlite3_int64 integer;
		double real;
		char *text;
	};
	int type;
};

static struct {
	struct cell *cells;
	size_t rows, room;
	int columns;
	char *schema;
} table;

static void die(const char *what, sqlite3 *db)
{
	fprintf(stderr, "plain-inserts: %s: %s\n", what, db ? sqlite3_errmsg(db) : "no memory");
	exit(1);
}

static struct cell copy_of(sqlite3_stmt *row, int column)
{
	struct cell cell = {.type = sqlite3_column_type(row, column)};

	if (cell.type == SQLITE_INTEGER)
		cell.integer = sqlite3_column_int64(row, column);
	else if (cell.type == SQLITE_FLOAT)
		cell.real = sqlite3_column_double(row, column);
	else if (cell.type == SQLITE_TEXT)
		cell.text = strdup((const char *)sqlite3_column_text(row, column));
	return cell;
}

static void add_row(sqlite3_stmt *row)
{
	if (table.rows == table.room) {
		table.room = table.room ? 2 * table.room : 1024;
		table.cells = realloc(table.cells,
			table.room * (size_t)table.columns * sizeof(*table.cells));
		if (!table.cells)
			die("a table", NULL);
	}
	for (int i = 0; i < table.columns; i++)
		table.cells[table.rows * (size_t)table.columns + (size_t)i] = copy_of(row, i);
	table.rows++;
}

static sqlite3_stmt *prepare(sqlite3 *db, const char *sql)
{
	sqlite3_stmt *statement;

	if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) != SQLITE_OK)
		die(sql, db);
	return statement;
}

static void read_store(const char *path)
{
	sqlite3_stmt *statement;
	sqlite3 *db;

	if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK)
		die(path, db);
	statement = prepare(db, "SELECT sql FROM sqlite_master WHERE name = 'biflow'");
	if (sqlite3_step(statement) != SQLITE_ROW)
		die("no table biflow", db);
	table.schema = strdup((const char *)sqlite3_column_text(statement, 0));
	sqlite3_finalize(statement);
	statement = prepare(db, "SELECT * FROM biflow");
	table.columns = sqlite3_column_count(statement);
	while (sqlite3_step(statement) == SQLITE_ROW)
		add_row(statement);
	sqlite3_finalize(statement);
	sqlite3_close(db);
}

static void bind(sqlite3_stmt *insert, int column, const struct cell *cell)
{
	if (cell->type == SQLITE_INTEGER)
		sqlite3_bind_int64(insert, column, cell->integer);
	else if (cell->type == SQLITE_FLOAT)
		sqlite3_bind_double(insert, column, cell->real);
	else if (cell->type == SQLITE_TEXT)
		sqlite3_bind_text(insert, column, cell->text, -1, SQLITE_STATIC);
	else
		sqlite3_bind_null(insert, column);
}

static void insert_all(sqlite3 *db)
{
	char sql[1024] = "INSERT INTO biflow VALUES(?";
	const struct cell *cell = table.cells;
	sqlite3_stmt *insert;

	for (int i = 1; i < table.columns; i++)
		strcat(sql, ",?");
	insert = prepare(db, strcat(sql, ")"));
	sqlite3_exec(db, "BEGIN", NULL, NULL, NULL);
	for (size_t row = 0; row < table.rows; row++) {
		for (int i = 1; i <= table.columns; i++)
			bind(insert, i, cell++);
		if (sqlite3_step(insert) != SQLITE_DONE)
			die("insert", db);
		sqlite3_reset(insert);
	}
	sqlite3_finalize(insert);
	if (sqlite3_exec(db, "COMMIT", NULL, NULL, NULL) != SQLITE_OK)
		die("commit", db);
}

/* Columns without types, key and WITHOUT ROWID: a table that is appended to. */
static char *bare_schema(void)
{
	char *sql = calloc(1, 1024);

	strcpy(sql, "CREATE TABLE biflow(c0");
	for (int i = 1; i < table.columns; i++)
		sprintf(sql + strlen(sql), ",c%d", i);
	return strcat(sql, ")");
}

static double seconds(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void measure(const char *name, const char *schema, const char *path)
{
	double cpu, wall;
	sqlite3 *db;

	unlink(path);
	if (sqlite3_open(path, &db) != SQLITE_OK ||
		sqlite3_exec(db, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL", NULL, NULL,
			NULL) != SQLITE_OK ||
		sqlite3_exec(db, schema, NULL, NULL, NULL) != SQLITE_OK)
		die(path, db);
	cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);
	wall = seconds(CLOCK_MONOTONIC);
	insert_all(db);
	sqlite3_close(db);
	wall = seconds(CLOCK_MONOTONIC) - wall;
	cpu = seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu;
	printf("measure=%s cpu_s=%.6f wall_s=%.6f rows=%zu\n", name, cpu, wall, table.rows);
	unlink(path);
}

int main(int argc, char **argv)
{
	if (argc != 3) {
		fprintf(stderr, "usage: plain-inserts STORE OUT\n");
		return 2;
	}
	read_store(argv[1]);
	measure("bare", bare_schema(), argv[2]);
	measure("keyed", table.schema, argv[2]);
	return 0;
}
