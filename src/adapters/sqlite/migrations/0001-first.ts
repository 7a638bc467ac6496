// Migration 1: the first schema. Immutable once released. Every row ends in the seal of its values (seal.ts); STRICT lets
// SQLite's own check find values of a wrong kind.
// What an attempt is and how it ended are rows that are only ever appended. What changes, its state, stands in the small
// `attempt_states` (attempt-mark.ts), whose rows keep their length, so that changes here and there touch few pages.

export const FIRST = `
CREATE TABLE meta (
  name TEXT PRIMARY KEY NOT NULL, value TEXT NOT NULL, seal INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE texts (
  id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE, seal INTEGER NOT NULL
) STRICT;

CREATE TABLE runs (
  id INTEGER PRIMARY KEY, name TEXT NOT NULL, number INTEGER NOT NULL, spec TEXT NOT NULL,
  state INTEGER NOT NULL CHECK (state BETWEEN 0 AND 5), state_reason TEXT, cancelled_by TEXT,
  submitted_at_ms INTEGER NOT NULL, started_at_ms INTEGER, ended_at_ms INTEGER,
  submission_key TEXT UNIQUE, trial_tasks INTEGER, removed INTEGER NOT NULL CHECK (removed IN (0, 1)),
  seal INTEGER NOT NULL,
  UNIQUE (name, number)
) STRICT;
CREATE INDEX runs_open ON runs (id) WHERE state < 3;
CREATE INDEX runs_removed ON runs (id) WHERE removed = 1;

CREATE TABLE jobs (
  id INTEGER PRIMARY KEY, run_id INTEGER NOT NULL, ordinal INTEGER NOT NULL,
  state INTEGER NOT NULL CHECK (state BETWEEN 0 AND 5), task_count INTEGER NOT NULL CHECK (task_count > 0),
  item_set_id TEXT, seal INTEGER NOT NULL,
  UNIQUE (run_id, ordinal)
) STRICT;
CREATE INDEX jobs_items ON jobs (item_set_id) WHERE item_set_id IS NOT NULL;

CREATE TABLE job_specs (job_id INTEGER PRIMARY KEY, spec TEXT NOT NULL, seal INTEGER NOT NULL) STRICT;

CREATE TABLE attempts (
  sequence INTEGER PRIMARY KEY, run_id INTEGER NOT NULL, job_id INTEGER NOT NULL,
  task_index INTEGER NOT NULL CHECK (task_index >= 0), number INTEGER NOT NULL CHECK (number > 0),
  instance INTEGER NOT NULL, runtime INTEGER NOT NULL, created_at_ms INTEGER NOT NULL, seal INTEGER NOT NULL
) STRICT;
CREATE INDEX attempts_task ON attempts (job_id, task_index);
CREATE INDEX attempts_repeated ON attempts (job_id, task_index) WHERE number > 1;

CREATE TABLE attempt_states (
  sequence INTEGER PRIMARY KEY, mark INTEGER NOT NULL, seen_at_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE attempt_ends (
  id INTEGER PRIMARY KEY, sequence INTEGER NOT NULL, state INTEGER NOT NULL CHECK (state BETWEEN 4 AND 9),
  cause INTEGER NOT NULL, exit_code INTEGER, reason TEXT NOT NULL, started_at_ms INTEGER,
  ended_at_ms INTEGER NOT NULL, peak_memory_mib INTEGER, seal INTEGER NOT NULL
) STRICT;

CREATE TABLE job_totals (
  job_id INTEGER PRIMARY KEY, attempts INTEGER NOT NULL, interruptions INTEGER NOT NULL, retries INTEGER NOT NULL,
  succeeded INTEGER NOT NULL, duration_ms INTEGER NOT NULL, peak_memory_mib INTEGER, first_started_at_ms INTEGER,
  last_ended_at_ms INTEGER, seal INTEGER NOT NULL
) STRICT;

CREATE TABLE task_chunks (
  job_id INTEGER NOT NULL, chunk INTEGER NOT NULL CHECK (chunk >= 0),
  states BLOB NOT NULL CHECK (length(states) BETWEEN 1 AND 1024), seal INTEGER NOT NULL,
  PRIMARY KEY (job_id, chunk)
) STRICT, WITHOUT ROWID;

CREATE TABLE retries (
  job_id INTEGER NOT NULL, task_index INTEGER NOT NULL, counted INTEGER NOT NULL, interruptions INTEGER NOT NULL,
  next_number INTEGER NOT NULL, memory_mib INTEGER, ready_at_ms INTEGER NOT NULL, last_reason TEXT NOT NULL,
  seal INTEGER NOT NULL,
  PRIMARY KEY (job_id, task_index)
) STRICT, WITHOUT ROWID;

CREATE TABLE events (
  sequence INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, kind INTEGER NOT NULL, run_id INTEGER, job_id INTEGER,
  task_index INTEGER, attempt_sequence INTEGER, state INTEGER, word TEXT, reason TEXT, seal INTEGER NOT NULL
) STRICT;
CREATE INDEX events_run ON events (run_id) WHERE run_id IS NOT NULL;

CREATE TABLE item_sets (
  id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, touched_at_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE item_chunks (
  set_id INTEGER NOT NULL, chunk INTEGER NOT NULL, items TEXT NOT NULL, seal INTEGER NOT NULL,
  PRIMARY KEY (set_id, chunk)
) STRICT;
`;
