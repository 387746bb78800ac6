import type { Database } from '#station/store/database.ts'

/**
 * What a capture row adds to its session's totals, as SQL over `NEW` or `OLD`.
 * One list for the triggers below, so that insert, update and the reverse cannot disagree.
 */
const contributions = (row: 'NEW' | 'OLD', found = 'true'): Record<string, string> => {
  const counted = `(${row}.disposition = 'counted')`
  return {
    scans: counted,
    units: `iif(${counted}, ${row}.quantity, 0)`,
    found: `(${counted} AND ${row}.state = 'COMPLETED' AND ${found})`,
    not_found: `(${counted} AND ${row}.state = 'NOT_FOUND')`,
    failed: `(${counted} AND ${row}.state = 'FAILED')`,
    waiting: `(${row}.sync = 'waiting')`,
    parked: `(${row}.sync = 'parked')`,
    duplicates: `(${row}.disposition IN ('ignored', 'rejected'))`,
    undone: `(${row}.disposition = 'undone')`,
  }
}

/** What the triggers set when a row is added and when it changes; `found` as SQL over a row, besides that it is settled. */
const totalsOf = (found?: (row: string) => string): { readonly added: string; readonly moved: string } => {
  const [newer, older] = (['NEW', 'OLD'] as const).map((row) => contributions(row, found?.(row)))
  const sums = Object.entries(newer ?? {}).map(
    ([column, value]) => [column, `${column} = ${column} + ${value}`] as const,
  )
  return {
    added: sums.map(([, sum]) => sum).join(', '),
    moved: sums.map(([column, sum]) => `${sum} - ${older?.[column]}`).join(', '),
  }
}
const { added, moved } = totalsOf()

/**
 * Numbered migrations, a function each; never edited after a release, only added to.
 * `PRAGMA user_version` is the number of those that have run.
 */
const migrations: readonly ((database: Database) => void)[] = [
  (database) => {
    database.exec(`
      CREATE TABLE facts (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;

      CREATE TABLE sessions (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        label TEXT NOT NULL,
        capture_mode TEXT NOT NULL,
        duplicate_policy TEXT NOT NULL,
        duplicate_window_ms INTEGER NOT NULL,
        state TEXT NOT NULL,
        opened_at TEXT NOT NULL,
        ended_at TEXT,
        remote_id TEXT,
        remote_generation INTEGER NOT NULL DEFAULT 0,
        scans INTEGER NOT NULL DEFAULT 0,
        units INTEGER NOT NULL DEFAULT 0,
        unique_items INTEGER NOT NULL DEFAULT 0,
        found INTEGER NOT NULL DEFAULT 0,
        not_found INTEGER NOT NULL DEFAULT 0,
        failed INTEGER NOT NULL DEFAULT 0,
        waiting INTEGER NOT NULL DEFAULT 0,
        parked INTEGER NOT NULL DEFAULT 0,
        duplicates INTEGER NOT NULL DEFAULT 0,
        undone INTEGER NOT NULL DEFAULT 0
      ) STRICT;
      CREATE UNIQUE INDEX one_active_session ON sessions (state) WHERE state = 'ACTIVE';

      CREATE TABLE captures (
        sequence INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        session_id TEXT NOT NULL REFERENCES sessions (id),
        type TEXT NOT NULL,
        source TEXT NOT NULL,
        device_name TEXT NOT NULL,
        raw TEXT NOT NULL,
        symbology_identifier TEXT,
        symbology TEXT NOT NULL,
        gtin TEXT,
        item_key TEXT NOT NULL,
        elements TEXT NOT NULL,
        warnings TEXT NOT NULL,
        quantity INTEGER NOT NULL,
        disposition TEXT NOT NULL,
        repeat_of INTEGER NOT NULL,
        captured_at TEXT NOT NULL,
        state TEXT NOT NULL,
        sync TEXT NOT NULL,
        error_message TEXT NOT NULL,
        remote_id TEXT,
        product_id TEXT,
        product_name TEXT,
        photo TEXT,
        upload TEXT
      ) STRICT;
      CREATE INDEX captures_of_session ON captures (session_id);
      CREATE INDEX captures_of_item ON captures (session_id, item_key, disposition);
      CREATE INDEX captures_not_found ON captures (gtin) WHERE state = 'NOT_FOUND';
      CREATE INDEX captures_to_follow ON captures (session_id)
        WHERE remote_id IS NOT NULL AND state IN ('PENDING', 'LOOKING_UP', 'ENRICHING', 'RESOLVING', 'unknown');

      CREATE TABLE items (
        session_id TEXT NOT NULL,
        item_key TEXT NOT NULL,
        scans INTEGER NOT NULL,
        PRIMARY KEY (session_id, item_key)
      ) STRICT, WITHOUT ROWID;

      CREATE TRIGGER capture_added AFTER INSERT ON captures BEGIN
        UPDATE sessions SET ${added} WHERE id = NEW.session_id;
        INSERT INTO items (session_id, item_key, scans)
          SELECT NEW.session_id, NEW.item_key, 1 WHERE NEW.disposition = 'counted'
          ON CONFLICT DO UPDATE SET scans = scans + 1;
      END;
      CREATE TRIGGER capture_moved AFTER UPDATE OF quantity, disposition, state, sync ON captures BEGIN
        UPDATE sessions SET ${moved} WHERE id = NEW.session_id;
        UPDATE items SET scans = scans + (NEW.disposition = 'counted') - (OLD.disposition = 'counted')
          WHERE session_id = NEW.session_id AND item_key = NEW.item_key
            AND (NEW.disposition = 'counted') <> (OLD.disposition = 'counted');
      END;
      CREATE TRIGGER item_added AFTER INSERT ON items BEGIN
        UPDATE sessions SET unique_items = unique_items + (NEW.scans > 0) WHERE id = NEW.session_id;
      END;
      CREATE TRIGGER item_moved AFTER UPDATE OF scans ON items WHEN (NEW.scans > 0) <> (OLD.scans > 0) BEGIN
        UPDATE sessions SET unique_items = unique_items + (NEW.scans > 0) - (OLD.scans > 0) WHERE id = NEW.session_id;
      END;

      CREATE TABLE outbox (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        kind TEXT NOT NULL,
        session_id TEXT,
        capture_id TEXT,
        payload TEXT NOT NULL,
        state TEXT NOT NULL,
        attempts INTEGER NOT NULL DEFAULT 0,
        due_at INTEGER NOT NULL,
        created_at TEXT NOT NULL,
        error_code TEXT,
        error_message TEXT
      ) STRICT;
      CREATE INDEX outbox_by_state ON outbox (state, id);
      CREATE INDEX outbox_by_due ON outbox (due_at) WHERE state = 'waiting';
      CREATE INDEX outbox_of_bookkeeping ON outbox (kind, state) WHERE kind IN ('session.create', 'session.end');
      CREATE INDEX outbox_of_capture ON outbox (capture_id);
      CREATE INDEX outbox_of_session ON outbox (session_id, state);

      CREATE TABLE products (
        gtin TEXT PRIMARY KEY,
        id TEXT NOT NULL,
        name TEXT NOT NULL,
        brand TEXT NOT NULL,
        net_content TEXT NOT NULL,
        seen_at TEXT NOT NULL
      ) STRICT, WITHOUT ROWID;
    `)
  },
  // Where things are: a session's present location, and that of each capture.
  (database) => {
    database.exec('ALTER TABLE sessions ADD COLUMN location TEXT; ALTER TABLE captures ADD COLUMN location TEXT;')
  },
  // How a capture was read: its bytes as they came, by which device, and its times on the process's monotonic clock.
  (database) => {
    database.exec(`
      ALTER TABLE captures ADD COLUMN device_id TEXT;
      ALTER TABLE captures ADD COLUMN bytes BLOB;
      ALTER TABLE captures ADD COLUMN received_ms REAL;
      ALTER TABLE captures ADD COLUMN commit_ms REAL;`)
  },
  // How much is in each state of the outbox, so that the status strip need not count a backlog; and what people decided
  // about captures that the backend refused or may have.
  (database) => {
    database.exec(`
      CREATE TABLE outbox_figures (state TEXT PRIMARY KEY, items INTEGER NOT NULL) STRICT, WITHOUT ROWID;
      INSERT INTO outbox_figures (state, items) SELECT state, count(*) FROM outbox GROUP BY state;
      CREATE TRIGGER outbox_added AFTER INSERT ON outbox BEGIN
        INSERT INTO outbox_figures (state, items) VALUES (NEW.state, 1) ON CONFLICT DO UPDATE SET items = items + 1;
      END;
      CREATE TRIGGER outbox_moved AFTER UPDATE OF state ON outbox WHEN NEW.state <> OLD.state BEGIN
        UPDATE outbox_figures SET items = items - 1 WHERE state = OLD.state;
        INSERT INTO outbox_figures (state, items) VALUES (NEW.state, 1) ON CONFLICT DO UPDATE SET items = items + 1;
      END;
      CREATE TRIGGER outbox_removed AFTER DELETE ON outbox BEGIN
        UPDATE outbox_figures SET items = items - 1 WHERE state = OLD.state;
      END;

      CREATE TABLE decisions (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        capture_id TEXT NOT NULL,
        at TEXT NOT NULL,
        kind TEXT NOT NULL,
        reason TEXT NOT NULL,
        detail TEXT NOT NULL
      ) STRICT;
      CREATE INDEX decisions_of_capture ON decisions (capture_id);
      CREATE INDEX captures_by_remote ON captures (remote_id) WHERE remote_id IS NOT NULL;
    `)
  },
  // One item, many marks: the further codes of a capture, and which of them stands for it (null: its own).
  (database) => {
    database.exec(`
      ALTER TABLE sessions ADD COLUMN marks_window_ms INTEGER NOT NULL DEFAULT 0;
      ALTER TABLE captures ADD COLUMN marks INTEGER NOT NULL DEFAULT 0;
      ALTER TABLE captures ADD COLUMN best_mark INTEGER;

      CREATE TABLE marks (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        capture_id TEXT NOT NULL,
        raw TEXT NOT NULL,
        symbology_identifier TEXT,
        symbology TEXT NOT NULL,
        elements TEXT NOT NULL,
        warnings TEXT NOT NULL,
        source TEXT NOT NULL,
        device_name TEXT NOT NULL,
        device_id TEXT,
        bytes BLOB,
        read_at TEXT NOT NULL
      ) STRICT;
      CREATE INDEX marks_of_capture ON marks (capture_id);
      CREATE INDEX captures_of_gtin ON captures (session_id, gtin) WHERE gtin IS NOT NULL;

      CREATE TRIGGER capture_known_better AFTER UPDATE OF item_key ON captures
      WHEN NEW.item_key <> OLD.item_key AND NEW.disposition = 'counted' BEGIN
        UPDATE items SET scans = scans - 1 WHERE session_id = OLD.session_id AND item_key = OLD.item_key;
        INSERT INTO items (session_id, item_key, scans) VALUES (NEW.session_id, NEW.item_key, 1)
          ON CONFLICT DO UPDATE SET scans = scans + 1;
      END;
    `)
  },
  // What became of each capture, as a chain of entries, and the second clock. The triggers stop accidents, not people.
  (database) => {
    database.exec(`
      CREATE TABLE ledger (sequence INTEGER PRIMARY KEY AUTOINCREMENT, entry TEXT NOT NULL, hash TEXT NOT NULL) STRICT;
      CREATE TRIGGER ledger_entry_kept BEFORE DELETE ON ledger BEGIN
        SELECT RAISE(ABORT, 'entries of the ledger are never deleted');
      END;
      CREATE TRIGGER ledger_entry_unchanged BEFORE UPDATE ON ledger BEGIN
        SELECT RAISE(ABORT, 'entries of the ledger are never changed');
      END;
      ALTER TABLE captures ADD COLUMN monotonic_ms INTEGER;
      ALTER TABLE captures ADD COLUMN boot_id TEXT;
    `)
  },
  // What a photo shows, and the files of folders that are done with.
  (database) => {
    database.exec(`
      ALTER TABLE captures ADD COLUMN photo_role TEXT;
      CREATE INDEX captures_by_photo ON captures (photo) WHERE photo IS NOT NULL;
      CREATE TABLE photo_files (
        path TEXT PRIMARY KEY,
        size_bytes INTEGER NOT NULL,
        modified_ms INTEGER NOT NULL,
        hash TEXT
      ) STRICT;`)
  },
  // What was read from a photo, by its content; thumbnails were facts before.
  (database) => {
    database.exec(`
      CREATE TABLE photos (
        hash TEXT PRIMARY KEY,
        session_id TEXT,
        taken_at TEXT,
        thumbnail TEXT NOT NULL,
        upload TEXT,
        width_pixels INTEGER,
        height_pixels INTEGER,
        perceptual_hash TEXT,
        quality TEXT
      ) STRICT;
      CREATE INDEX photos_of_session ON photos (session_id, taken_at);
      INSERT INTO photos (hash, thumbnail) SELECT substr(key, 11), value FROM facts WHERE key LIKE 'thumbnail:%';
      DELETE FROM facts WHERE key LIKE 'thumbnail:%';
    `)
  },
  // What the cameras and photos of a session are searched for.
  (database) => database.exec(`ALTER TABLE sessions ADD COLUMN formats TEXT NOT NULL DEFAULT 'all'`),
  // Where the backend has a capture's photo, when that is a thing of its own there.
  (database) => database.exec('ALTER TABLE captures ADD COLUMN remote_photo TEXT'),
  // What was decided at the gate.
  (database) => {
    database.exec(`
      CREATE TABLE verdicts (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        at TEXT NOT NULL,
        gate TEXT NOT NULL,
        event TEXT NOT NULL,
        direction TEXT NOT NULL,
        data TEXT NOT NULL,
        type TEXT NOT NULL,
        device_name TEXT NOT NULL,
        pass_id TEXT,
        pass_type TEXT,
        result TEXT NOT NULL,
        code TEXT NOT NULL,
        mode TEXT NOT NULL,
        counts_entry INTEGER NOT NULL,
        judgement TEXT NOT NULL,
        took_ms REAL NOT NULL,
        overrides TEXT,
        reason TEXT,
        by_whom TEXT,
        undone_at TEXT,
        undo_reason TEXT,
        report TEXT NOT NULL,
        undo_report TEXT NOT NULL DEFAULT 'none',
        settled_at TEXT,
        compared TEXT,
        agrees INTEGER
      ) STRICT;
      CREATE INDEX verdicts_of_pass ON verdicts (pass_id, number) WHERE pass_id IS NOT NULL;
      CREATE INDEX verdicts_of_value ON verdicts (data, number);
      CREATE INDEX verdicts_by_time ON verdicts (at);
      CREATE INDEX verdicts_to_report ON verdicts (number) WHERE report = 'waiting' OR undo_report = 'waiting';
      CREATE INDEX verdicts_that_differ ON verdicts (number) WHERE agrees = 0;`)
  },
  // What the backend proposes for products, and what people decided about it: rows of `reviews` are never deleted.
  (database) => {
    database.exec(`
      CREATE TABLE proposals (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        capture TEXT NOT NULL,
        gtin TEXT NOT NULL,
        product_name TEXT NOT NULL,
        field TEXT NOT NULL,
        remote TEXT NOT NULL,
        decision TEXT,
        value TEXT,
        delivered TEXT,
        state TEXT NOT NULL,
        version INTEGER NOT NULL,
        cost REAL NOT NULL,
        doubts TEXT NOT NULL
      ) STRICT;
      CREATE INDEX proposals_of_capture ON proposals (capture);
      CREATE INDEX proposals_open ON proposals (capture, cost) WHERE state IN ('open', 'skipped');

      CREATE TABLE reviews (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        act TEXT NOT NULL,
        at TEXT NOT NULL,
        kind TEXT NOT NULL,
        capture TEXT NOT NULL,
        proposal TEXT,
        value TEXT,
        seen TEXT NOT NULL,
        before TEXT NOT NULL,
        undoes TEXT,
        undone_by TEXT,
        took_ms REAL NOT NULL DEFAULT 0,
        delivery TEXT NOT NULL,
        code TEXT,
        message TEXT,
        answer TEXT
      ) STRICT;
      CREATE INDEX reviews_of_act ON reviews (act);
      CREATE INDEX reviews_of_capture ON reviews (capture);
      CREATE INDEX reviews_of_proposal ON reviews (proposal) WHERE proposal IS NOT NULL;
      CREATE INDEX reviews_by_delivery ON reviews (delivery) WHERE delivery IN ('waiting', 'refused');
      CREATE INDEX reviews_by_time ON reviews (at);
      CREATE INDEX captures_by_remote_photo ON captures (substr(remote_photo, instr(remote_photo, '/photos/') + 8))
        WHERE remote_photo IS NOT NULL;
      CREATE INDEX outbox_of_review ON outbox (payload ->> 'about', id) 
        WHERE kind IN ('review.decide', 'review.apply', 'review.revert');`)
  },
  // Which change of the list of passes tells of a verdict; what was told before this was counted is in the list by now.
  (database) => {
    database.exec(`
      ALTER TABLE verdicts ADD COLUMN change INTEGER;
      UPDATE verdicts SET change = 0 WHERE report = 'sent';`)
  },
  // A photo that is kept and shows no product is no product found.
  (database) => {
    const showsOne = (row: string): string =>
      `(${row}.raw <> '' OR ${row}.gtin IS NOT NULL OR ${row}.product_id IS NOT NULL)`
    const totals = totalsOf(showsOne)
    database.exec(`
      DROP TRIGGER capture_added;
      DROP TRIGGER capture_moved;
      CREATE TRIGGER capture_added AFTER INSERT ON captures BEGIN
        UPDATE sessions SET ${totals.added} WHERE id = NEW.session_id;
        INSERT INTO items (session_id, item_key, scans)
          SELECT NEW.session_id, NEW.item_key, 1 WHERE NEW.disposition = 'counted'
          ON CONFLICT DO UPDATE SET scans = scans + 1;
      END;
      CREATE TRIGGER capture_moved AFTER UPDATE OF quantity, disposition, state, sync ON captures BEGIN
        UPDATE sessions SET ${totals.moved} WHERE id = NEW.session_id;
        UPDATE items SET scans = scans + (NEW.disposition = 'counted') - (OLD.disposition = 'counted')
          WHERE session_id = NEW.session_id AND item_key = NEW.item_key
            AND (NEW.disposition = 'counted') <> (OLD.disposition = 'counted');
      END;
      UPDATE sessions SET found = found - (SELECT count(*) FROM captures c WHERE c.session_id = sessions.id
        AND c.disposition = 'counted' AND c.state = 'COMPLETED' AND NOT ${showsOne('c')});`)
  },
  // Products that are photographed, whose photo a capture is, and what a person said that it shows.
  (database) => {
    database.exec(`
      CREATE TABLE shot_items (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        gtin TEXT,
        raw TEXT NOT NULL,
        list TEXT NOT NULL,
        photo_order TEXT NOT NULL DEFAULT '[]',
        opened_at TEXT NOT NULL,
        submitted_at TEXT
      ) STRICT;
      CREATE INDEX shot_items_of_code ON shot_items (gtin, raw);
      CREATE INDEX shot_items_submitted ON shot_items (submitted_at);
      CREATE TABLE shot_sessions (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        session_id TEXT NOT NULL UNIQUE,
        item_id TEXT NOT NULL
      ) STRICT;
      CREATE INDEX shot_sessions_of_item ON shot_sessions (item_id);
      ALTER TABLE captures ADD COLUMN of_capture TEXT;
      ALTER TABLE captures ADD COLUMN photo_view TEXT;
      ALTER TABLE photos ADD COLUMN codes TEXT;`)
  },
  // The digits beside the code of a periodical or book. Null in the rows before: their digests in the ledger stay.
  (database) => {
    database.exec(`
      ALTER TABLE captures ADD COLUMN add_on TEXT;
      ALTER TABLE marks ADD COLUMN add_on TEXT;`)
  },
  // The catalogue as the backend last told it, and what people here decided about products: those rows are never deleted.
  (database) => {
    database.exec(`
      ALTER TABLE products ADD COLUMN words TEXT NOT NULL DEFAULT '';
      ALTER TABLE products ADD COLUMN record TEXT;
      ALTER TABLE products ADD COLUMN fetched_at TEXT;
      ALTER TABLE products ADD COLUMN history TEXT;
      ALTER TABLE products ADD COLUMN history_at TEXT;
      ALTER TABLE products ADD COLUMN photos TEXT;
      ALTER TABLE products ADD COLUMN merged_into TEXT;
      UPDATE products SET words = lower(name || ' ' || brand || ' ' || gtin);

      CREATE TABLE product_edits (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        at TEXT NOT NULL,
        kind TEXT NOT NULL,
        gtin TEXT NOT NULL,
        other TEXT,
        fields TEXT NOT NULL,
        undoes TEXT,
        undone_by TEXT,
        change_id TEXT,
        delivery TEXT NOT NULL,
        sent_at TEXT,
        code TEXT,
        message TEXT,
        settled TEXT
      ) STRICT;
      CREATE INDEX product_edits_of_gtin ON product_edits (gtin);
      CREATE INDEX product_edits_of_other ON product_edits (other) WHERE other IS NOT NULL;
      CREATE INDEX product_edits_by_delivery ON product_edits (delivery) WHERE delivery IN ('waiting', 'refused');
      CREATE INDEX outbox_of_product ON outbox (payload ->> 'edit') WHERE kind = 'product.edit';
      CREATE INDEX captures_by_gtin ON captures (gtin, sequence) WHERE gtin IS NOT NULL;
      CREATE INDEX proposals_by_gtin ON proposals (gtin);

      ALTER TABLE reviews ADD COLUMN settled TEXT;`)
  },
  // Known values among those to review; no proposals, so that nothing takes them for some.
  (database) => {
    database.exec(`
      CREATE TABLE probes (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        at TEXT NOT NULL,
        proposal TEXT NOT NULL,
        proposed TEXT NOT NULL,
        is_true INTEGER NOT NULL,
        answer TEXT,
        is_right INTEGER,
        answered_at TEXT
      ) STRICT;
      CREATE INDEX probes_open ON probes (number) WHERE answer IS NULL;`)
  },
  // What a gate tells of its day, by minutes, and who is inside, by events: counted as verdicts come, not anew for each read.
  (database) => {
    const isIn = (row: string): string =>
      `(${row}.result = 'admit' AND ${row}.code NOT IN ('exited', 'admitted_again') AND ${row}.undone_at IS NULL)`
    const isOut = (row: string): string => `(${row}.code = 'exited' AND ${row}.undone_at IS NULL)`
    database.exec(`
      CREATE TABLE gate_minutes (
        minute TEXT PRIMARY KEY,
        admitted INTEGER NOT NULL,
        denied INTEGER NOT NULL,
        referred INTEGER NOT NULL,
        exited INTEGER NOT NULL
      ) STRICT, WITHOUT ROWID;
      CREATE TABLE gate_events (event TEXT PRIMARY KEY, inside INTEGER NOT NULL) STRICT, WITHOUT ROWID;
      CREATE TRIGGER verdict_added AFTER INSERT ON verdicts BEGIN
        INSERT INTO gate_minutes (minute, admitted, denied, referred, exited)
          VALUES (substr(NEW.at, 1, 16), ${isIn('NEW')}, NEW.result = 'deny', NEW.result = 'refer', ${isOut('NEW')})
          ON CONFLICT DO UPDATE SET admitted = admitted + excluded.admitted, denied = denied + excluded.denied,
            referred = referred + excluded.referred, exited = exited + excluded.exited;
        INSERT INTO gate_events (event, inside) VALUES (NEW.event, ${isIn('NEW')} - ${isOut('NEW')})
          ON CONFLICT DO UPDATE SET inside = inside + excluded.inside;
      END;
      CREATE TRIGGER verdict_taken_back AFTER UPDATE OF undone_at ON verdicts BEGIN
        UPDATE gate_minutes SET admitted = admitted + ${isIn('NEW')} - ${isIn('OLD')},
            exited = exited + ${isOut('NEW')} - ${isOut('OLD')}
          WHERE minute = substr(NEW.at, 1, 16);
        UPDATE gate_events SET inside = inside + ${isIn('NEW')} - ${isIn('OLD')} - ${isOut('NEW')} + ${isOut('OLD')}
          WHERE event = NEW.event;
      END;
      INSERT INTO gate_minutes SELECT substr(at, 1, 16), sum(${isIn('v')}), sum(result = 'deny'), sum(result = 'refer'),
          sum(${isOut('v')}) FROM verdicts v GROUP BY 1;
      INSERT INTO gate_events SELECT event, sum(${isIn('v')} - ${isOut('v')}) FROM verdicts v GROUP BY 1;`)
  },
  // Photos that the backend could not read, as it lists them; `review` is what a person decided about them.
  (database) => {
    database.exec(`
      CREATE TABLE unread_photos (
        reading TEXT PRIMARY KEY,
        capture TEXT NOT NULL,
        gtin TEXT NOT NULL,
        product_name TEXT NOT NULL,
        photo_id TEXT,
        reason TEXT NOT NULL,
        review TEXT
      ) STRICT;
      CREATE INDEX unread_photos_of_capture ON unread_photos (capture);
      DROP INDEX outbox_of_review;
      CREATE INDEX outbox_of_review ON outbox (payload ->> 'about', id)
        WHERE kind IN ('review.decide', 'review.apply', 'review.revert', 'review.photos');`)
  },
]

/** The schema this program writes. */
export const schemaVersion = migrations.length

/** The file was written by a newer Capstan: an older one must not guess at it. */
export class NewerSchemaError extends Error {}

/**
 * Brings a database up to the present schema, or to an earlier one; each step is a transaction.
 * Throws a NewerSchemaError for a schema it does not know.
 */
export function migrate(database: Database, upTo: number = schemaVersion): void {
  const version = Number(database.get('PRAGMA user_version')?.['user_version'] ?? 0)
  if (version > migrations.length) {
    throw new NewerSchemaError(
      `the store has schema ${version}, this Capstan knows ${migrations.length}: start the newer version`,
    )
  }
  for (const [index, migration] of migrations.entries()) {
    if (index < version || index >= upTo) continue
    database.transaction(() => {
      migration(database)
      database.exec(`PRAGMA user_version = ${index + 1}`)
    })
  }
}
